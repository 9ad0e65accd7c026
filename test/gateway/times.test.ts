/** Times over a restart of a gateway whose clock is stepped back (docs/contract.md, "Times"). */
import { describe, expect, it } from 'vitest';
import { tellTimes } from '../../src/gateway/link/known-times.js';
import { DiskOutbox } from '../../src/outbox/disk-outbox.js';
import { MemoryOutbox } from '../../src/outbox/memory-outbox.js';
import { NS_PER_S, SystemClock, type Clock } from '../../src/point/clock.js';
import { SILENT_LOG } from '../../src/point/log.js';
import { floatValue, makePoint } from '../../src/point/point.js';
import { Replica } from '../../src/session/node/replica.js';
import { PointQuota, PointBudget } from '../../src/session/node/point-quota.js';
import { WIRES } from '../../src/siot/wire/wires.js';
import { SimDisk } from '../outbox/sim-disk.js';
import { FakeClock } from '../support/fake-clock.js';
import { useNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { GatewayUnderTest, openDevice, startStore } from './plant.js';
import { until } from '../support/until.js';

const HOUR_NS = 3_600n * NS_PER_S;

/** The machine's clock, behind by so much. */
function behind(ns: bigint): Clock {
  const clock = new SystemClock();
  return {
    monotonicMs: () => clock.monotonicMs(),
    wallNs: () => clock.wallNs() - ns,
    setTimer: (ms, fn) => clock.setTimer(ms, fn),
  };
}

describe('a restart after which the clock is an hour behind', () => {
  const nats = useNats();

  async function rig() {
    const store = await startStore(nats);
    const device = await openDevice();
    const gateway = await new GatewayUnderTest(tempDir(), {
      nats: { servers: nats.url },
      links: [{ name: 'pump', transport: device.transport, protocol: 'compact' }],
    }).start();
    await gateway.ready('pump');
    const nodeId = gateway.nodeId('pump');
    const client = await nats.connect();
    const published: { value: number; time: bigint }[] = [];
    client.subscribe(`p.${nodeId}.temp.0`, {
      callback: (_error, { data }) => {
        for (const { value, time } of WIRES[2].decode(data)?.points ?? []) {
          published.push({ value: value.kind === 'float' ? value.number : NaN, time });
        }
      },
    });
    await client.flush();
    /** A point that the gateway is to date. */
    const report = async (value: number): Promise<void> => {
      const { outcome } = await device.mcu.sendPoints([{ type: 'temp', value, time: 0n }]);
      expect(outcome).toBe('acknowledged');
    };
    return { store, gateway, nodeId, published, report };
  }

  it('gives a point no earlier time than one of it that waits in the outbox', async () => {
    const { store, gateway, nodeId, published, report } = await rig();
    await store.leave();
    await report(1);
    gateway.clock = behind(HOUR_NS);
    await gateway.restart();
    await report(2);
    await store.comeBack();
    await store.waitForPoint(nodeId, 'temp', '0', ({ number }) => number === 2);
    const timeOf = (number: number) => published.find(({ value }) => value === number)?.time;
    await until(() => timeOf(2) !== undefined, 'the point to be heard here, too');
    expect(timeOf(2)).toBe(timeOf(1)! + 1n);
  });

  it('gives a point no earlier time than SIOT shows of it', async () => {
    const { store, gateway, nodeId, report } = await rig();
    await report(1);
    const { time } = await store.waitForPoint(nodeId, 'temp', '0', ({ number }) => number === 1);
    await gateway.gateway.stop();
    gateway.clock = behind(HOUR_NS);
    await gateway.restart();
    await gateway.ready('pump');
    await report(2);
    const shown = await store.waitForPoint(nodeId, 'temp', '0', ({ number }) => number === 2);
    expect(shown.time).toBe(time + 1n);
  });
});

describe('a point with the last possible time', () => {
  const nats = useNats();
  const END = 2n ** 63n - 1n;

  it.each(['0.18.5', '0.25.0'] as const)(
    'blocks the outbox of no link while SIOT is away: %s',
    async (version) => {
      const store = await startStore(nats, version);
      const [pump, fan] = [await openDevice(), await openDevice()];
      const gateway = await new GatewayUnderTest(tempDir(), {
        nats: { servers: nats.url },
        links: [
          { name: 'pump', transport: pump.transport, protocol: 'compact' },
          { name: 'fan', transport: fan.transport, protocol: 'compact' },
        ],
      }).start();
      await gateway.ready('pump', 'fan');
      const write = (type: string, time: bigint): Promise<bigint> =>
        store.setAs('', gateway.nodeId('pump'), type, '0', 7, { time });
      for (const type of ['temp', 'connected', 'rx']) await write(type, END);
      await write('flow', -(2n ** 63n));
      // Read again, by one that knows nothing of it from its own life.
      await gateway.restart();
      await gateway.ready('pump', 'fan');
      await store.leave();
      const report = async (device: typeof pump, type: string, value: number): Promise<void> => {
        const { outcome } = await device.mcu.sendPoints([{ type, value, time: 0n }]);
        expect(outcome).toBe('acknowledged');
      };
      for (let value = 1; value <= 3; value++) {
        for (const type of ['temp', 'flow']) await report(pump, type, value);
        await report(fan, 'speed', value);
      }
      await store.comeBack();
      const node = gateway.nodeId('fan');
      await store.waitForPoint(node, 'speed', '0', ({ number }) => number === 3);
      await store.waitForPoint(gateway.nodeId('pump'), 'flow', '0', ({ number }) => number === 3);
      expect(store.point(gateway.nodeId('pump'), 'temp')).toMatchObject({
        // Of equal times 0.25 keeps the first, and 0.18 takes the last.
        number: version === '0.18.5' ? 3 : 7,
        time: END,
      });
      expect(gateway.said.filter(({ message }) => /outbox.*written/.test(message))).toEqual([]);
    },
  );
});

describe('a new link on a lane with points', () => {
  const YEARS_NS = 10n * 365n * 24n * HOUR_NS;
  const clock = new FakeClock();
  const point = (type: string, time: bigint) =>
    makePoint({ type, value: floatValue(1), time, origin: '' });

  const outboxes = {
    memory: () => Promise.resolve(new MemoryOutbox({ maxBytes: 1e6 })),
    disk: () =>
      DiskOutbox.open({
        folder: new SimDisk(),
        maxBytes: 1e6,
        clock,
        log: SILENT_LOG,
        reasonOf: String,
      }),
  };

  it.each(['memory', 'disk'] as const)(
    'continues a time that is years ahead only for the point that has it, in %s',
    async (kind) => {
      const outbox = await outboxes[kind]();
      const now = clock.wallNs();
      const given = (type: string): bigint => {
        const replica = new Replica(new PointQuota(10, new PointBudget(10), () => undefined));
        tellTimes(outbox.lane('node'), replica, clock);
        return replica.own(type, '0').giveTime(now - HOUR_NS);
      };
      outbox.lane('node').put([point('temp', now - 2n)], () => undefined);
      // The time of one point serves for all points, while the clock is not ahead.
      expect(given('temp')).toBe(now - 1n);
      expect(given('flow')).toBe(now - 1n);
      outbox.lane('node').put([point('temp', now + YEARS_NS)], () => undefined);
      expect(given('temp')).toBe(now + YEARS_NS + 1n);
      expect(given('flow')).toBe(now - HOUR_NS);
      await outbox.close();
    },
  );
});
