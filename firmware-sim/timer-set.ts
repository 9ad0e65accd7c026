import type { SimClock, SimTimer } from './clock.js';

/** Timers that are cancelled all at once, as by a restart. */
export class TimerSet {
  readonly #timers = new Set<SimTimer>();

  constructor(private readonly clock: SimClock) {}

  /** None is running. */
  get isEmpty(): boolean {
    return this.#timers.size === 0;
  }

  /** Calls `fn` once, `ms` from now, unless it is cancelled before. */
  start(ms: number, fn: () => void): SimTimer {
    const timer = this.clock.setTimer(ms, () => {
      this.#timers.delete(timer);
      fn();
    });
    this.#timers.add(timer);
    return {
      cancel: () => {
        this.#timers.delete(timer);
        timer.cancel();
      },
    };
  }

  cancelAll(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}
