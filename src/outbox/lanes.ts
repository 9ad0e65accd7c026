import type { OutboxLane } from './outbox.js';

/** What each lane of an outbox may have, in bytes. */
export interface OutboxQuota {
  bytes: number;
}

/** The lanes of an outbox, each with an equal share of its room. */
export class Lanes<L extends OutboxLane> {
  readonly share: OutboxQuota = { bytes: 0 };
  readonly #lanes = new Map<string, L>();
  readonly #leaving = new Set<string>();

  constructor(
    /** Room for all together. */
    readonly maxBytes: number,
    private readonly make: (nodeId: string) => L,
    private readonly events: {
      /** There are so many now. */
      readonly counted?: (lanes: number) => void;
      /** It is empty, and nobody asks for it any more. */
      readonly forgotten?: (lane: L) => void;
    } = {},
  ) {}

  [Symbol.iterator](): Iterator<L> {
    return this.#lanes.values();
  }

  /** The lane of a node, made when there is none. It stays from now on. */
  get(nodeId: string): L {
    this.#leaving.delete(nodeId);
    return this.find(nodeId);
  }

  /** As {@link get}, but it stays only as long as it did before. */
  find(nodeId: string): L {
    let lane = this.#lanes.get(nodeId);
    if (lane === undefined) {
      lane = this.make(nodeId);
      this.#lanes.set(nodeId, lane);
      this.#shareOut();
    }
    return lane;
  }

  /** The lane goes when it is empty. */
  release(nodeId: string): void {
    const lane = this.#lanes.get(nodeId);
    if (lane === undefined) return;
    this.#leaving.add(nodeId);
    if (lane.length === 0) this.emptied(lane);
  }

  emptied(lane: L): void {
    if (!this.#leaving.delete(lane.nodeId)) return;
    this.#lanes.delete(lane.nodeId);
    this.events.forgotten?.(lane);
    this.#shareOut();
  }

  // A lane that holds more than its new share keeps what it has and takes
  // nothing until it is below it.
  #shareOut(): void {
    const lanes = Math.max(1, this.#lanes.size);
    this.share.bytes = this.maxBytes / lanes;
    this.events.counted?.(lanes);
  }
}
