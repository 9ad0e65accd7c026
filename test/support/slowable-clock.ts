import { SystemClock, type Clock, type Timer } from '../../src/point/clock.js';

/**
 * The machine's clock, until {@link slowDown}: from then on less time passes than on the
 * machine. What must happen within ms then has as many times longer, so that a machine
 * under load does not decide about the test.
 */
export class SlowableClock implements Clock {
  readonly #system = new SystemClock();
  #factor = 1;
  #sinceMs = 0;
  #shownMs = 0;

  /** From now on, and for timers that are set from now on. */
  slowDown(factor: number): void {
    this.#shownMs = this.monotonicMs();
    this.#sinceMs = this.#system.monotonicMs();
    this.#factor = factor;
  }

  monotonicMs(): number {
    return this.#shownMs + (this.#system.monotonicMs() - this.#sinceMs) / this.#factor;
  }

  wallNs(): bigint {
    return this.#system.wallNs();
  }

  setTimer(ms: number, fn: () => void): Timer {
    return this.#system.setTimer(ms * this.#factor, fn);
  }
}
