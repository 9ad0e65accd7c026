import type { Clock } from '../../point/clock.js';

const SECOND_MS = 1_000;

/** Limits the time of work that clients ask for to a part of each second. The devices keep the rest. */
export class TimeBudget {
  /** Start of the second in which {@link #spentMs} was spent, monotonic ms. */
  #secondMs = Number.NEGATIVE_INFINITY;
  #spentMs = 0;

  constructor(
    private readonly msASecond: number,
    private readonly clock: Clock,
  ) {}

  /** Whether nothing is left of the time of this second. */
  get isSpent(): boolean {
    this.#beginSecond();
    return this.#spentMs >= this.msASecond;
  }

  /** Does the work, also when no time is left, and counts its time. */
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
