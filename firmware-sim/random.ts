/**
 * Random numbers that are the same for the same seed (a 32-bit Weyl sequence and a
 * mixing function). Not for secrets.
 */
export class SeededRandom {
  #state: number;

  constructor(readonly seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 ≤ x < 1, in steps of 2⁻³². */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 0x1_0000_0000;
  }

  /** True with this probability; takes no number when it is 0. */
  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  /** A whole number, 0 ≤ n < `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** −1 … 1. */
  signed(): number {
    return this.next() * 2 - 1;
  }

  /** Time until the next of events with an average distance `meanMs`: 0.5 to 1.5 of it, ms. */
  waitMs(meanMs: number): number {
    return Math.max(1, Math.round(meanMs * (0.5 + this.next())));
  }

  /**
   * A separate generator for one use, so that numbers taken from it do not change
   * those of others: a fault that is switched on leaves all others as they were.
   */
  fork(use: string): SeededRandom {
    let hash = this.seed >>> 0;
    for (let i = 0; i < use.length; i += 1) {
      hash = Math.imul(hash ^ use.charCodeAt(i), 0x01000193) >>> 0;
    }
    return new SeededRandom(hash);
  }
}
