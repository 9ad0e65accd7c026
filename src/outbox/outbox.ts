import type { Point } from '../point/point.js';

/**
 * Points on their way to SIOT, kept until they are delivered: in memory
 * (memory-outbox.ts) or, one day, on disk.
 *
 * Each node has a lane of its own with its own share of the room, so that a
 * full one stops only its own link. Within a lane points stay in order and are
 * known by their position: 0, 1, 2 … for the lane's whole life.
 *
 * ```
 *  settled │ settled  in flight  in flight  waiting  waiting │
 *          └ first                          └ the publisher's └ next
 *                                             own cursor
 * ```
 */
export interface Outbox {
  /** The lane of a node; the same one each time. */
  lane(nodeId: string): OutboxLane;
  /** Lanes that have been asked for, in that order. */
  lanes(): Iterable<OutboxLane>;
  /** Forgets a lane once it is empty: its link has left the configuration, others share its room. */
  release(nodeId: string): void;
  /** Called whenever points have been put into a lane. */
  onPut: ((lane: OutboxLane) => void) | undefined;
  close(): Promise<void>;
}

export interface OutboxLane {
  readonly nodeId: string;
  /**
   * Takes the points, all or none, in order. False: no room. `safe` is called
   * once they will survive what this outbox promises to survive: with a memory
   * outbox before put() returns. A caller acknowledges its device then, not
   * before.
   */
  put(points: readonly Point[], safe: () => void): boolean;
  /** Position of the oldest point that is not settled; equal to `next` when empty. */
  readonly first: number;
  /** Position that the next point will get. */
  readonly next: number;
  /** Points not settled yet. */
  readonly length: number;
  /** The point at a position in first … next − 1; undefined once settled. */
  read(position: number): Point | undefined;
  /** Delivered, or dropped for good: out of the outbox. Harmless when repeated. */
  settle(position: number): void;
  /** As {@link settle} for everything up to and including a position. */
  settleThrough(position: number): void;
}
