import { PointMap } from '../point/point-map.js';
import type { Point } from '../point/point.js';

/** The lane whose newest points are kept. */
export interface LatestHost {
  /** The point is not settled. */
  isLive(position: number): boolean;
  /** The point is delivered, or is kept as safely as the outbox can: on disk, or in memory. */
  isSafe(position: number): boolean;
  /** Takes a point out of the lane, since a newer one is safe. */
  supersede(position: number): void;
  /** Points that are not settled, in order. */
  livePoints(): Iterable<readonly [position: number, point: Point]>;
}

interface Newest {
  position: number;
  time: bigint;
}

/**
 * Keeps only the newest point of each type and key (see `Backlog`). An older one is
 * removed as soon as the newer one is safe, so that one of them survives a crash at any
 * moment. A point that is on its way is not removed, so that a point that changes quickly
 * is delivered now and then.
 */
export class Latest {
  readonly #newest = new PointMap<Newest>();
  /**
   * Keys: positions that are not safe yet, in ascending order. Values: the positions that
   * are removed when these are safe.
   */
  readonly #waiting = new Map<number, number>();
  #claimed = 0;

  constructor(private readonly host: LatestHost) {
    for (const [position, point] of host.livePoints()) this.add(position, point);
  }

  get claimed(): number {
    return this.#claimed;
  }

  /** A point has come in. */
  add(position: number, point: Point): void {
    const newest = this.#newest.get(point.type, point.key);
    if (newest === undefined || !this.host.isLive(newest.position)) {
      this.#newest.set(point.type, point.key, { position, time: point.time });
      return;
    }
    const older = newest.position;
    if (point.time < newest.time) {
      // The new point has an earlier time than the newest that is kept. If that one is on
      // its way already, the new point is the newest of those that wait.
      if (older >= this.#claimed) this.#supersedeWhenSafe(older, position, position);
      else Object.assign(newest, { position, time: point.time });
      return;
    }
    newest.position = position;
    newest.time = point.time;
    this.#supersedeWhenSafe(position, position, older);
  }

  /** Positions from … to − 1 have become safe: they are on disk, or settled. */
  safe(from: number, to: number): void {
    for (const [position, older] of this.#waiting) {
      if (position >= to) break;
      if (position < from) continue;
      this.#waiting.delete(position);
      this.#supersede(older);
    }
  }

  /** See `OutboxLane.claimBefore`. */
  claimBefore(position: number): void {
    const before = this.#claimed;
    this.#claimed = position;
    if (position >= before) return;
    for (const [at, point] of this.host.livePoints()) {
      if (at >= before) break;
      const newest = this.#newest.get(point.type, point.key);
      if (newest === undefined || newest.position === at) continue;
      let older = at;
      if (point.time > newest.time) {
        older = newest.position;
        newest.position = at;
        newest.time = point.time;
      }
      if (this.host.isSafe(newest.position)) this.#supersede(older);
    }
  }

  /** `added`: the position just added; when it is safe, `newer` is safe too. */
  #supersedeWhenSafe(newer: number, added: number, older: number): void {
    if (this.host.isSafe(newer)) this.#supersede(older);
    else this.#waiting.set(added, older);
  }

  #supersede(position: number): void {
    if (position >= this.#claimed && this.host.isLive(position)) this.host.supersede(position);
  }
}
