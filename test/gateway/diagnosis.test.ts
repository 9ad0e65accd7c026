/** A device that talks, and not in packets: told in time, in the log of the whole gateway. */
import { expect, it, onTestFinished } from 'vitest';
import { openPty } from '../support/pty.js';
import { SLOWNESS } from '../support/slowness.js';
import { tempDir } from '../support/temp-dir.js';
import { until } from '../support/until.js';
import { GatewayUnderTest } from './plant.js';

/** docs/contract.md promises it within this time. */
const TOLD_WITHIN_MS = 5_000;

it('is told once, within 5 s of its first bytes, with what was heard and what to do', async () => {
  const wire = openPty();
  onTestFinished(() => wire.close());
  const transport = { type: 'serial', path: wire.path };
  // No NATS is needed for it.
  const document = {
    nats: { servers: 'nats://127.0.0.1:1' },
    links: [{ name: 'bench', transport }],
  };
  const gateway = await new GatewayUnderTest(tempDir(), document).start();
  await gateway.opened();
  const begunMs = performance.now();
  const speak = (): void => void wire.write(Buffer.from('temp=23.5\r\n', 'latin1'));
  speak();
  const timer = setInterval(speak, 250);
  onTestFinished(() => clearInterval(timer));
  const told = (): string[] =>
    gateway.said
      .filter(({ level, fields }) => level === 'warn' && fields.diagnosis === 'text')
      .map(({ message }) => message);
  await until(() => told().length > 0, 'the diagnosis');
  expect(performance.now() - begunMs).toBeLessThan(TOLD_WITHIN_MS * SLOWNESS);
  expect(told()[0]).toMatch(/^no packets: about \d+ bytes\/s: text, such as "temp=23\.5": /);
  expect(gateway.link().diagnosis).toMatchObject({ cause: 'text' });
  expect(gateway.link()).toMatchObject({ state: 'silent', connected: false });
  expect(told()).toHaveLength(1);
});
