import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floatValue, stringValue, type PointValue } from '../../src/point/point.js';
import { PublishFilter, type FilterOptions } from '../../src/signals/publish-filter.js';
import { FakeClock } from '../support/fake-clock.js';

function setUp(options: Partial<FilterOptions>) {
  const clock = new FakeClock();
  const published: [ms: number, signal: string, value: PointValue][] = [];
  const room = { free: true };
  const filter = new PublishFilter<string>(
    { deadband: 0, minInterval: 0, maxInterval: 0, ...options },
    clock,
    (values) => {
      if (!room.free) return false;
      for (const { of, value } of values) published.push([clock.monotonicMs(), of, value]);
      return true;
    },
  );
  const take = (number: number, of = 'a') => filter.take([{ of, value: floatValue(number) }]);
  const numbers = () =>
    published.map(([ms, , value]) => [ms, value.kind === 'float' && value.number]);
  return { clock, filter, take, numbers, published, room };
}

describe('values are published', () => {
  it('when they change', () => {
    const { take, numbers } = setUp({});
    for (const number of [1, 1, 2, 2, 1]) take(number);
    expect(numbers().map(([, number]) => number)).toEqual([1, 2, 1]);
  });

  it('when numbers change by more than the deadband since the last point', () => {
    const { take, numbers } = setUp({ deadband: 0.5 });
    for (const number of [1, 1.5, 0.6, 1.6, 2, 2.2]) take(number);
    expect(numbers().map(([, number]) => number)).toEqual([1, 1.6, 2.2]);
  });

  it('when an infinity comes or goes, whatever the deadband', () => {
    const { take, numbers } = setUp({ deadband: 100 });
    for (const number of [1, Infinity, Infinity, -Infinity, -Infinity, 1]) take(number);
    expect(numbers().map(([, number]) => number)).toEqual([1, Infinity, -Infinity, 1]);
  });

  it('when words change, whatever the deadband', () => {
    const { filter, published } = setUp({ deadband: 100 });
    for (const text of ['on', 'on', 'off']) filter.take([{ of: 'a', value: stringValue(text) }]);
    expect(published).toHaveLength(2);
  });

  it('not too soon after the last, and the last one then', () => {
    const { clock, take, numbers } = setUp({ minInterval: 100 });
    take(1);
    clock.advance(10);
    take(2);
    clock.advance(10);
    take(3);
    clock.advance(1000);
    expect(numbers()).toEqual([
      [0, 1],
      [100, 3],
    ]);
    take(4);
    expect(numbers().at(-1)).toEqual([1020, 4]);
  });

  it('not at all when they come back in time', () => {
    const { clock, take, numbers } = setUp({ minInterval: 100 });
    for (const number of [1, 2, 1]) take(number);
    clock.advance(1000);
    expect(numbers()).toEqual([[0, 1]]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('in any case when the last is long ago', () => {
    const { clock, take, numbers } = setUp({ maxInterval: 1000, deadband: 5 });
    for (let i = 0; i < 25; i++) {
      take(i / 100);
      clock.advance(100);
    }
    expect(numbers().map(([ms]) => ms)).toEqual([0, 1000, 2000]);
    // Nothing comes: nothing is made up.
    clock.advance(10_000);
    expect(numbers()).toHaveLength(3);
  });

  it('of each signal by itself', () => {
    const { clock, take, published } = setUp({ minInterval: 100 });
    take(1, 'a');
    clock.advance(50);
    take(1, 'b');
    take(2, 'a');
    take(2, 'b');
    clock.advance(1000);
    expect(published.map(([ms, of]) => `${of}${ms}`)).toEqual(['a0', 'b50', 'a100', 'b150']);
  });

  it('later, the newest of each, when there was no room', () => {
    const { clock, take, numbers, room } = setUp({});
    room.free = false;
    take(1);
    take(2);
    clock.advance(400);
    room.free = true;
    clock.advance(10_000);
    expect(numbers()).toEqual([[500, 2]]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('at once when it ends', () => {
    const { clock, filter, take, numbers } = setUp({ minInterval: 100 });
    take(1);
    take(2);
    filter.flush();
    expect(numbers()).toEqual([
      [0, 1],
      [0, 2],
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('so that a reader has the last value in the end, and never two too close', () => {
    const steps = fc.array(fc.record({ ms: fc.nat(60), number: fc.nat(3) }), { minLength: 1 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 100 }), (all, minInterval) => {
        const { clock, take, numbers } = setUp({ minInterval });
        for (const { ms, number } of all) {
          clock.advance(ms);
          take(number);
        }
        clock.advance(1000);
        expect(numbers().at(-1)?.[1]).toBe(all.at(-1)?.number);
        const times = numbers().map(([ms]) => Number(ms));
        for (const [i, ms] of times.entries()) {
          if (i > 0) expect(ms - (times[i - 1] ?? 0)).toBeGreaterThanOrEqual(minInterval);
        }
      }),
      { seed: 11, numRuns: 300 },
    );
  });
});
