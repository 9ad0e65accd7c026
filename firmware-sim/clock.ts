/**
 * Time as the simulator needs it. The same form as the gateway's own clock, so
 * that a test can drive both sides with one, but declared here: this folder
 * imports nothing from `src`.
 */
export interface SimClock {
  /** Milliseconds from an arbitrary start; never runs backwards. */
  monotonicMs(): number;
  /** ns since 1970, UTC. */
  wallNs(): bigint;
  /** Calls `fn` once, `ms` from now. */
  setTimer(ms: number, fn: () => void): SimTimer;
}

export interface SimTimer {
  /** Harmless when repeated, and after the timer has fired. */
  cancel(): void;
}

/** The clock of this machine, in steps of a millisecond: finer than most firmware's. */
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
