import type { Clock } from './clock.js';

export interface LogRateOptions {
  /** Lines of one key that may follow each other at once; 1. */
  readonly burst?: number;
  /** ms after which one more is allowed; a minute. */
  readonly everyMs?: number;
  /** Keys with a limit of their own, which may be texts that a device or a client sent; 100. */
  readonly most?: number;
}

/** A token bucket, counted in ms. */
interface Bucket {
  /** ms that may be spent; each line costs `everyMs`. */
  credit: number;
  /** Monotonic ms of the last refill. */
  atMs: number;
  /** Times since the last line. */
  count: number;
}

const MINUTE_MS = 60_000;
/** Shares one bucket among the keys above `most`. */
const OTHERS = Symbol('others');

/** Limits how often an event is logged, for each key: the first at once, then one a minute. */
export class LogRateLimiter {
  readonly #buckets = new Map<string | symbol, Bucket>();
  readonly #burst: number;
  readonly #everyMs: number;
  readonly #most: number;

  constructor(
    private readonly clock: Clock,
    { burst = 1, everyMs = MINUTE_MS, most = 100 }: LogRateOptions = {},
  ) {
    this.#burst = burst;
    this.#everyMs = everyMs;
    this.#most = most;
  }

  /** Number of keys that are held in memory. */
  get keys(): number {
    return this.#buckets.size;
  }

  /**
   * To be called at each event, or with the `count` of several. 0: do not log it
   * now. Else: how often it has happened since it was last logged, this included.
   */
  due(key: string, count = 1): number {
    const bucket = this.#bucket(key, this.clock.monotonicMs());
    bucket.count += count;
    if (bucket.credit < this.#everyMs) return 0;
    bucket.credit -= this.#everyMs;
    const happened = bucket.count;
    bucket.count = 0;
    return happened;
  }

  /** Whether {@link due} would allow a line now; counts nothing. */
  isDue(key: string): boolean {
    return this.#bucket(key, this.clock.monotonicMs()).credit >= this.#everyMs;
  }

  #bucket(key: string, nowMs: number): Bucket {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#most) this.#forgetFull(nowMs);
      const own = this.#buckets.size < this.#most ? key : OTHERS;
      bucket = this.#buckets.get(own) ?? { credit: this.#full, atMs: nowMs, count: 0 };
      this.#buckets.set(own, bucket);
    }
    bucket.credit = Math.min(this.#full, bucket.credit + nowMs - bucket.atMs);
    bucket.atMs = nowMs;
    return bucket;
  }

  get #full(): number {
    return this.#burst * this.#everyMs;
  }

  /** A full bucket allows as many lines as a new one; its count is lost. */
  #forgetFull(nowMs: number): void {
    for (const [key, { credit, atMs }] of this.#buckets) {
      if (credit + nowMs - atMs >= this.#full) this.#buckets.delete(key);
    }
  }
}
