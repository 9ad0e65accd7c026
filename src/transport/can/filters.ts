/** Which frames the kernel is asked for: those that somebody wants, and few others. */
import { MAX_EXTENDED_ID, MAX_STANDARD_ID, type CanFrame } from '../frame.js';
import type { CanFilter } from './wire.js';

export type CanId = Pick<CanFrame, 'id' | 'extended'>;

/** The kernel takes no more for a socket (CAN_RAW_FILTER_MAX of linux/can/raw.h). */
export const MOST_FILTERS = 512;

/** Of all frames with 11 bits, and with 29: above all ids of the other kind. */
const EXTENDED_KEY = MAX_EXTENDED_ID + 1;

/** An identifier of one kind in one number. */
export const idKey = ({ id, extended }: CanId): number => id + (extended ? EXTENDED_KEY : 0);

const maskOf = (extended: boolean): number => (extended ? MAX_EXTENDED_ID : MAX_STANDARD_ID);

/**
 * At most {@link MOST_FILTERS}, which let all of these through. Up to so many ids
 * have a filter each, which the kernel looks up instead of trying one after the
 * other. Of more, those that differ in few bits share one:
 *
 * ```
 *  100 101 102 103 110 │ one filter    │ 1x0…3  lets 8 through, 3 of them foreign
 *                      │ split at 010  │ 10x, 110: exact, and there is no more to split
 * ```
 *
 * What lets the most foreign ids through is split first, until the filters are exact or
 * no more are allowed.
 */
export function filtersFor(ids: readonly CanId[]): CanFilter[] {
  const all = [...new Map(ids.map((one) => [idKey(one), one])).values()];
  if (all.length <= MOST_FILTERS) {
    return all.map(({ id, extended }) => ({ id, mask: maskOf(extended), extended }));
  }
  const blocks = [false, true].flatMap((extended) => {
    const some = all.filter((one) => one.extended === extended).map(({ id }) => id);
    return some.length === 0 ? [] : [new Block(some, extended)];
  });
  while (blocks.length < MOST_FILTERS) {
    const widest = blocks.reduce((one, other) => (other.foreign > one.foreign ? other : one));
    if (widest.foreign === 0) break;
    blocks.splice(blocks.indexOf(widest), 1, ...widest.split());
  }
  return blocks.map((block) => block.filter);
}

/** Identifiers that share a filter: it compares the bits that are the same in all of them. */
class Block {
  /** Bits that are not the same in all. */
  readonly #varying: number;
  /** Share of all ids of its kind that the filter lets through and nobody wants, 0 … 1. */
  readonly foreign: number;

  constructor(
    private readonly ids: readonly number[],
    private readonly extended: boolean,
  ) {
    const [first = 0] = ids;
    this.#varying = ids.reduce((bits, id) => bits | (id ^ first), 0);
    this.foreign = (2 ** bitsOf(this.#varying).length - ids.length) / (maskOf(extended) + 1);
  }

  get filter(): CanFilter {
    const mask = maskOf(this.extended) & ~this.#varying;
    return { id: (this.ids[0] ?? 0) & mask, mask, extended: this.extended };
  }

  /** In two, by the bit that leaves the fewest foreign ids. */
  split(): readonly [Block, Block] {
    const halves = bitsOf(this.#varying).map((bit): readonly [Block, Block] => [
      new Block(
        this.ids.filter((id) => (id & bit) === 0),
        this.extended,
      ),
      new Block(
        this.ids.filter((id) => (id & bit) !== 0),
        this.extended,
      ),
    ]);
    return halves.reduce((best, half) => (foreignIn(half) < foreignIn(best) ? half : best));
  }
}

const foreignIn = ([one, other]: readonly [Block, Block]): number => one.foreign + other.foreign;

/** Each bit by itself, the highest first. */
function bitsOf(bits: number): number[] {
  const found: number[] = [];
  for (let bit = EXTENDED_KEY >>> 1; bit > 0; bit >>>= 1) if ((bits & bit) !== 0) found.push(bit);
  return found;
}
