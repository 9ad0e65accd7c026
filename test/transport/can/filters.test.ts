import { describe, expect, it } from 'vitest';
import { MOST_FILTERS, filtersFor, type CanId } from '../../../src/transport/can/filters.js';
import { encodeFilters, type CanFilter } from '../../../src/transport/can/wire.js';

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

  it.each([1, 2, 3, 4, 5])('let all of 700 ids through, and few others: seed %i', (seed) => {
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

  it.each([1, 2, 3])(
    'let all of 3,000 ids with 29 bits through, and few others: seed %i',
    (seed) => {
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
    },
  );
});

const EXTENDED_FLAG = 0x8000_0000;
const REMOTE_FLAG = 0x4000_0000;

/** As the kernel compares (can_id of linux/can.h), with the filters as they are handed to it. */
function kernelTakes(filters: readonly CanFilter[]): (canId: number) => boolean {
  const bytes = encodeFilters(filters);
  const pairs = filters.map((_, at): readonly [number, number] => [
    bytes.readUInt32LE(at * 8),
    bytes.readUInt32LE(at * 8 + 4),
  ]);
  return (canId) => pairs.some(([id, mask]) => ((canId ^ id) & mask) === 0);
}

const canId = ({ id, extended: wide }: CanId): number => (wide ? id + EXTENDED_FLAG : id);

/** Anywhere among all that there are of 11 and of 29 bits. */
function mixed(seed: number): CanId[] {
  const next = random(seed, 2 ** 32);
  const length = 1 + (next() % 2000);
  const wideOnes = next() % 101;
  const found = new Map<number, CanId>();
  // There may be fewer of 11 bits.
  for (let tries = 4 * length; tries > 0 && found.size < length; tries -= 1) {
    const wide = (next() >>> 8) % 100 < wideOnes;
    const one = { id: next() >>> (wide ? 3 : 21), extended: wide };
    found.set(canId(one), one);
  }
  return [...found.values()];
}

const bitCount = (bits: number): number => bits.toString(2).replaceAll('0', '').length;

/** Of all frames of 11 bits, and of all of 29, the shares that are let through unwanted, added up. */
function foreignShare(filters: readonly CanFilter[], wanted: readonly CanId[]): number {
  const shareOf = (wide: boolean): number => {
    const bits = wide ? 29 : 11;
    const those = filters.filter(({ extended: one }) => one === wide);
    // No two of them let the same id through.
    const passed = those.reduce((sum, { mask }) => sum + 2 ** (bits - bitCount(mask)), 0);
    return (passed - wanted.filter((one) => one.extended === wide).length) / 2 ** bits;
  };
  return shareOf(false) + shareOf(true);
}

/** The same blocks, but split by the highest bit that differs, whatever that leaves. */
function naiveFilters(ids: readonly CanId[]): CanFilter[] {
  const blockOf = (some: readonly number[], wide: boolean) => {
    const varying = some.reduce((bits, id) => bits | (id ^ (some[0] ?? 0)), 0);
    const foreign = (2 ** bitCount(varying) - some.length) / 2 ** (wide ? 29 : 11);
    return { some, wide, varying, foreign };
  };
  const blocks = [false, true]
    .map((wide) => ({ wide, some: ids.filter((one) => one.extended === wide) }))
    .filter(({ some }) => some.length > 0)
    .map(({ some, wide }) =>
      blockOf(
        some.map(({ id }) => id),
        wide,
      ),
    );
  while (blocks.length < MOST_FILTERS) {
    const widest = blocks.reduce((one, other) => (other.foreign > one.foreign ? other : one));
    if (widest.foreign === 0) break;
    const bit = 2 ** (31 - Math.clz32(widest.varying));
    const [zeros, ones] = [0, bit].map((value) => widest.some.filter((id) => (id & bit) === value));
    const { wide } = widest;
    blocks.splice(blocks.indexOf(widest), 1, blockOf(zeros ?? [], wide), blockOf(ones ?? [], wide));
  }
  return blocks.map(({ some, wide, varying }) => ({
    id: some[0] ?? 0,
    mask: (wide ? 0x1fff_ffff : 0x7ff) & ~varying,
    extended: wide,
  }));
}

describe('filters for any ids of both kinds', () => {
  it.each(range(12, (at) => at + 1))('as the kernel has them: seed %i', (seed) => {
    const wanted = mixed(seed);
    const filters = filtersFor(wanted);
    expect(filters.length).toBeLessThanOrEqual(MOST_FILTERS);
    const takes = kernelTakes(filters);
    expect(wanted.filter((one) => !takes(canId(one)))).toEqual([]);
    expect(wanted.filter((one) => takes(canId(one) + REMOTE_FLAG))).toEqual([]);
    const foreign = foreignShare(filters, wanted);
    if (wanted.length <= MOST_FILTERS) {
      expect(foreign).toBe(0);
      const keys = new Set(wanted.map(canId));
      const otherKind = wanted
        .map(({ id, extended: wide }) => ({ id, extended: !wide }))
        .filter((one) => one.extended || one.id <= 0x7ff)
        .filter((one) => !keys.has(canId(one)));
      expect(otherKind.filter((one) => takes(canId(one)))).toEqual([]);
      return;
    }
    expect(foreign).toBeLessThan(0.4);
    // Splitting by just any bit that differs lets a third more through, mostly twice as many.
    expect(foreign).toBeLessThanOrEqual(0.75 * foreignShare(naiveFilters(wanted), wanted));
  });
});
