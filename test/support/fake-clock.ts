import type { Clock, Timer } from '../../src/point/clock.js';
import { NS_PER_MS } from '../../src/point/clock.js';

/** 2026-01-02T03:04:05.678901234Z, the time of the worked examples (docs/siot.md, 8). */
export const FAKE_START_NS = 1767323045678901234n;

interface Waiting {
  readonly due: number;
  readonly order: number;
  readonly fn: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #nowMs = 0;
  #wallNs: bigint;
  #order = 0;
  readonly #waiting = new Set<Waiting>();

  constructor(startNs: bigint = FAKE_START_NS) {
    this.#wallNs = startNs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallNs(): bigint {
    return this.#wallNs;
  }

  setTimer(ms: number, fn: () => void): Timer {
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`a timer needs a time of 0 or more ms, not ${String(ms)}`);
    }
    const entry: Waiting = { due: this.#nowMs + ms, order: this.#order++, fn };
    this.#waiting.add(entry);
    return { cancel: () => void this.#waiting.delete(entry) };
  }

  /** Timers set and not yet fired or cancelled. */
  get pendingTimers(): number {
    return this.#waiting.size;
  }

  /** ms until the next timer; undefined when none is set. */
  get nextTimerMs(): number | undefined {
    const next = this.#next();
    return next === undefined ? undefined : Math.max(0, next.due - this.#nowMs);
  }

  /**
   * Lets `ms` pass: runs every timer that becomes due, in order of time and
   * then of setting, those included that are set on the way. When a timer
   * throws, time stands at that timer and the exception goes to the caller.
   */
  advance(ms: number): void {
    const end = this.#endAfter(ms);
    while (this.#runNext(end));
    this.#moveTo(end);
  }

  /**
   * The process stands still: `ms` pass, and only after them the timers fire that have
   * become due, but none that these set.
   */
  standStill(ms: number): void {
    this.#moveTo(this.#endAfter(ms));
    const due = [...this.#waiting].filter((entry) => entry.due <= this.#nowMs);
    for (const entry of due.sort((a, b) => a.due - b.due || a.order - b.order)) {
      if (this.#waiting.delete(entry)) entry.fn();
    }
  }

  /**
   * As {@link advance}, and before, between and after the timers lets promise
   * continuations and `setImmediate` callbacks of the code under test run.
   */
  async advanceAsync(ms: number): Promise<void> {
    const end = this.#endAfter(ms);
    do await settled();
    while (this.#runNext(end));
    this.#moveTo(end);
    await settled();
  }

  /** Somebody sets the wall clock, by `ms` (may be negative or a fraction); timers do not notice. */
  stepWall(ms: number): void {
    this.#wallNs += toNs(ms);
  }

  #endAfter(ms: number): number {
    if (!(ms >= 0)) throw new RangeError(`time cannot pass by ${String(ms)} ms`);
    return this.#nowMs + ms;
  }

  #runNext(end: number): boolean {
    const next = this.#next();
    if (next === undefined || next.due > end) return false;
    this.#waiting.delete(next);
    this.#moveTo(next.due);
    next.fn();
    return true;
  }

  #next(): Waiting | undefined {
    let next: Waiting | undefined;
    for (const entry of this.#waiting) {
      if (
        next === undefined ||
        entry.due < next.due ||
        (entry.due === next.due && entry.order < next.order)
      ) {
        next = entry;
      }
    }
    return next;
  }

  #moveTo(ms: number): void {
    if (ms <= this.#nowMs) return;
    // From one rounded reading to the next, so that fractions do not add up.
    this.#wallNs += toNs(ms) - toNs(this.#nowMs);
    this.#nowMs = ms;
  }
}

function toNs(ms: number): bigint {
  const whole = Math.trunc(ms);
  return BigInt(whole) * NS_PER_MS + BigInt(Math.round((ms - whole) * 1e6));
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
