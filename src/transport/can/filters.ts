/** The kernel's filters of received frames: all that the links want, and few others. */
import { MAX_EXTENDED_ID, MAX_STANDARD_ID, type CanFrame } from '../frame.js';
import type { CanFilter } from './wire.js';

/** An identifier of 11 or 29 bits. */
export type CanId = Pick<CanFrame, 'id' | 'extended'>;

/** Most filters of a socket (CAN_RAW_FILTER_MAX of linux/can/raw.h). */
export const MOST_FILTERS = 512;

/** Added to 29-bit ids in {@link idKey}, so that they differ from all of 11 bits. */
const EXTENDED_KEY = MAX_EXTENDED_ID + 1;

/** An identifier as one number, different for 11 and 29 bits. */
export const idKey = ({ id, extended }: CanId): number => id + (extended ? EXTENDED_KEY : 0);

const maskOf = (extended: boolean): number => (extended ? MAX_EXTENDED_ID : MAX_STANDARD_ID);

/**
 * Filters that let these ids through, at most {@link MOST_FILTERS}. Up to that
 * number, each id has a filter of its own, which the kernel finds by a lookup. Of
 * more ids, those that differ in few bits share a filter:
 *
 * ```
 *  100 101 102 103 110 │ one filter    │ 1x0…3  lets 8 ids through, 3 of them unwanted
 *                      │ split at 010  │ 10x, 110: exact
 * ```
 *
 * The filter with the most unwanted ids is split first, until all are exact or no
 * more are allowed.
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
    const widest = blocks.reduce((one, other) => (other.unwanted > one.unwanted ? other : one));
    if (widest.unwanted === 0) break;
    blocks.splice(blocks.indexOf(widest), 1, ...widest.split());
  }
  return blocks.map((block) => block.filter);
}

/** Identifiers that share a filter: it compares the bits that are the same in all of them. */
class Block {
  /** Bits that are not the same in all. */
  readonly #varying: number;
  /** Ids that the filter lets through and no link wants: their share of all ids of as many bits, 0 … 1. */
  readonly unwanted: number;

  constructor(
    private readonly ids: readonly number[],
    private readonly extended: boolean,
  ) {
    const [first = 0] = ids;
    this.#varying = ids.reduce((bits, id) => bits | (id ^ first), 0);
    this.unwanted = (2 ** bitsOf(this.#varying).length - ids.length) / (maskOf(extended) + 1);
  }

  get filter(): CanFilter {
    const mask = maskOf(this.extended) & ~this.#varying;
    return { id: (this.ids[0] ?? 0) & mask, mask, extended: this.extended };
  }

  /** Two blocks, split at the bit that leaves the fewest unwanted ids. */
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
    return halves.reduce((best, half) => (unwantedIn(half) < unwantedIn(best) ? half : best));
  }
}

const unwantedIn = ([one, other]: readonly [Block, Block]): number => one.unwanted + other.unwanted;

/** The bits that are set, each as a number, the highest first. */
function bitsOf(bits: number): number[] {
  const found: number[] = [];
  for (let bit = EXTENDED_KEY >>> 1; bit > 0; bit >>>= 1) if ((bits & bit) !== 0) found.push(bit);
  return found;
}
