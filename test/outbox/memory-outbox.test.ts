import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryOutbox } from '../../src/outbox/memory-outbox.js';
import { floatValue, makePoint, stringValue, type Point } from '../../src/point/point.js';

const point = (n: number): Point =>
  makePoint({ type: 'temp', value: floatValue(n), time: BigInt(n) });
const nothing = (): void => undefined;

describe('MemoryOutbox', () => {
  it('keeps points in order, and finds them by position', () => {
    const lane = new MemoryOutbox({ maxBytes: 1e6 }).lane('a');
    let safe = 0;
    expect(lane.put([point(0), point(1), point(2)], () => (safe += 1))).toBe(true);
    expect(safe).toBe(1);
    expect([lane.first, lane.next, lane.length]).toEqual([0, 3, 3]);
    lane.settle(1);
    expect([lane.first, lane.next, lane.length]).toEqual([0, 3, 2]);
    expect(lane.read(1)).toBeUndefined();
    lane.settle(1);
    lane.settle(0);
    expect([lane.first, lane.next, lane.length]).toEqual([2, 3, 1]);
    expect(lane.read(2)).toEqual(point(2));
    lane.settleThrough(99);
    expect([lane.first, lane.next, lane.length]).toEqual([3, 3, 0]);
  });

  it('behaves as a list would, whatever is put and settled', () => {
    const step = fc.oneof(
      fc.record({ put: fc.integer({ min: 0, max: 90 }) }),
      fc.record({ settle: fc.integer({ min: -2, max: 200 }) }),
      fc.record({ through: fc.integer({ min: -2, max: 200 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const lane = new MemoryOutbox({ maxBytes: 1e9 }).lane('a');
        const model = new Map<number, Point>();
        let next = 0;
        for (const s of steps) {
          if ('put' in s) {
            const points = Array.from({ length: s.put }, (_, i) => point(next + i));
            lane.put(points, nothing);
            for (const p of points) model.set(next++, p);
          } else if ('settle' in s) {
            lane.settle(s.settle);
            model.delete(s.settle);
          } else {
            lane.settleThrough(s.through);
            for (const at of [...model.keys()]) if (at <= s.through) model.delete(at);
          }
          expect(lane.length).toBe(model.size);
          expect(lane.next).toBe(next);
          expect(lane.first).toBe(model.size === 0 ? next : Math.min(...model.keys()));
          for (const [at, p] of model) expect(lane.read(at)).toBe(p);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('stops only the lane that is full, and takes again when there is room', () => {
    const outbox = new MemoryOutbox({ maxBytes: 20_000 });
    const [full, other] = [outbox.lane('full'), outbox.lane('other')];
    let count = 0;
    while (full.put([point(count)], nothing)) count += 1;
    expect(count).toBeGreaterThan(20);
    expect(count * 160).toBeLessThan(10_000);
    expect(other.put([point(0)], nothing)).toBe(true);
    full.settle(0);
    expect(full.put([point(count)], nothing)).toBe(true);
    expect(full.put([point(count)], nothing)).toBe(false);
  });

  it('takes all or none', () => {
    const lane = new MemoryOutbox({ maxBytes: 1_000 }).lane('a');
    lane.put([point(0)], nothing);
    const many = Array.from({ length: 10 }, (_, i) => point(i));
    expect(lane.put(many, () => expect.unreachable())).toBe(false);
    expect(lane.length).toBe(1);
  });

  it('takes into an empty lane what alone exceeds its share: its device would be blocked otherwise', () => {
    const lane = new MemoryOutbox({ maxBytes: 1_000 }).lane('a');
    const large = makePoint({ type: 'text', value: stringValue('x'.repeat(5_000)) });
    expect(lane.put([large], nothing)).toBe(true);
    expect(lane.put([point(1)], nothing)).toBe(false);
  });

  it('gives the share of a released lane to the others, once it is empty', () => {
    const outbox = new MemoryOutbox({ maxBytes: 2_000 });
    const [stays, goes] = [outbox.lane('stays'), outbox.lane('goes')];
    goes.put([point(0)], nothing);
    const fill = (): number => {
      let count = 0;
      while (stays.put([point(count)], nothing)) count += 1;
      return count;
    };
    const half = fill();
    outbox.release('goes');
    expect(fill()).toBe(0);
    expect([...outbox.lanes()]).toEqual([stays, goes]);
    goes.settle(0);
    expect([...outbox.lanes()]).toEqual([stays]);
    expect(fill()).toBeGreaterThanOrEqual(half);
  });

  it('reports each put after the points are in', () => {
    const outbox = new MemoryOutbox({ maxBytes: 1e6 });
    const told: [string, number][] = [];
    outbox.onPut = (lane) => told.push([lane.nodeId, lane.length]);
    outbox.lane('a').put([point(0), point(1)], nothing);
    expect(told).toEqual([['a', 2]]);
  });
});
