/**
 * Time for the simulator. It has the same methods as the gateway's clock, so that a
 * test can use one for both; declared here, since this folder imports nothing of `src`.
 */
export interface SimClock {
  /** ms since an arbitrary start; never runs backwards. */
  monotonicMs(): number;
  /** ns since 1970, UTC. */
  wallNs(): bigint;
  /** Calls `fn` once, `ms` from now. */
  setTimer(ms: number, fn: () => void): SimTimer;
}

/** A timer of {@link SimClock.setTimer}. */
export interface SimTimer {
  /** Does nothing after the timer has fired, or when called again. */
  cancel(): void;
}

/** The clock of this computer. Its time of day has steps of 1 ms. */
export const machineClock: SimClock = {
  monotonicMs: () => performance.now(),
  wallNs: () => BigInt(Date.now()) * 1_000_000n,
  setTimer: (ms, fn) => {
    const handle = setTimeout(fn, ms);
    return {
      cancel: () => {
        clearTimeout(handle);
      },
    };
  },
};
