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
  /** Positions that are not safe yet, and what is given up once they are; ascending. */
  readonly #waiting = new Map<number, number>();
  #claimed = 0;

  constructor(private readonly host: LatestHost) {}

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
      // With a time of its own, older than what waits; where that one is on its
      // way already, this is the newest that waits.
      if (older >= this.#claimed) this.#giveUpWhenSafe(older, position, position);
      else Object.assign(newest, { position, time: point.time });
      return;
    }
    newest.position = position;
    newest.time = point.time;
    this.#giveUpWhenSafe(position, position, older);
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
      let older = at;
      if (point.time > newest.time) {
        older = newest.position;
        newest.position = at;
        newest.time = point.time;
      }
      if (this.host.isSafe(newest.position)) this.#giveUp(older);
    }
  }

  /** `then`: with that position the newer one is safe, too. */
  #giveUpWhenSafe(newer: number, then: number, older: number): void {
    if (this.host.isSafe(newer)) this.#giveUp(older);
    else this.#waiting.set(then, older);
  }

  #giveUp(position: number): void {
    if (position >= this.#claimed && this.host.isLive(position)) this.host.giveUp(position);
  }
}
