import type { Clock, Timer } from '../../point/clock.js';

/** The time of what is being read: it stands still between two events. */
export class EventClock implements Clock {
  #monotonicMs = 0;
  #wallNs = 0n;
  readonly #timers = new Set<{ readonly dueMs: number; readonly fn: () => void }>();

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  wallNs(): bigint {
    return this.#wallNs;
  }

  setTimer(ms: number, fn: () => void): Timer {
    const timer = { dueMs: this.#monotonicMs + ms, fn };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Goes to the time of an event, and on the way calls the timers that are due before it. */
  moveTo(monotonicMs: number, wallNs: bigint): void {
    for (let next = this.#next(monotonicMs); next !== undefined; next = this.#next(monotonicMs)) {
      this.#timers.delete(next);
      this.#monotonicMs = Math.max(this.#monotonicMs, next.dueMs);
      next.fn();
    }
    this.#monotonicMs = monotonicMs;
    this.#wallNs = wallNs;
  }

  #next(untilMs: number) {
    let first: { readonly dueMs: number; readonly fn: () => void } | undefined;
    for (const timer of this.#timers)
      if (timer.dueMs < untilMs && timer.dueMs < (first?.dueMs ?? Infinity)) first = timer;
    return first;
  }
}
