/**
 * Which values of a signal are published: those that differ from the last published
 * one by more than the deadband, at least `minInterval` after it; and any value after
 * `maxInterval`.
 *
 * ```
 *  values      1 2 3 4 . . . . 4 4 4 4 4 . . . .
 *  published   1 . . . 4 . . . . . . . 4 . . . .
 *              └─min──┘└──────max──────┘
 * ```
 *
 * A value that came too soon is published later, if it still differs, so that the last
 * value is always published.
 */
import type { Clock, Timer } from '../point/clock.js';
import { sameValue, type PointValue } from '../point/point.js';

/** Settings of a filter, from the configuration. */
export interface FilterOptions {
  /** Numbers that differ by no more are not published, in the unit of the signal; 0: each difference counts. */
  readonly deadband: number;
  /** Least time between two points of a signal, ms. */
  readonly minInterval: number;
  /** Time after which the next value is published in any case, ms; 0: never. */
  readonly maxInterval: number;
}

/** A value of a signal; `of`: the signal. */
export interface SignalValue<T> {
  readonly of: T;
  readonly value: PointValue;
}

/** State of a signal. */
interface Known {
  published: PointValue | undefined;
  /** Time of publishing, monotonic ms. */
  atMs: number;
  /** The value that came too soon. */
  waiting: PointValue | undefined;
}

/** ms until the next attempt when there is no room for points. */
const AGAIN_MS = 500;

/** A filter for signals; `T`: what identifies a signal. */
export class PublishFilter<T> {
  readonly #known = new Map<T, Known>();
  readonly #waiting = new Map<T, Known>();
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;

  constructor(
    private readonly options: FilterOptions,
    private readonly clock: Clock,
    /** False: there is no room for points now. */
    private readonly publish: (values: readonly SignalValue<T>[]) => boolean,
  ) {}

  /** Takes new values of different signals. */
  take(values: readonly SignalValue<T>[]): void {
    const now = this.clock.monotonicMs();
    const news: SignalValue<T>[] = [];
    for (const one of values) {
      const known = this.#of(one.of);
      const age = now - known.atMs;
      const { minInterval, maxInterval } = this.options;
      const due = maxInterval > 0 && age >= maxInterval;
      if (!due && !this.#differs(known.published, one.value)) this.#settle(one.of, known);
      else if (age >= minInterval) news.push(one);
      else this.#wait(one, known, minInterval - age);
    }
    this.#send(news, now);
  }

  /** Publishes what waits. Without room it is lost. */
  flush(): void {
    this.#timer?.cancel();
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    const news: SignalValue<T>[] = [];
    for (const [of, known] of this.#waiting) {
      if (known.waiting !== undefined) news.push({ of, value: known.waiting });
      this.#settle(of, known);
    }
    this.#send(news, this.clock.monotonicMs());
    this.#timer?.cancel();
    this.#timerDueMs = Number.POSITIVE_INFINITY;
  }

  #of(signal: T): Known {
    let known = this.#known.get(signal);
    if (known === undefined) {
      known = { published: undefined, atMs: Number.NEGATIVE_INFINITY, waiting: undefined };
      this.#known.set(signal, known);
    }
    return known;
  }

  #differs(before: PointValue | undefined, now: PointValue): boolean {
    if (before === undefined) return true;
    if (before.kind === 'float' && now.kind === 'float') {
      const { deadband } = this.options;
      // Infinity minus itself is NaN, which is not above the deadband either.
      if (deadband > 0) return Math.abs(now.number - before.number) > deadband;
    }
    return !sameValue(before, now);
  }

  #send(news: readonly SignalValue<T>[], now: number): void {
    if (news.length === 0) return;
    const taken = this.publish(news);
    for (const one of news) {
      const known = this.#of(one.of);
      if (!taken) {
        this.#wait(one, known, AGAIN_MS);
        continue;
      }
      known.published = one.value;
      known.atMs = now;
      this.#settle(one.of, known);
    }
  }

  #settle(signal: T, known: Known): void {
    known.waiting = undefined;
    this.#waiting.delete(signal);
  }

  #wait({ of: signal, value }: SignalValue<T>, known: Known, ms: number): void {
    known.waiting = value;
    this.#waiting.set(signal, known);
    this.#wakeIn(ms);
  }

  #wakeIn(ms: number): void {
    const dueMs = this.clock.monotonicMs() + ms;
    if (dueMs >= this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.clock.setTimer(ms, () => this.#wake());
  }

  #wake(): void {
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    const now = this.clock.monotonicMs();
    const news: SignalValue<T>[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [of, { waiting, atMs }] of this.#waiting) {
      const leftMs = atMs + this.options.minInterval - now;
      if (waiting === undefined) continue;
      if (leftMs <= 0) news.push({ of, value: waiting });
      else nextMs = Math.min(nextMs, leftMs);
    }
    this.#send(news, now);
    if (nextMs < Number.POSITIVE_INFINITY) this.#wakeIn(nextMs);
  }
}
