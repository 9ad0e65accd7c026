/**
 * What others publish on a link's node, at a pace that leaves time for other
 * links. Somebody who sets a point 10,000 times a second means the last: of
 * what has to wait only the newest of each point is kept.
 */
import type { Clock, Timer } from '../point/clock.js';
import { PointMap } from '../point/point-map.js';
import type { Point } from '../point/point.js';
import type { SettingRefusal, SettingRoom } from '../session/setting-room.js';

/** So many may come at once. */
const BURST = 500;
/** And so many in a second after that. */
const A_SECOND = 2_000;
const LOOK_EVERY_MS = 5;
/** So long after one was refused unseen, the node is read again: that one may be meant. */
const READ_AGAIN_MS = 5_000;

export interface SettingGateHost {
  judge(points: readonly Point[]): void;
  /** It has been set before, or is the gateway's own: nobody can make up more of these. */
  isKnown(type: string, key: string): boolean;
  /** One had to wait. */
  delayed(): void;
  /** There was no room for one, nor even a look at it. */
  refused(point: Point, cause: SettingRefusal): void;
  /** Some were refused unseen: what SIOT has of them is to be read. */
  missed(): void;
}

export class SettingGate {
  readonly #waiting = new PointMap<Point>();
  #allowed = BURST;
  #sinceMs: number;
  #timer: Timer | undefined;
  #missed: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly host: SettingGateHost,
    /** Distinct points that may wait besides those that are known: the link takes no more. */
    private readonly mostNew: number,
    /** That they share with what was set before. */
    private readonly room: SettingRoom,
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
    this.#missed?.cancel();
    this.#missed = undefined;
    this.#judge(Number.POSITIVE_INFINITY);
  }

  #wait(point: Point): void {
    const { type, key, time } = point;
    const before = this.#waiting.get(type, key);
    if (before !== undefined && time < before.time) {
      this.host.delayed();
      return;
    }
    const isPlace = before !== undefined || this.#waiting.size < this.mostNew;
    if (!isPlace && !this.host.isKnown(type, key)) {
      this.#refuse(point, 'tooManySettings');
      return;
    }
    const isRoom = this.room.fits(point, before);
    if (before !== undefined) this.#take(before);
    if (!isRoom) {
      this.#refuse(point, 'tooManySettingBytes');
      return;
    }
    this.host.delayed();
    this.#waiting.set(type, key, point);
    this.room.take(point);
  }

  #refuse(point: Point, cause: SettingRefusal): void {
    this.host.refused(point, cause);
    this.#missed ??= this.clock.setTimer(READ_AGAIN_MS, () => {
      this.#missed = undefined;
      this.host.missed();
    });
  }

  #take(point: Point): void {
    this.#waiting.delete(point.type, point.key);
    this.room.giveBack(point);
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
    for (const point of due) this.#take(point);
    if (due.length > 0) this.host.judge(due);
    return due.length;
  }

  #refill(): void {
    const nowMs = this.clock.monotonicMs();
    this.#allowed = Math.min(BURST, this.#allowed + ((nowMs - this.#sinceMs) * A_SECOND) / 1_000);
    this.#sinceMs = nowMs;
  }
}
