/** Time, passed in wherever it is needed, so that tests need not wait for it. */
export interface Clock {
  /** ms since an arbitrary start; never steps, never runs backwards. */
  monotonicMs(): number;
  /** ns since 1970, UTC; steps when somebody sets the machine's clock. */
  wallNs(): bigint;
  /** Calls `fn` once, `ms` from now (0 or more). */
  setTimer(ms: number, fn: () => void): Timer;
}

/** A timer of {@link Clock.setTimer}. */
export interface Timer {
  /** Does nothing after the timer has fired, or when called again. */
  cancel(): void;
}

export const NS_PER_MS = 1_000_000n;
export const NS_PER_S = 1_000_000_000n;

/** Wall clock minus monotonic clock, ns. It changes when the wall clock is stepped. */
export function wallMinusMonotonic(clock: Clock): bigint {
  return clock.wallNs() - BigInt(Math.round(clock.monotonicMs() * 1e6));
}

/** A change of {@link wallMinusMonotonic} by more than this is a step of the wall clock, ns. */
export const CLOCK_STEP_NS = 1_000n * NS_PER_MS;

/** Difference from the machine's clock at which the anchor is moved, ms. */
const FOLLOW_MS = 2;

/** Some 25 days. With a longer time, Node calls back at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The clock of this machine. */
export class SystemClock implements Clock {
  // Date.now() counts whole milliseconds, and points need times that increase by
  // less. So the time is an anchor plus the monotonic time since. The anchor is
  // moved when the machine's clock has been stepped or slewed.
  #anchorWallNs = 0n;
  #anchorMs = Number.NEGATIVE_INFINITY;

  monotonicMs(): number {
    return performance.now();
  }

  wallNs(): bigint {
    const monotonic = performance.now();
    const machineMs = Date.now();
    const sinceMs = monotonic - this.#anchorMs;
    const offMs = machineMs - (Number(this.#anchorWallNs / NS_PER_MS) + sinceMs);
    if (!(offMs > -FOLLOW_MS && offMs < FOLLOW_MS)) {
      this.#anchorMs = monotonic;
      this.#anchorWallNs = BigInt(machineMs) * NS_PER_MS;
      return this.#anchorWallNs;
    }
    return this.#anchorWallNs + BigInt(Math.round(sinceMs * 1e6));
  }

  setTimer(ms: number, fn: () => void): Timer {
    const handle = setTimeout(fn, Math.min(ms, LONGEST_TIMER_MS));
    return { cancel: () => clearTimeout(handle) };
  }
}
