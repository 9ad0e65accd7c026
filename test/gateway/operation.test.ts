import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { GatewayUnderTest, openDevice, startStore } from './plant.js';
import { until } from '../support/until.js';

const nats = useNats();
const YEAR_MS = 365 * 86_400_000;

afterEach(() => void vi.restoreAllMocks());

const document = (transport: object): object => ({
  nats: { servers: nats.url },
  links: [{ name: 'pump', transport, protocol: 'compact' }],
});

describe('the clock of the machine', () => {
  it.each([5, -5])('steps by %i years: devices get the time, points go on', async (years) => {
    const store = await startStore(nats);
    const device = await openDevice();
    const gateway = await new GatewayUnderTest(tempDir(), document(device.transport)).start();
    await gateway.ready('pump');
    const nodeId = gateway.nodeId('pump');
    await device.mcu.sendPoints([{ type: 'temp', value: 1, time: 0n }]);
    const before = await store.waitForPoint(nodeId, 'temp', '0', ({ number }) => number === 1);
    device.mcu.clearReceived();
    const real = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => real() + years * YEAR_MS);
    await device.mcu.waitForTimeSync();
    await device.mcu.sendPoints([{ type: 'temp', value: 2, time: 0n }]);
    // Also when the clock is years behind what SIOT has: later than the one before.
    const after = await store.waitForPoint(nodeId, 'temp', '0', ({ number }) => number === 2);
    expect(after.time).toBeGreaterThan(before.time);
    await store.setAs('user-1', nodeId, 'limit', '0', 3);
    await device.mcu.waitForSetting('limit');
    await until(() => gateway.link('pump').pending.length === 0, 'the acknowledgement');
    expect(gateway.link('pump')).toMatchObject({ connected: true, port: 'open' });
    expect(gateway.said.filter(({ message }) => message.includes('was stepped'))).toHaveLength(1);
  });
});

describe('a second gateway on the same port', () => {
  it('reports that the port is taken, and the first goes on', async () => {
    const device = await openDevice();
    const first = await new GatewayUnderTest(tempDir(), document(device.transport)).start();
    await until(() => first.link('pump').port === 'open', 'the first');
    const second = await new GatewayUnderTest(tempDir(), document(device.transport)).start();
    await until(
      () => second.link('pump').portProblem !== undefined,
      () => JSON.stringify(second.link('pump')),
    );
    expect(second.link('pump').portProblem).toMatch(/in use|taken|busy/);
    await device.report('temp', 1);
    expect(first.link('pump').port).toBe('open');
  });
});

describe('a state folder that cannot be written', () => {
  it('makes a command wait, which might be executed twice after a crash; others go on', async () => {
    const store = await startStore(nats);
    const device = await openDevice();
    const folder = tempDir();
    const { links, ...rest } = document(device.transport) as { links: object[] };
    const gateway = await new GatewayUnderTest(folder, {
      ...rest,
      outbox: { durability: 'memory' },
      links: links.map((link) => ({ ...link, commands: ['restart'] })),
    }).start();
    await gateway.ready('pump');
    await device.report('temp', 1);
    const nodeId = gateway.nodeId('pump');
    const state = join(folder, 'state', 'links');
    renameSync(state, `${state}-away`);
    writeFileSync(state, 'in the way');
    await store.setAs('user-1', nodeId, 'restart', '0', 1);
    await store.setAs('user-1', nodeId, 'limit', '0', 3);
    await device.mcu.waitForSetting('limit');
    await until(
      () => gateway.link('pump').pending.length === 1,
      () => JSON.stringify(gateway.link('pump').pending),
    );
    expect(gateway.link('pump').pending).toMatchObject([
      {
        type: 'restart',
        reason: expect.stringMatching(/cannot be noted on disk as sent/) as string,
      },
    ]);
    device.mcu.assertNotReceived('restart');
    // `watch` says which files cannot be written.
    await device.report('fresh', 1);
    const advice = (): string => gateway.link('pump').advice.join('\n');
    await until(() => /names of points .* cannot be saved: .*\.names\)/.test(advice()), advice);
    expect(advice()).toMatch(/settings cannot be saved: .*\.state\)/);
    rmSync(state);
    renameSync(`${state}-away`, state);
    await store.setAs('user-1', nodeId, 'limit', '0', 4);
    await device.mcu.waitForSetting('restart');
    await until(() => gateway.link('pump').pending.length === 0, 'the acknowledgement');
  });
});
