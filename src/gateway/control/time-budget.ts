import type { Clock } from '../../point/clock.js';

const SECOND_MS = 1_000;

/** A part of each second for work that others ask for, so that who asks without end takes no time from devices. */
export class TimeBudget {
  /** When the second began in which {@link #spentMs} was spent, monotonic ms. */
  #secondMs = Number.NEGATIVE_INFINITY;
  #spentMs = 0;

  constructor(
    private readonly msASecond: number,
    private readonly clock: Clock,
  ) {}

  /** Nothing is left of this second. */
  get isSpent(): boolean {
    this.#beginSecond();
    return this.#spentMs >= this.msASecond;
  }

  /** Does the work in any case, and counts its time. */
  spend<T>(work: () => T): T {
    this.#beginSecond();
    const fromMs = this.clock.monotonicMs();
    const made = work();
    this.#spentMs += this.clock.monotonicMs() - fromMs;
    return made;
  }

  #beginSecond(): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.#secondMs < SECOND_MS) return;
    this.#secondMs = nowMs;
    this.#spentMs = 0;
  }
}
