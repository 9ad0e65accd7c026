import type { Point } from '../point/point.js';

/**
 * Points on their way to SIOT, kept until they are delivered: on disk
 * (disk-outbox.ts) or in memory (memory-outbox.ts).
 *
 * Each node has a lane: an ordered log of its points, with its own share of the
 * bytes, so that a full lane stops only its own link. A point is known by its position
 * in the lane: 0, 1, 2 …, never used twice. Points are read by position and settled in
 * any order: therefore a lane is not a queue (docs/contract.md, "Delivered").
 *
 * ```
 *  settled │ settled  in flight  in flight  waiting  waiting │
 *          └ first                          └ the publisher's └ next
 *                                             own cursor
 * ```
 */
export interface Outbox {
  /** The lane of a node: the same object each time. `options` replace earlier ones. */
  lane(nodeId: string, options?: LaneOptions): OutboxLane;
  /** All lanes. Those with points of an earlier run come first. */
  lanes(): Iterable<OutboxLane>;
  /** Forgets a lane as soon as it is empty, since its link was removed. The other lanes then share its bytes. */
  release(nodeId: string): void;
  /** Texts for people about points of that node that were lost before this start. */
  adviceFor(nodeId: string): readonly string[];
  /** Called after points were put into a lane. */
  onPut: ((lane: OutboxLane) => void) | undefined;
  /** Writes everything that has to be kept. Nothing may be put in afterwards. */
  close(): Promise<void>;
}

/**
 * Which points are kept while SIOT is slow or away: all of them, or only the newest of
 * each type and key. A point that is on its way is not replaced by a newer one.
 */
export type Backlog = 'all' | 'latest';

/** How a lane behaves. */
export interface LaneOptions {
  readonly backlog: Backlog;
  /** Called when so many points were replaced by newer ones, which are safe. */
  readonly onSuperseded: (count: number) => void;
  /** Called with points that were left out, since they cannot be written (time or tombstone out of range). */
  readonly onUnwritable?: (points: readonly Point[]) => void;
}

/** The points of one node. */
export interface OutboxLane {
  readonly nodeId: string;
  /**
   * Takes the points in order, all or none. Points that cannot be written are left out
   * ({@link LaneOptions.onUnwritable}). False: the lane is full. `safe` is called once,
   * when all of the points are on disk or delivered; with an outbox in memory, before
   * put() returns. A device is acknowledged then, and not before.
   */
  put(points: readonly Point[], safe: () => void): boolean;
  /** Position of the oldest point that is not settled; equal to `next` when empty. */
  readonly first: number;
  /** Position that the next point will get. */
  readonly next: number;
  /** Number of points that are not settled. */
  readonly length: number;
  /** Bytes that they take: on disk, or in memory where the outbox is there. */
  readonly bytes: number;
  /** Used part of the lane's share, from 0 to 1. It may be larger after the share was reduced. */
  readonly used: number;
  /** Whether a `safe` has not been called yet. Then a quick delivery avoids a write. */
  readonly awaited: boolean;
  /** Latest time of all points that were ever in the lane, as far as known, ns. */
  readonly latestNs: bigint;
  /** The point at a position from `first` to `next` − 1; `undefined`: it is settled. */
  read(position: number): Point | undefined;
  /**
   * Removes the points from `from` to `to` − 1 from the outbox: they are delivered, or
   * dropped for good. Without `to`, only the point at `from`. May be repeated.
   */
  settle(from: number, to?: number): void;
  /** Settles everything up to and including a position. */
  settleThrough(position: number): void;
  /**
   * From now on, the points before that position are on their way, and no others. They
   * are not replaced by newer ones.
   */
  claimBefore(position: number): void;
  /** The position that {@link claimBefore} got last; infinite if all points are kept. */
  readonly claimed: number;
}
