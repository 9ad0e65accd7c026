import { PointMap } from '../point/point-map.js';
import type { Point } from '../point/point.js';

export interface LatestHost {
  /** Not settled. */
  isLive(position: number): boolean;
  /** Will survive, or is delivered. */
  isSafe(position: number): boolean;
  /** Out of the lane, since a newer one is safe. */
  giveUp(position: number): void;
}

interface Newest {
  position: number;
  time: bigint;
}

/**
 * Of each type and key the newest only (see `Backlog`): an older one is given
 * up, but not before the newer one is safe, so that a crash at any moment
 * leaves one of them; and not when it is on its way, so that a point that
 * changes quickly is not put off for ever.
 */
export class Latest {
  readonly #newest = new PointMap<Newest>();
  /** Newer ones that are not safe yet, and the older one of each; ascending. */
  readonly #waiting = new Map<number, number>();
  #claimed = 0;

  constructor(private readonly host: LatestHost) {}

  get claimed(): number {
    return this.#claimed;
  }

  /** A point has come in. */
  add(position: number, point: Point): void {
    const newest = this.#newest.get(point.type, point.key);
    if (newest === undefined) {
      this.#newest.set(point.type, point.key, { position, time: point.time });
      return;
    }
    if (point.time < newest.time) {
      // One with a time of its own, older than what waits.
      const waits = newest.position >= this.#claimed && this.host.isLive(newest.position);
      if (waits && this.host.isSafe(newest.position)) this.#giveUp(position);
      return;
    }
    const older = newest.position;
    newest.position = position;
    newest.time = point.time;
    if (!this.host.isLive(older)) return;
    if (this.host.isSafe(position)) this.#giveUp(older);
    else this.#waiting.set(position, older);
  }

  /** These have become safe: they are on disk, or settled. */
  safe(from: number, to: number): void {
    for (const [position, older] of this.#waiting) {
      if (position >= to) break;
      if (position < from) continue;
      this.#waiting.delete(position);
      this.#giveUp(older);
    }
  }

  /** See `OutboxLane.claimBefore`; `live`: what is not settled. */
  claimBefore(position: number, live: Iterable<readonly [number, Point]>): void {
    const before = this.#claimed;
    this.#claimed = position;
    if (position >= before) return;
    for (const [at, point] of live) {
      if (at >= before) break;
      const newest = this.#newest.get(point.type, point.key);
      if (newest === undefined || newest.position === at) continue;
      if (this.host.isSafe(newest.position)) this.#giveUp(at);
    }
  }

  #giveUp(position: number): void {
    if (position >= this.#claimed && this.host.isLive(position)) this.host.giveUp(position);
  }
}
