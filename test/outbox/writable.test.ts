/** No point of one link can stop the outbox of another, whatever it holds (docs/contract.md, "Far times"). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writableOf } from '../../src/outbox/bytes.js';
import { DiskOutbox } from '../../src/outbox/disk-outbox.js';
import { MemoryOutbox } from '../../src/outbox/memory-outbox.js';
import type { Outbox, OutboxLane } from '../../src/outbox/outbox.js';
import { SILENT_LOG } from '../../src/point/log.js';
import {
  NO_VALUE,
  floatValue,
  intValue,
  jsonValue,
  makePoint,
  stringValue,
  type Point,
} from '../../src/point/point.js';
import { MAX_TIME_NS, MIN_TIME_NS } from '../../src/point/time.js';
import { FakeClock } from '../support/fake-clock.js';
import { SimDisk } from './sim-disk.js';

const time = fc.oneof(
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  fc.constantFrom(MIN_TIME_NS - 1n, MIN_TIME_NS, -1n, 0n, MAX_TIME_NS, MAX_TIME_NS + 1n),
);
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constant('\ud800'), fc.constant('é'));
const value = fc.oneof(
  fc.constant(NO_VALUE),
  fc.double().map(floatValue),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(intValue),
  text.map(jsonValue),
  text.map(stringValue),
  fc
    .tuple(text, fc.double())
    .map(([said, number]) => ({ kind: 'string', text: said, number }) as const),
);
const point: fc.Arbitrary<Point> = fc.record({
  type: text,
  key: text,
  time,
  value,
  tombstone: fc.oneof(fc.constant(0), fc.integer(), fc.double(), fc.constant(2 ** 31)),
  origin: text,
});

const good = (n: number): Point =>
  makePoint({ type: 'temp', value: floatValue(n), time: BigInt(n) });

const onDisk = (folder: SimDisk): Promise<DiskOutbox> =>
  DiskOutbox.open({
    folder,
    maxBytes: 10_000_000,
    clock: new FakeClock(),
    log: SILENT_LOG,
    reasonOf: String,
  });

const timesOf = (lane: OutboxLane): (bigint | undefined)[] =>
  Array.from({ length: lane.next - lane.first }, (_, i) => lane.read(lane.first + i)?.time);

const nothing = (): void => undefined;

/** Whatever comes into lane `a`, between two points of lane `b`. Returns what was left out. */
function fill(outbox: Outbox, points: readonly Point[]): Point[] {
  const left: Point[] = [];
  const a = outbox.lane('a', {
    backlog: 'all',
    onSuperseded: nothing,
    onUnwritable: (unwritable) => void left.push(...unwritable),
  });
  const b = outbox.lane('b');
  expect(b.put([good(1)], nothing)).toBe(true);
  expect(a.put(points, nothing)).toBe(true);
  expect(b.put([good(2)], nothing)).toBe(true);
  return left;
}

describe('whatever the points of a lane hold', () => {
  it('all lanes are written to disk, and points that cannot be written are reported to their own lane', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(point, { maxLength: 20 }), async (points) => {
        const disk = new SimDisk();
        const first = await onDisk(disk);
        const left = fill(first, points);
        await first.flush();
        await first.close();
        const second = await onDisk(disk);
        expect(timesOf(second.lane('b'))).toEqual([1n, 2n]);
        const kept = points.filter((one) => !left.includes(one));
        expect(timesOf(second.lane('a'))).toEqual(kept.map((one) => one.time));
        for (const one of left) {
          const inTime = one.time >= -(2n ** 63n) && one.time < 2n ** 63n;
          expect(
            inTime && Number.isInteger(one.tombstone) && Math.abs(one.tombstone) < 2 ** 31,
          ).toBe(false);
        }
        await second.close();
      }),
    );
  });

  it('memory keeps the same points', () => {
    fc.assert(
      fc.property(fc.array(point, { maxLength: 20 }), (points) => {
        const outbox = new MemoryOutbox({ maxBytes: 10_000_000 });
        const left = fill(outbox, points);
        const expected = writableOf(points, nothing).map((one) => one.time);
        expect(timesOf(outbox.lane('a'))).toEqual(expected);
        expect(left).toHaveLength(points.length - expected.length);
      }),
    );
  });

  it('a packet of which nothing is left is safe at once, and is acknowledged', async () => {
    for (const outbox of [new MemoryOutbox({ maxBytes: 1e6 }), await onDisk(new SimDisk())]) {
      let safe = 0;
      const beyond = makePoint({ type: 'temp', value: floatValue(1), time: 2n ** 63n });
      expect(outbox.lane('a').put([beyond], () => (safe += 1))).toBe(true);
      expect([safe, outbox.lane('a').length]).toEqual([1, 0]);
      await outbox.close();
    }
  });
});
