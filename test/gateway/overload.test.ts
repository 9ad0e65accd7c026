/** A gateway that has more to do than it can. */
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/point/clock.js';
import { useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { GatewayUnderTest, openDevice, startStore, type Device } from './plant.js';
import { until } from '../support/until.js';

const nats = useNats();
const clock = new SystemClock();

/** So long a text that few packets fill an outbox. */
const LONG = 'x'.repeat(800);

/** Sends packets until one is not acknowledged; the values of those that were. */
async function flood(device: Device, most = 10_000): Promise<number[]> {
  const acknowledged: number[] = [];
  for (let n = 0; n < most; n += 1) {
    const points = [
      { type: 'n', key: '', value: n, time: clock.wallNs() },
      { type: 'ballast', key: '', value: LONG, time: clock.wallNs() },
    ];
    const { outcome } = await device.mcu.sendPoints(points);
    if (outcome !== 'acknowledged') break;
    acknowledged.push(n);
  }
  return acknowledged;
}

async function rig(document: object) {
  const store = await startStore(nats);
  // A busy disk is slow; a full outbox never acknowledges.
  const patient = { ackTimeoutMs: 1_500, retries: 0 };
  const [loud, calm] = [await openDevice(patient), await openDevice(patient)];
  const link = (name: string, device: Device) => ({
    name,
    transport: device.transport,
    protocol: 'compact',
  });
  const gateway = await new GatewayUnderTest(tempDir(), {
    nats: { servers: nats.url },
    links: [link('loud', loud), link('calm', calm)],
    ...document,
  }).start();
  await gateway.ready('loud', 'calm');
  await loud.report('n', -1);
  await calm.report('n', -1);
  const newest = (name: string): number | undefined =>
    store.point(gateway.nodeId(name), 'n', '0')?.number;
  return { store, loud, calm, gateway, newest };
}

describe.each(['disk', 'memory'])('while SIOT is away, with an outbox in %s', (durability) => {
  it('a link that fills its share leaves the others theirs, and nothing acknowledged is lost', async () => {
    const { store, loud, calm, gateway, newest } = await rig({
      outbox: { maxBytes: 262_144, durability },
    });
    await store.leave();
    const acknowledged = await flood(loud);
    expect(acknowledged.length).toBeGreaterThan(20);
    // Full, and still full.
    expect(await flood(loud, 1)).toEqual([]);
    for (let n = 0; n < 20; n += 1) await calm.report('n', n);
    await store.comeBack();
    await until(
      () => newest('calm') === 19,
      () => `${String(newest('calm'))} of calm`,
      20_000,
    );
    const last = acknowledged.at(-1) ?? Number.NaN;
    await until(
      () => (newest('loud') ?? -1) >= last,
      () => `${String(newest('loud'))} of loud`,
      20_000,
    );
    // It has room again.
    await until(() => gateway.link('loud').counters['outboxFull'] !== undefined, 'the counter');
    expect((await flood(loud, 5)).length).toBe(5);
  });
});

it('a gateway under load whose NATS is frozen ends within 5 s, and keeps what was acknowledged', async () => {
  const { loud, gateway, newest } = await rig({});
  nats.server.signal('SIGSTOP');
  let stopped: Promise<number> | undefined;
  let acknowledged: number[];
  try {
    const flooding = flood(loud);
    const rx = (): number => gateway.link('loud').counters['rx'] ?? 0;
    await until(
      () => rx() > 50,
      () => `the load: ${String(rx())} packets`,
    );
    const before = performance.now();
    stopped = gateway.gateway.stop().then(() => performance.now() - before);
    acknowledged = await flooding;
    expect(await stopped).toBeLessThan(5_000);
  } finally {
    nats.server.signal('SIGCONT');
    await stopped;
  }
  expect(acknowledged.length).toBeGreaterThan(20);
  await gateway.restart();
  const last = acknowledged.at(-1) ?? Number.NaN;
  await until(
    () => (newest('loud') ?? -1) >= last,
    () => `${String(newest('loud'))}, not ${String(last)}`,
    20_000,
  );
});
