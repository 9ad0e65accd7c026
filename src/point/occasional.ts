import type { Clock } from './clock.js';

export interface OccasionalOptions {
  /** So many at once, and each further one after this time, ms. */
  readonly burst?: number;
  readonly everyMs?: number;
  /** Keys that are told apart at a time: they may be other people's words. */
  readonly most?: number;
}

interface Bucket {
  /** ms that may be spent; each time costs `everyMs`. */
  credit: number;
  atMs: number;
  /** Since it was due last. */
  count: number;
}

const MINUTE_MS = 60_000;
/** All that has no room of its own. */
const OTHERS = Symbol('others');

/** Limits how often something that may happen all the time is logged: for each key at once, then once a minute. */
export class Occasional {
  readonly #buckets = new Map<string | symbol, Bucket>();
  readonly #burst: number;
  readonly #everyMs: number;
  readonly #most: number;

  constructor(
    private readonly clock: Clock,
    { burst = 1, everyMs = MINUTE_MS, most = 100 }: OccasionalOptions = {},
  ) {
    this.#burst = burst;
    this.#everyMs = everyMs;
    this.#most = most;
  }

  /** Keys that it holds. */
  get keys(): number {
    return this.#buckets.size;
  }

  /** It has happened. How often it has happened since it was last logged, now included; 0: it is not to be logged now. */
  due(key: string, count = 1): number {
    const nowMs = this.clock.monotonicMs();
    const bucket = this.#bucket(key, nowMs);
    bucket.count += count;
    if (bucket.credit < this.#everyMs) return 0;
    bucket.credit -= this.#everyMs;
    const told = bucket.count;
    bucket.count = 0;
    return told;
  }

  /** Whether it would be told if it happened now. */
  isDue(key: string): boolean {
    return this.#bucket(key, this.clock.monotonicMs()).credit >= this.#everyMs;
  }

  #bucket(key: string, nowMs: number): Bucket {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#most) this.#makeRoom(nowMs);
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

  /** Of what has been still for long enough nothing need be known. */
  #makeRoom(nowMs: number): void {
    for (const [key, { credit, atMs }] of this.#buckets) {
      if (credit + nowMs - atMs >= this.#full) this.#buckets.delete(key);
    }
  }
}
