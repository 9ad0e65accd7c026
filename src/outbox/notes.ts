import type { BlockWriter } from './block.js';
import { Ranges } from './ranges.js';

type ByNode = Map<string, Ranges>;

/**
 * Which positions are settled that may be on disk: it is noted there, so that
 * their points do not come again after a crash.
 *
 * ```
 *  settled ─► due ─► written ─► synced
 *              ▲        │
 *              └────────┘ a write has failed, and what became of them is unknown
 * ```
 */
export class Notes {
  #due: ByNode = new Map();
  #written: ByNode = new Map();

  /** The disk is to be told of some. */
  get areDue(): boolean {
    return this.#due.size > 0;
  }

  /** The disk keeps all that it has been told, also when the power goes. */
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

  /** They are due once more. */
  failed(): void {
    addAll(this.#written, this.#due);
    this.#written.clear();
  }

  /** The files that they are about are gone. */
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
