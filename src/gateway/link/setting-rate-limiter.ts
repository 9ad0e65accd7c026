/**
 * Limits how fast points that others publish on a link's node are routed, so that
 * other links have time as well. Somebody who sets a point 10,000 times a second
 * means the last value: of what waits only the newest of each point is kept. Where
 * times are equal or far ahead, as many are kept as give the same result as all.
 */
import type { Clock, Timer } from '../../point/clock.js';
import { PointMap } from '../../point/point-map.js';
import { sameValue, type Point } from '../../point/point.js';
import type { SettingRefusal, SettingQuota } from '../../session/node/setting-quota.js';
import type { Counters } from '../../session/node/counters.js';
import type { RemotePointRouter } from './remote-point-router.js';
import { isFar } from '../../session/settings/time.js';

/** Points that may come at once. */
const BURST = 500;
/** Points in a second after that. */
const A_SECOND = 2_000;
/** Pause between two looks at what waits. */
const LOOK_EVERY_MS = 5;
/** After a point was refused without being routed, the node is read again after this time: SIOT may still have it. */
const READ_AGAIN_MS = 5_000;

/** What the limiter works with. */
interface RateLimiterParts {
  readonly router: Pick<RemotePointRouter, 'live' | 'isKnown'>;
  /** Is told of a point that was refused unseen, for lack of room. */
  readonly session: { refuse(point: Point, cause: SettingRefusal): void };
  readonly counters: Pick<Counters, 'notice'>;
  /** What waits shares it with what was set before. */
  readonly quota: SettingQuota;
  /** Is read again after some were refused unseen. */
  readonly node: { readAgain(): void };
  readonly clock: Clock;
  /** Distinct points that may wait besides those that are known: the link takes no more. */
  readonly mostNew: number;
}

const NONE: readonly Point[] = [];

/** Points that wait to be routed; see the top of this file. */
export class SettingRateLimiter {
  /** Of each point in the order in which they came. */
  readonly #waiting = new PointMap<readonly Point[]>();
  #allowed = BURST;
  #sinceMs: number;
  #timer: Timer | undefined;
  #missed: Timer | undefined;

  constructor(private readonly parts: RateLimiterParts) {
    this.#sinceMs = parts.clock.monotonicMs();
  }

  /** Points that wait to be routed, the newest of each. */
  get waiting(): Iterable<Point> {
    return [...this.#waiting.values()].flatMap((points) => points.slice(-1));
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Those that may be routed now: all of them, or none, and then the router gets them as time allows. */
  admit(points: readonly Point[]): readonly Point[] {
    this.#refill();
    if (this.#timer === undefined && this.#allowed >= points.length) {
      this.#allowed -= points.length;
      return points;
    }
    for (const point of points) this.#wait(point);
    this.#later();
    return NONE;
  }

  /** Routes all that waits: the link ends. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#missed?.cancel();
    this.#missed = undefined;
    this.#routeWaiting(Number.POSITIVE_INFINITY);
  }

  #wait(point: Point): void {
    const { type, key } = point;
    const before = this.#waiting.get(type, key) ?? [];
    const after = joined(before, point, this.parts.clock.wallNs());
    if (!after.includes(point)) {
      this.parts.counters.notice('delayedSetting');
      return;
    }
    const isPlace = before.length > 0 || this.#waiting.size < this.parts.mostNew;
    if (!isPlace && !this.parts.router.isKnown(type, key)) {
      this.#refuse(point, 'tooManySettings');
      return;
    }
    const hasRoom = this.parts.quota.fits(
      point,
      before.find((one) => !after.includes(one)),
    );
    this.#take(before);
    if (!hasRoom) {
      this.#refuse(point, 'tooManySettingBytes');
      return;
    }
    this.parts.counters.notice('delayedSetting');
    this.#waiting.set(type, key, after);
    for (const one of after) this.parts.quota.take(one);
  }

  #refuse(point: Point, cause: SettingRefusal): void {
    this.parts.session.refuse(point, cause);
    this.#missed ??= this.parts.clock.setTimer(READ_AGAIN_MS, () => {
      this.#missed = undefined;
      this.parts.node.readAgain();
    });
  }

  #take(points: readonly Point[]): void {
    for (const point of points) {
      this.#waiting.delete(point.type, point.key);
      this.parts.quota.giveBack(point);
    }
  }

  #later(): void {
    this.#timer ??= this.parts.clock.setTimer(LOOK_EVERY_MS, () => {
      this.#timer = undefined;
      this.#refill();
      this.#allowed -= this.#routeWaiting(Math.floor(this.#allowed));
      if (this.#waiting.size > 0) this.#later();
    });
  }

  /** Routes at most so many that wait; returns how many. */
  #routeWaiting(most: number): number {
    const due: Point[] = [];
    for (const points of this.#waiting.values()) {
      if (due.length >= most) break;
      due.push(...points);
    }
    this.#take(due);
    if (due.length > 0) this.parts.router.live(due);
    return due.length;
  }

  #refill(): void {
    const nowMs = this.parts.clock.monotonicMs();
    this.#allowed = Math.min(BURST, this.#allowed + ((nowMs - this.#sinceMs) * A_SECOND) / 1_000);
    this.#sinceMs = nowMs;
  }
}

/**
 * What waits of a point once one more has come: the newest, of a time that can be
 * believed and of one that is far ahead; and of equal times the first and the last,
 * since stores may keep the first.
 */
function joined(waiting: readonly Point[], point: Point, nowNs: bigint): readonly Point[] {
  const far = isFar(point.time, nowNs);
  const alike = waiting.filter(({ time }) => isFar(time, nowNs) === far);
  if (alike.some(({ time }) => time > point.time)) return waiting;
  const [first] = alike.filter(({ time }) => time === point.time);
  const left = waiting.filter((one) => one === first || !alike.includes(one));
  const isAgain = first !== undefined && isSame(first, point) && alike.length === 1;
  return isAgain ? left : [...left, point];
}

const isSame = (one: Point, other: Point): boolean =>
  sameValue(one.value, other.value) && one.tombstone === other.tombstone;
