/** `siot-mcu console` of the built program, on terminals and in a pipe, beside a simulated device. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NatsServer } from '../../src/siot/connection/nats-server.js';
import { Cli, runCli } from '../support/cli.js';
import { OnTerminal } from '../support/on-terminal.js';
import { tempDir } from '../support/temp-dir.js';
import { until } from '../support/until.js';

const SIZE = { rows: 40, cols: 120, term: 'xterm' };
const CTRL_CLOSING_BRACKET = '\u001d';

async function site() {
  const nats = await NatsServer.start();
  onTestFinished(() => nats.stop());
  const folder = tempDir();
  const file = join(folder, 'gateway.yaml');
  const path = join(folder, 'port');
  const pump = { name: 'pump', transport: { type: 'serial', path } };
  writeFileSync(file, JSON.stringify({ nats: { servers: nats.url }, links: [pump] }));
  new Cli(['sim', '--pty', path]);
  const daemon = new Cli(['run', '-c', file]);
  await daemon.said(/connected to NATS/);
  await daemon.said(/port is open/);
  return { folder, file };
}

const shows = (terminal: OnTerminal, pattern: RegExp): Promise<unknown> =>
  until(
    () => pattern.test(terminal.output),
    () => `${String(pattern)}; there is:\n${terminal.output}`,
  );

describe('console', () => {
  it(
    'shows what passes, sends what is typed, to two people at once, and leaves no trace',
    { timeout: 60_000 },
    async () => {
      const { folder, file } = await site();
      const [before, after] = [join(folder, 'before'), join(folder, 'after')];
      const script = `stty -g > '${before}'; "$@"; status=$?; stty -g > '${after}'; exit $status`;
      const person = new OnTerminal(['console', 'pump', '-c', file], { ...SIZE, script });
      const onlooker = new OnTerminal(['console', 'pump', '--hex', '-c', file], SIZE);
      const killed = new OnTerminal(['console', 'pump', '-c', file], SIZE);
      await shows(person, /Ctrl-\] ends/);
      await shows(onlooker, /▲ points[^\n]*\r\n {3,}[0-9a-f]{2} [0-9a-f]{2} /);
      person.type('setp');
      // What passes is shown above what is being typed.
      await shows(person, /▲ points[^\n]*\r\n[^\n]*> setp/);
      person.type('oint 3.5\r');
      await shows(person, /setpoint is acknowledged by pump, which reports 3\.5/);
      await shows(person, /▼ points .*setpoint = 3\.5/);
      await shows(onlooker, /▼ points .*setpoint = 3\.5/);
      person.type('nonsense\r');
      await shows(person, /a line is a setting/);
      person.type(`half${CTRL_CLOSING_BRACKET}`);
      expect(await person.ended).toBe(0);
      // The prompt is erased, and the terminal is as it was.
      expect(person.output.endsWith('\u001b[1G\u001b[0J')).toBe(true);
      expect(readFileSync(after, 'utf8')).toBe(readFileSync(before, 'utf8'));
      onlooker.type('\u0003');
      expect(await onlooker.ended).toBe(0);
      await shows(killed, /Ctrl-\] ends/);
      killed.signal('SIGINT');
      expect(await killed.ended).toBe(0);
      expect(killed.output.endsWith('\u001b[1G\u001b[0J')).toBe(true);
    },
  );

  it(
    'in a pipe ends with its input, by what became of each line',
    { timeout: 60_000 },
    async () => {
      const { file } = await site();
      const piped = (stdin: string) => runCli(['console', 'pump', '-c', file], { stdin });
      const good = await piped('setpoint 4.5\r\n\nlabel "Pump two"');
      expect(good).toMatchObject({ status: 0, stderr: '' });
      expect(good.stdout).toContain('-- setpoint is acknowledged by pump, which reports 4.5\n');
      expect(good.stdout).toContain('-- label is acknowledged by pump, which reports Pump two\n');
      expect(good.stdout).toMatch(/ ▼ points .*setpoint = 4\.5\n/);
      const bad = await piped('setpoint\nconnected 1\n');
      expect(bad.status).toBe(1);
      expect(bad.stdout).toMatch(/-- a line is a setting.*\n[^]*-- connected is refused: /);
      expect((await piped('')).status).toBe(0);
      expect(await runCli(['console', 'pumpe', '-c', file], { stdin: '' })).toMatchObject({
        status: 2,
        stderr: expect.stringContaining('pump') as string,
      });
    },
  );

  it('says where no gateway runs', async () => {
    const file = join(tempDir(), 'gateway.yaml');
    const transport = { type: 'serial', path: './none' };
    writeFileSync(file, JSON.stringify({ links: [{ name: 'pump', transport }] }));
    const { status, stderr } = await runCli(['console', 'pump', '-c', file], { stdin: 'a 1\n' });
    expect([status, stderr]).toEqual([1, expect.stringContaining('gateway')]);
  });
});
