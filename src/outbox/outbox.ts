import type { Point } from '../point/point.js';

/**
 * Points on their way to SIOT, kept until they are delivered: on disk
 * (disk-outbox.ts) or in memory (memory-outbox.ts).
 *
 * Each node has a lane: an ordered log of its points, with its own share of the
 * bytes, so that a full lane stops only its own link. A point is known by its position
 * in the lane: 0, 1, 2 …, never used twice. Points are read by position and settled in
 * any order, which is why a lane is no queue (docs/contract.md, "Delivered").
 *
 * ```
 *  settled │ settled  in flight  in flight  waiting  waiting │
 *          └ first                          └ the publisher's └ next
 *                                             own cursor
 * ```
 */
export interface Outbox {
  /** The lane of a node, the same each time. `options` replace earlier ones. */
  lane(nodeId: string, options?: LaneOptions): OutboxLane;
  /** All lanes; those with points from an earlier run first. */
  lanes(): Iterable<OutboxLane>;
  /** Forgets a lane when it is empty: its link was removed, and others share its bytes. */
  release(nodeId: string): void;
  /** Texts for people about points of that node that were lost before this start. */
  adviceFor(nodeId: string): readonly string[];
  /** Called when points were put into a lane. */
  onPut: ((lane: OutboxLane) => void) | undefined;
  /** Writes what is to be kept. Nothing may be put in afterwards. */
  close(): Promise<void>;
}

/**
 * Which points are kept while SIOT is slow or away: all, or only the newest of each
 * type and key. A point on its way is not replaced by a newer one.
 */
export type Backlog = 'all' | 'latest';

/** How a lane behaves. */
export interface LaneOptions {
  readonly backlog: Backlog;
  /** So many points were replaced by newer ones, which are safe. */
  readonly onSuperseded: (count: number) => void;
  /** These points cannot be written (time or tombstone out of range) and were left out. */
  readonly onUnwritable?: (points: readonly Point[]) => void;
}

/** The points of one node. */
export interface OutboxLane {
  readonly nodeId: string;
  /**
   * Takes the points in order, all or none; those that cannot be written are left out
   * ({@link LaneOptions.onUnwritable}). False: the lane is full. `safe` is called once,
   * when all of them are on disk or delivered; with an outbox in memory before put()
   * returns. A device is acknowledged then, not before.
   */
  put(points: readonly Point[], safe: () => void): boolean;
  /** Position of the oldest point that is not settled; equal to `next` when empty. */
  readonly first: number;
  /** Position that the next point will get. */
  readonly next: number;
  /** Number of points that are not settled. */
  readonly length: number;
  /** Used part of its share: 0 … 1, and more after the share has become smaller. */
  readonly used: number;
  /** A `safe` has not been called yet: delivering soon avoids a write. */
  readonly awaited: boolean;
  /** Latest time of all points that were ever in it, as far as known, ns. */
  readonly latestNs: bigint;
  /** The point at a position in first … next − 1; undefined once settled. */
  read(position: number): Point | undefined;
  /**
   * Takes the points from … to − 1 out of the outbox: they are delivered, or dropped
   * for good. By default the one at `from`. May be repeated.
   */
  settle(from: number, to?: number): void;
  /** Settles everything up to and including a position. */
  settleThrough(position: number): void;
  /**
   * Points before that position are on their way from now on, and no others. They are
   * not replaced by newer ones.
   */
  claimBefore(position: number): void;
  /** Position given to {@link claimBefore}; infinite where all points are kept. */
  readonly claimed: number;
}
