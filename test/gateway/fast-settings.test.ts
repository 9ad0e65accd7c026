/** Known points that are set faster than the device takes them: each acknowledgement makes room for one more. */
import { expect, it } from 'vitest';
import { SystemClock, type Timer } from '../../src/point/clock.js';
import { LOOK_EVERY_MS } from '../../src/gateway/link/setting-rate-limiter.js';
import { floatValue, makePoint } from '../../src/point/point.js';
import { WIRES } from '../../src/siot/wire/wires.js';
import { useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { until } from '../support/until.js';
import { GatewayUnderTest, openDevice } from './plant.js';

const nats = useNats();

/** The limiter does not look at what waits by itself. */
class WithoutLooks extends SystemClock {
  dropped = 0;

  override setTimer(ms: number, fn: () => void): Timer {
    if (ms !== LOOK_EVERY_MS) return super.setTimer(ms, fn);
    this.dropped += 1;
    return { cancel: () => undefined };
  }
}

const KEYS = 100;
const ROUNDS = 30;

it('what waits is sent as the device acknowledges, the newest of each point, without any timer', async () => {
  const device = await openDevice();
  const clock = new WithoutLooks();
  const gateway = await new GatewayUnderTest(
    tempDir(),
    {
      nats: { servers: nats.url },
      siot: { store: 'none', generation: 2 },
      links: [{ name: 'pump', transport: device.transport, protocol: 'compact' }],
    },
    { clock },
  ).start();
  await until(() => gateway.link('pump').connected, 'the device to talk');
  const nodeId = gateway.nodeId('pump');
  const client = await nats.connect();
  const wire = WIRES[2];
  const values = new Map<string, number>();
  device.mcu.observe({
    received: ({ points }) => {
      for (const { type, key, value } of points) {
        if (type === 'limit') values.set(key, Number(value));
      }
    },
  });
  const setAll = async (round: number): Promise<void> => {
    for (let n = 0; n < KEYS; n += 1) {
      const key = String(n);
      const value = floatValue(round);
      const point = makePoint({
        type: 'limit',
        key,
        value,
        time: gateway.clock.wallNs(),
        origin: 'rule',
      });
      client.publish(wire.pointSubject(nodeId, point), wire.encode([point]));
    }
    await client.flush();
  };
  const allAre = (round: number): boolean =>
    values.size === KEYS && [...values.values()].every((value) => value === round);

  await setAll(0);
  await until(() => allAre(0), 'all points to be known');
  for (let round = 1; round <= ROUNDS; round += 1) void setAll(round);
  await until(() => allAre(ROUNDS), 'the newest of each point');
  await until(() => gateway.link('pump').pending.length === 0, 'the acknowledgements');
  expect(gateway.link('pump').counters['delayedSetting']).toBeGreaterThan(0);
  expect(clock.dropped).toBeGreaterThan(0);
});
