import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ranges } from '../../src/outbox/ranges.js';

describe('ranges', () => {
  it('are a set of numbers, whatever is added and taken out', () => {
    const range = fc.record({
      add: fc.boolean(),
      from: fc.integer({ min: 0, max: 60 }),
      length: fc.integer({ min: 0, max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(range, { maxLength: 60 }), (steps) => {
        const ranges = new Ranges();
        const model = new Set<number>();
        for (const { add, from, length } of steps) {
          const before = model.size;
          for (let n = from; n < from + length; n++) {
            if (add) model.add(n);
            else model.delete(n);
          }
          const changed = add
            ? ranges.add(from, from + length)
            : ranges.remove(from, from + length);
          expect(changed).toBe(Math.abs(model.size - before));
          const all = ranges
            .in(0, 100)
            .flatMap(([low, high]) => Array.from({ length: high - low }, (_, i) => low + i));
          expect(all).toEqual([...model].sort((a, b) => a - b));
          expect(ranges.count).toBe(model.size);
          expect(ranges.first).toBe(all[0]);
          // Neighbours are one range.
          expect(ranges.in(0, 100)).toHaveLength(all.filter((n) => !model.has(n - 1)).length);
          expect(ranges.has(from)).toBe(model.has(from));
        }
      }),
    );
  });
});
