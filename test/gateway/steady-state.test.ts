/** docs/contract.md, "Delivered": what NATS or a store confirms soon enough is never on disk. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stateOf } from '../../bench/disk-folder.js';
import { runLoad } from '../../bench/roles/load.js';
import { Device } from '../../bench/roles/pty-device.js';
import { memoryAndDiskOf } from '../../bench/usage.js';
import { useNats } from '../support/nats.js';
import { SlowableClock } from '../support/slowable-clock.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { tempDir } from '../support/temp-dir.js';
import { until } from '../support/until.js';
import { GatewayUnderTest, startStore } from './plant.js';

/** The gateway's clock runs so many times slower: a busy machine answers in time, too. */
const SLOWER = 40;
/** On the gateway's clock: a grace that is shorter than this would let the outbox write. */
const CONFIRMED_AFTER_MS = 5;
/** Records of links and of the gateway; the outbox would be many times that. */
const RECORDS_BYTES = 64 * 1024;

const LOADS = [
  ['1,000 points/s', { points: 10, window: 64, ms: 3_000, packetsPerSecond: 100 / SLOWER }],
  ['saturation', { points: 10, window: 64, ms: 1_000 }],
] as const;

const nats = useNats();

describe.each([
  ['nats-server alone, which confirms after 5 ms', false],
  ['a store that answers after 5 ms', true],
])('with %s', (_, withStore) => {
  it.each(LOADS)('writes no byte of the outbox at %s', async (_name, load) => {
    const device = new Device('compact');
    onTestFinished(() => device.close());
    const store = withStore ? await startStore(nats) : undefined;
    const proxy = withStore ? undefined : await TcpProxy.start({ port: nats.server.port });
    onTestFinished(() => proxy?.stop());
    const clock = new SlowableClock();
    const folder = tempDir();
    const plant = await new GatewayUnderTest(
      folder,
      {
        nats: { servers: proxy?.url ?? nats.url },
        links: [
          { name: 'a', protocol: 'compact', transport: { type: 'serial', path: device.path } },
        ],
      },
      { clock },
    ).start();
    onTestFinished(() => clock.slowDown(1));
    const { control } = plant.gateway;
    await until(
      () => {
        const { siot } = control.status();
        return siot.store === (withStore ? 'answers' : 'none') && plant.link().port === 'open';
      },
      () => `the gateway to be ready: ${JSON.stringify(control.status())}`,
    );
    await device.attached;

    clock.slowDown(SLOWER);
    store?.delayReplies(CONFIRMED_AFTER_MS * SLOWER);
    if (proxy !== undefined) proxy.latencyMs = (CONFIRMED_AFTER_MS * SLOWER) / 2;
    const outbox = join(folder, 'state', 'outbox');
    const before = stateOf(outbox);
    const { writtenBytes } = memoryAndDiskOf('self');
    const { packets, lost } = await runLoad([device], load);
    clock.slowDown(1);
    expect(lost).toBe(0);
    expect(packets).toBeGreaterThan(load.ms / 600);
    expect(stateOf(outbox)).toEqual(before);
    expect(memoryAndDiskOf('self').writtenBytes - writtenBytes).toBeLessThan(RECORDS_BYTES);
    expect(plant.counter('rx')).toBe(packets);
  });
});
