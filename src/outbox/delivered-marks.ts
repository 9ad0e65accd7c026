import type { BlockWriter } from './block.js';
import { Ranges } from './ranges.js';

type ByNode = Map<string, Ranges>;

/**
 * Positions of points that may be on disk and are settled: delivered, or dropped for good.
 * Marks for them are written to the log, so that the points are not sent again after a
 * crash.
 *
 * ```
 *  settled ─► due ─► written ─► synced
 *              ▲        │
 *              └────────┘ a write has failed: whether they are on disk is unknown
 * ```
 */
export class DeliveredMarks {
  #due: ByNode = new Map();
  #written: ByNode = new Map();

  /** Whether there are marks to write. */
  get areDue(): boolean {
    return this.#due.size > 0;
  }

  /** Whether all marks are on disk and survive a power failure. */
  get areKept(): boolean {
    return this.#due.size === 0 && this.#written.size === 0;
  }

  add(nodeId: string, from: number, to: number): void {
    rangesOf(this.#due, nodeId).add(from, to);
  }

  write(writer: BlockWriter): void {
    if (this.#due.size === 0) return;
    const lanes = [...this.#due].map(([nodeId, ranges]) => ({ nodeId, ranges: allOf(ranges) }));
    writer.settled({ lanes });
    addAll(this.#due, this.#written);
    this.#due.clear();
  }

  synced(): void {
    this.#written.clear();
  }

  /** A write or sync has failed: marks that were not synced are due again. */
  failed(): void {
    addAll(this.#written, this.#due);
    this.#written.clear();
  }

  /** All files with points have been deleted: no marks are needed. */
  clear(): void {
    this.#due.clear();
    this.#written.clear();
  }
}

function addAll(from: ByNode, to: ByNode): void {
  for (const [nodeId, ranges] of from) {
    const added = rangesOf(to, nodeId);
    for (const [first, next] of allOf(ranges)) added.add(first, next);
  }
}

const allOf = (ranges: Ranges): (readonly [number, number])[] =>
  ranges.in(0, Number.MAX_SAFE_INTEGER);

function rangesOf(map: ByNode, nodeId: string): Ranges {
  let ranges = map.get(nodeId);
  if (ranges === undefined) map.set(nodeId, (ranges = new Ranges()));
  return ranges;
}
