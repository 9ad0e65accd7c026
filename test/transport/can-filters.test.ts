import { describe, expect, it } from 'vitest';
import { MOST_FILTERS, filtersFor, type CanId } from '../../src/transport/can-filters.js';
import type { CanFilter } from '../../src/transport/can-wire.js';

const standard = (...ids: number[]): CanId[] => ids.map((id) => ({ id, extended: false }));
const extended = (...ids: number[]): CanId[] => ids.map((id) => ({ id, extended: true }));
const range = (length: number, id: (at: number) => number): number[] =>
  Array.from({ length }, (_, at) => id(at));

const lets = (filters: readonly CanFilter[], one: CanId): boolean =>
  filters.some(
    ({ id, mask, extended: wide }) => wide === one.extended && ((id ^ one.id) & mask) === 0,
  );
/** Ids of 11 bits that the filters let through. */
const through = (filters: readonly CanFilter[]): number =>
  range(0x800, (id) => id).filter((id) => lets(filters, { id, extended: false })).length;

/** Numbers below `below`, always the same ones. */
function random(seed: number, below: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('filters of the kernel', () => {
  it('are one for each id, as long as there is room, and each once', () => {
    const ids = [
      ...standard(...range(256, (at) => at * 3)),
      ...extended(...range(256, (at) => at)),
    ];
    const filters = filtersFor([...ids, ...ids]);
    expect(filters).toHaveLength(512);
    expect(filters[1]).toEqual({ id: 3, mask: 0x7ff, extended: false });
    expect(filters[257]).toEqual({ id: 1, mask: 0x1fff_ffff, extended: true });
    expect(filtersFor([])).toEqual([]);
  });

  it('are exact where ids lie close to each other, however many', () => {
    const filters = filtersFor(standard(...range(1024, (at) => at + 0x200)));
    expect(filters.length).toBeLessThanOrEqual(4);
    expect(through(filters)).toBe(1024);
    const all = filtersFor(standard(...range(0x800, (id) => id)));
    expect(all).toEqual([{ id: 0, mask: 0, extended: false }]);
  });

  it.each([1, 2, 3, 4, 5])('let all of 700 through, and few others: seed %i', (seed) => {
    const next = random(seed, 0x800);
    const ids = new Set<number>();
    while (ids.size < 700) ids.add(next());
    const wanted = standard(...ids);
    const filters = filtersFor(wanted);
    expect(filters.length).toBeLessThanOrEqual(MOST_FILTERS);
    expect(wanted.every((one) => lets(filters, one))).toBe(true);
    // Of 1,348 others at most one in fifty.
    expect(through(filters) - 700).toBeLessThanOrEqual(27);
  });

  it.each([1, 2, 3])('let all of 3,000 with 29 bits through, and few others: seed %i', (seed) => {
    // As on a bus of J1939: priorities, some hundred groups, some dozen senders.
    const next = random(seed, 1 << 30);
    const groups = range(250, () => next() & 0x3ffff);
    const senders = range(12, () => next() & 0xff);
    const ids = new Set<number>();
    for (const group of groups) {
      for (const sender of senders) ids.add((6 << 26) | (group << 8) | sender);
    }
    const wanted = extended(...ids);
    const filters = filtersFor([...wanted, ...standard(1, 2)]);
    expect(filters.length).toBeLessThanOrEqual(MOST_FILTERS);
    expect(wanted.every((one) => lets(filters, one))).toBe(true);
    expect(standard(1, 2).every((one) => lets(filters, one))).toBe(true);
    expect(through(filters)).toBe(2);
    const others = extended(...range(20_000, () => next() & 0x1fff_ffff)).filter(
      ({ id }) => !ids.has(id),
    );
    const foreign = others.filter((one) => lets(filters, one)).length;
    // At most one in 200 of what others could send.
    expect(foreign).toBeLessThan(100);
  });
});
