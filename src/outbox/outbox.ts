import type { Point } from '../point/point.js';

/**
 * Points on their way to SIOT, kept until they are delivered: on disk
 * (disk-outbox.ts) or in memory (memory-outbox.ts).
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
  /** The lane of a node; the same one each time. Options that are given are valid from now on. */
  lane(nodeId: string, options?: LaneOptions): OutboxLane;
  /** Lanes that have been asked for, in that order, and before them those with points from before. */
  lanes(): Iterable<OutboxLane>;
  /** Forgets a lane once it is empty: its link has left the configuration, others share its room. */
  release(nodeId: string): void;
  /** What people of that node's link are to be told of it: what an earlier life has lost. */
  adviceFor(nodeId: string): readonly string[];
  /** Called whenever points have been put into a lane. */
  onPut: ((lane: OutboxLane) => void) | undefined;
  /** Keeps what the outbox promises to keep. Nothing is put in afterwards. */
  close(): Promise<void>;
}

/**
 * What is kept while SIOT is behind or away: all, or of each type and key the
 * newest only. What is on its way is not given up for a newer one.
 */
export type Backlog = 'all' | 'latest';

export interface LaneOptions {
  readonly backlog: Backlog;
  /** So many points were given up for newer ones, which are safe. */
  readonly onSuperseded: (count: number) => void;
  /** These cannot be written at all, and were left out. */
  readonly onUnwritable?: (points: readonly Point[]) => void;
}

export interface OutboxLane {
  readonly nodeId: string;
  /**
   * Takes the points, all or none, in order, but for those that cannot be written
   * at all, which are told and dropped. False: no room. `safe` is called
   * once they will survive what this outbox promises to survive, or are
   * delivered: with a memory outbox before put() returns. A caller acknowledges
   * its device then, not before.
   */
  put(points: readonly Point[], safe: () => void): boolean;
  /** Position of the oldest point that is not settled; equal to `next` when empty. */
  readonly first: number;
  /** Position that the next point will get. */
  readonly next: number;
  /** Points not settled yet. */
  readonly length: number;
  /** How much of its share is used: 1 is full, and more when the share has become smaller. */
  readonly used: number;
  /** Somebody waits for the safety of points that are in it: to deliver them soon helps. */
  readonly awaited: boolean;
  /** Latest time of all points that were ever in it, as far as is known, ns. */
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
   * All before that position is on its way from now on, and nothing else is:
   * what is on its way is delivered even where only the newest counts.
   */
  claimBefore(position: number): void;
  readonly claimed: number;
}
