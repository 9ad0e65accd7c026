/**
 * What others publish on a link's node, at a pace that leaves time for other
 * links. Somebody who sets a point 10,000 times a second means the last: of
 * what has to wait only the newest of each point is kept.
 */
import type { Clock, Timer } from '../point/clock.js';
import { PointMap } from '../point/point-map.js';
import type { Point } from '../point/point.js';

/** So many may come at once. */
const BURST = 500;
/** And so many in a second after that. */
const A_SECOND = 2_000;
const LOOK_EVERY_MS = 5;

export interface SettingGateHost {
  judge(points: readonly Point[]): void;
  /** It has been set before, or is the gateway's own: nobody can make up more of these. */
  isKnown(type: string, key: string): boolean;
  /** One had to wait. */
  delayed(): void;
  /** One was not taken at all. */
  refused(): void;
}

export class SettingGate {
  readonly #waiting = new PointMap<Point>();
  #allowed = BURST;
  #sinceMs: number;
  #timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly host: SettingGateHost,
    /** Distinct points that may wait besides those that are known: the link takes no more. */
    private readonly mostNew: number,
  ) {
    this.#sinceMs = clock.monotonicMs();
  }

  /** What waits, nothing of which is judged yet. */
  get waiting(): Iterable<Point> {
    return this.#waiting.values();
  }

  get size(): number {
    return this.#waiting.size;
  }

  heard(points: readonly Point[]): void {
    this.#refill();
    if (this.#timer === undefined && this.#allowed >= points.length) {
      this.#allowed -= points.length;
      this.host.judge(points);
      return;
    }
    for (const point of points) this.#wait(point);
    this.#later();
  }

  /** Nothing waits any longer: the link ends. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#judge(Number.POSITIVE_INFINITY);
  }

  #wait(point: Point): void {
    const { type, key, time } = point;
    const before = this.#waiting.get(type, key);
    const isRoom = before !== undefined || this.#waiting.size < this.mostNew;
    if (!isRoom && !this.host.isKnown(type, key)) {
      this.host.refused();
      return;
    }
    this.host.delayed();
    if (before === undefined || time >= before.time) this.#waiting.set(type, key, point);
  }

  #later(): void {
    this.#timer ??= this.clock.setTimer(LOOK_EVERY_MS, () => {
      this.#timer = undefined;
      this.#refill();
      this.#allowed -= this.#judge(Math.floor(this.#allowed));
      if (this.#waiting.size > 0) this.#later();
    });
  }

  /** Returns how many were judged. */
  #judge(most: number): number {
    const due: Point[] = [];
    for (const point of this.#waiting.values()) {
      if (due.length >= most) break;
      due.push(point);
    }
    for (const { type, key } of due) this.#waiting.delete(type, key);
    if (due.length > 0) this.host.judge(due);
    return due.length;
  }

  #refill(): void {
    const nowMs = this.clock.monotonicMs();
    this.#allowed = Math.min(BURST, this.#allowed + ((nowMs - this.#sinceMs) * A_SECOND) / 1_000);
    this.#sinceMs = nowMs;
  }
}
