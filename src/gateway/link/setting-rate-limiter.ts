/**
 * Limits how fast points that others publish on a link's node are routed, so that
 * other links have time as well. Somebody who sets a point 10,000 times a second
 * means the last value: of what waits only the newest of each point is kept. Where
 * times are equal or far ahead, as many are kept as give the same result as all.
 *
 * ```
 *  a point ─┬─ known: 2,000 a second, and one for each that the device acknowledges ─┬─► router
 *           └─ new:   2,000 a second ────────────────────────────────────────────────┘
 * ```
 *
 * So known points go to the device as fast as it acknowledges them, and no faster than
 * that is routed much in vain. New names, which anybody can invent, do not delay them.
 */
import type { Clock, Timer } from '../../point/clock.js';
import type { Point } from '../../point/point.js';
import type { SettingRefusal, SettingQuota } from '../../session/node/setting-quota.js';
import type { Counters } from '../../session/node/counters.js';
import { RateLimitedPoints, joined } from './rate-limited-points.js';
import type { RemotePointRouter } from './remote-point-router.js';

/** Pause between two looks at what waits. */
export const LOOK_EVERY_MS = 5;
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

/** Points that wait to be routed; see the top of this file. */
export class SettingRateLimiter {
  readonly #known: RateLimitedPoints;
  readonly #new: RateLimitedPoints;
  #timer: Timer | undefined;
  #missed: Timer | undefined;

  constructor(private readonly parts: RateLimiterParts) {
    const nowMs = parts.clock.monotonicMs();
    this.#known = new RateLimitedPoints(nowMs, parts.quota);
    this.#new = new RateLimitedPoints(nowMs, parts.quota);
  }

  /** Points that wait to be routed, the newest of each. */
  get waiting(): Iterable<Point> {
    return [...this.#known.newest(), ...this.#new.newest()];
  }

  get size(): number {
    return this.#new.size + this.#known.size;
  }

  /** Those that may be routed now. The router gets the others as time allows. */
  admit(points: readonly Point[]): readonly Point[] {
    const nowMs = this.parts.clock.monotonicMs();
    const admitted = points.filter((point) => {
      const kind = this.#kindOf(point);
      if (kind.admits(nowMs)) return true;
      this.#wait(kind, point);
      return false;
    });
    if (this.size > 0) this.#later();
    return admitted;
  }

  /** The device has acknowledged a setting: it has time for another one. */
  acknowledged(): void {
    this.#known.allowMore(1);
    if (this.#known.size > 0) this.#route(this.#known.takeDue());
  }

  /** Routes all that waits: the link ends. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#missed?.cancel();
    this.#missed = undefined;
    for (const kind of [this.#known, this.#new]) this.#route(kind.takeAll());
  }

  /** A point that waits as a new one goes on doing so: those of one name stay in order. */
  #kindOf(point: Point): RateLimitedPoints {
    if (this.#new.of(point).length > 0) return this.#new;
    return this.parts.router.isKnown(point.type, point.key) ? this.#known : this.#new;
  }

  #wait(kind: RateLimitedPoints, point: Point): void {
    const before = kind.of(point);
    const after = joined(before, point, this.parts.clock.wallNs());
    if (!after.includes(point)) {
      this.parts.counters.notice('delayedSetting');
      return;
    }
    if (kind === this.#new && before.length === 0 && kind.size >= this.parts.mostNew) {
      this.#refuse(point, 'tooManySettings');
      return;
    }
    const hasRoom = this.parts.quota.fits(
      point,
      before.find((one) => !after.includes(one)),
    );
    if (!hasRoom) {
      // An older one is not wanted any more.
      kind.delete(point);
      this.#refuse(point, 'tooManySettingBytes');
      return;
    }
    this.parts.counters.notice('delayedSetting');
    kind.wait(point, after);
  }

  #refuse(point: Point, cause: SettingRefusal): void {
    this.parts.session.refuse(point, cause);
    this.#missed ??= this.parts.clock.setTimer(READ_AGAIN_MS, () => {
      this.#missed = undefined;
      this.parts.node.readAgain();
    });
  }

  #later(): void {
    this.#timer ??= this.parts.clock.setTimer(LOOK_EVERY_MS, () => {
      this.#timer = undefined;
      const nowMs = this.parts.clock.monotonicMs();
      for (const kind of [this.#known, this.#new]) {
        kind.refill(nowMs);
        this.#route(kind.takeDue());
      }
      if (this.size > 0) this.#later();
    });
  }

  #route(due: readonly Point[]): void {
    if (due.length > 0) this.parts.router.live(due);
  }
}
