/**
 * Time, passed in wherever it is needed, so that every timing rule can be
 * tested without sleeping.
 */
export interface Clock {
  /** Milliseconds from an arbitrary start; never steps, never runs backwards. */
  monotonicMs(): number;
  /** ns since 1970, UTC; steps when somebody sets the machine's clock. */
  wallNs(): bigint;
  /** Calls `fn` once, `ms` from now (0 or more). */
  setTimer(ms: number, fn: () => void): Timer;
}

export interface Timer {
  /** Harmless after it has fired, and when called twice. */
  cancel(): void;
}

export const NS_PER_MS = 1_000_000n;
export const NS_PER_S = 1_000_000_000n;

/** How the two clocks of a machine differ, ns: changes when the wall clock is stepped. */
export function wallMinusMonotonic(clock: Clock): bigint {
  return clock.wallNs() - BigInt(Math.round(clock.monotonicMs() * 1e6));
}

/** A wall clock that is off its course by more has been stepped. */
export const CLOCK_STEP_NS = 1_000n * NS_PER_MS;

/** How far the fine clock may be from the machine's before it is set anew. */
const FOLLOW_MS = 2;

/** Some 25 days; Node takes a longer time for no time at all. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The clock of this machine. */
export class SystemClock implements Clock {
  // The machine's clock has millisecond steps in JavaScript. Points need
  // increasing nanoseconds, so the monotonic clock counts on from an anchor,
  // which is moved when the machine's clock has been stepped or slewed away.
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
