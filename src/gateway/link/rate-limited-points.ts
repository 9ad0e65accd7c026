/** Points of one kind (known ones, or new ones) at the rate limiter: setting-rate-limiter.ts. */
import { PointMap } from '../../point/point-map.js';
import { sameValue, type Point } from '../../point/point.js';
import type { SettingQuota } from '../../session/node/setting-quota.js';
import { isFar } from '../../session/settings/time.js';

/** Points that may come at once. */
const BURST = 500;
/** Points in a second after that. */
const A_SECOND = 2_000;

/** All that waits of one point: see {@link joined}. */
interface Waiting {
  points: readonly Point[];
}

/** Those that wait, and how many may be routed now. */
export class RateLimitedPoints {
  readonly #waiting = new PointMap<Waiting>();
  /** In the order in which they began to wait, whatever their types are. */
  readonly #turns = new Set<Waiting>();
  #allowed = BURST;

  constructor(
    /** Monotonic ms. */
    private sinceMs: number,
    /** What waits shares it with what was set before. */
    private readonly quota: Pick<SettingQuota, 'take' | 'giveBack'>,
  ) {}

  /** Distinct points that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Of each point that waits, the newest. */
  *newest(): Iterable<Point> {
    for (const { points } of this.#turns) yield* points.slice(-1);
  }

  /** What waits of the point with this name. */
  of({ type, key }: Point): readonly Point[] {
    return this.#waiting.get(type, key)?.points ?? [];
  }

  /** What waits of the point with this name from now on. It keeps its turn. */
  wait({ type, key }: Point, points: readonly Point[]): void {
    let waiting = this.#waiting.get(type, key);
    if (waiting === undefined) {
      waiting = { points: [] };
      this.#waiting.set(type, key, waiting);
      this.#turns.add(waiting);
    }
    for (const point of waiting.points) this.quota.giveBack(point);
    for (const point of points) this.quota.take(point);
    waiting.points = points;
  }

  /** Nothing waits of the point with this name any more. */
  delete({ type, key }: Point): void {
    const waiting = this.#waiting.get(type, key);
    if (waiting === undefined) return;
    for (const point of waiting.points) this.quota.giveBack(point);
    this.#waiting.delete(type, key);
    this.#turns.delete(waiting);
  }

  /** Whether one that comes now may be routed at once; then it counts as routed. */
  admits(nowMs: number): boolean {
    if (this.size > 0) return false;
    this.refill(nowMs);
    if (this.#allowed < 1) return false;
    this.#allowed -= 1;
    return true;
  }

  /** The time that has passed allows more. */
  refill(nowMs: number): void {
    this.allowMore(((nowMs - this.sinceMs) * A_SECOND) / 1_000);
    this.sinceMs = nowMs;
  }

  allowMore(points: number): void {
    this.#allowed = Math.min(BURST, this.#allowed + points);
  }

  /** Those that have waited longest, as many as may be routed now. They wait no more. */
  takeDue(): readonly Point[] {
    const due = this.#take(Math.floor(this.#allowed));
    this.#allowed -= due.length;
    return due;
  }

  /** All that wait. They wait no more. */
  takeAll(): readonly Point[] {
    return this.#take(Number.POSITIVE_INFINITY);
  }

  #take(most: number): readonly Point[] {
    const taken: Point[] = [];
    for (const { points } of this.#turns) {
      if (taken.length >= most) break;
      taken.push(...points);
    }
    for (const point of taken) this.delete(point);
    return taken;
  }
}

/**
 * What waits of a point once one more has come: the newest, of a time that can be
 * believed and of one that is far ahead; and of equal times the first and the last,
 * since stores may keep the first.
 */
export function joined(waiting: readonly Point[], point: Point, nowNs: bigint): readonly Point[] {
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
