import type { OutboxLane } from './outbox.js';

/** Bytes that each lane of an outbox may have; changes with the number of lanes. */
export interface OutboxQuota {
  bytes: number;
}

/** The outbox that has the lanes. */
export interface LanesHost<L> {
  makeLane(nodeId: string): L;
  /** The number of lanes has changed. */
  lanesCounted?(lanes: number): void;
  /** A lane is empty and forgotten, since nobody asks for it any more. */
  laneForgotten?(lane: L): void;
}

/** The lanes of an outbox, each with an equal share of its bytes. */
export class Lanes<L extends OutboxLane> {
  readonly quota: OutboxQuota = { bytes: 0 };
  readonly #lanes = new Map<string, L>();
  readonly #leaving = new Set<string>();

  constructor(
    /** Bytes of all lanes together. */
    readonly maxBytes: number,
    private readonly host: LanesHost<L>,
  ) {}

  [Symbol.iterator](): Iterator<L> {
    return this.#lanes.values();
  }

  /** The lane of a node. Makes it if there is none. It is kept until {@link release}, even when it is empty. */
  get(nodeId: string): L {
    this.#leaving.delete(nodeId);
    return this.find(nodeId);
  }

  /** As {@link get}, but does not change whether the lane is kept when it is empty. */
  find(nodeId: string): L {
    let lane = this.#lanes.get(nodeId);
    if (lane === undefined) {
      lane = this.host.makeLane(nodeId);
      this.#lanes.set(nodeId, lane);
      this.#shareOut();
    }
    return lane;
  }

  /** Forgets the lane as soon as it is empty. */
  release(nodeId: string): void {
    const lane = this.#lanes.get(nodeId);
    if (lane === undefined) return;
    this.#leaving.add(nodeId);
    if (lane.length === 0) this.emptied(lane);
  }

  /** A lane has become empty. */
  emptied(lane: L): void {
    if (!this.#leaving.delete(lane.nodeId)) return;
    this.#lanes.delete(lane.nodeId);
    this.host.laneForgotten?.(lane);
    this.#shareOut();
  }

  // A lane with more bytes than its new quota keeps its points. It takes no new ones until
  // it is below the quota.
  #shareOut(): void {
    const lanes = Math.max(1, this.#lanes.size);
    this.quota.bytes = this.maxBytes / lanes;
    this.host.lanesCounted?.(lanes);
  }
}
