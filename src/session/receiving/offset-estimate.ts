/**
 * Estimates the offset between the gateway's monotonic clock and a device's clock that
 * counts from its start, from packets that arrive late, some by hours
 * (docs/contract.md, "Times").
 *
 * ```
 *  arrival − device time
 *    │      x        x x x  a queue that is sent after an outage
 *    │  x      x    x
 *    │ x  x  x    x      x    x   delays: never below the true offset
 *    │x__x______x_____x____x___x  the estimate: the least, let rise after a minute
 *    └──────────────────────────► arrival
 * ```
 *
 * A packet is never early. So the estimate falls to each smaller difference. When none
 * has come for a minute it rises, somewhat faster than a crystal drifts.
 * With a crystal of ±200 ppm, `d` the delay of the last prompt packet and `t`
 * seconds since then, mapped times are early by at most 12 ms and late by at
 * most `d` + 0.5 ms × `t`.
 */

/** Crystals of microcontrollers, 200 ppm over all temperatures, and some margin: ns for each ms. */
const RISE_NS_PER_MS = 300;
/** The estimate does not change for so long after its last fall, ms. */
const STANDS_MS = 60_000;

/**
 * After a fall the offset in use follows by at most half of the time that passes on
 * the device's clock, so that times mapped before and after it keep their order. A fall
 * of more than this, ns, is not jitter: the packets before it came from a queue.
 */
const SLEWED_NS = 10_000_000_000n;

/** The estimate is wrong when all packets of such a time have come too late… */
const HALF_WINDOW_MS = 300_000;
/** …by more than this. A device whose clock stops while it sleeps causes that. */
const TOO_LATE_NS = 2_000_000_000n;
/** A queue that is being sent becomes shorter by more than this in that time. */
const SHRINKS_NS = 1_000_000_000n;

/** The estimate for one device, until it restarts or the channel is opened anew. */
export class OffsetEstimate {
  /** Least difference, ns, risen since {@link #atMs}. */
  #least: bigint | undefined;
  #atMs = 0;
  #risesFromMs = 0;
  /** What is used: {@link #least}, or still above it after a fall. */
  #used = 0n;
  /** Latest time of the device learned from. */
  #newestNs = 0n;
  /** Least difference in this half of the window, and in the one before. */
  #half: bigint | undefined;
  #halfBefore: bigint | undefined;
  #halfFromMs = 0;

  reset(): void {
    this.#least = undefined;
  }

  /** A packet with this latest time, ns since the device's start, has come at this monotonic ms. */
  learn(newestNs: bigint, arrivalMs: number): void {
    const sample = toNs(arrivalMs) - newestNs;
    if (this.#least === undefined) {
      this.#begin(sample, newestNs, arrivalMs);
      return;
    }
    this.#watch(sample, arrivalMs);
    const risesMs = Math.max(0, arrivalMs - Math.max(this.#atMs, this.#risesFromMs));
    const risen = this.#least + BigInt(Math.round(risesMs * RISE_NS_PER_MS));
    this.#least = sample < risen ? sample : risen;
    this.#atMs = arrivalMs;
    if (sample <= risen) this.#risesFromMs = arrivalMs + STANDS_MS;
    const wentOn = newestNs > this.#newestNs ? newestNs - this.#newestNs : 0n;
    if (wentOn > 0n) this.#newestNs = newestNs;
    const slewed = this.#used - wentOn / 2n;
    const slews = this.#used - this.#least <= SLEWED_NS;
    this.#used = slews && slewed > this.#least ? slewed : this.#least;
  }

  /** How long before this monotonic ms a time of the device was, ns; 0 or more. */
  ageNs(deviceNs: bigint, nowMs: number): bigint {
    const age = toNs(nowMs) - this.#used - deviceNs;
    return age > 0n ? age : 0n;
  }

  #begin(sample: bigint, newestNs: bigint, arrivalMs: number): void {
    this.#least = sample;
    this.#used = sample;
    this.#atMs = arrivalMs;
    this.#risesFromMs = arrivalMs + STANDS_MS;
    this.#newestNs = newestNs;
    this.#half = undefined;
    this.#halfBefore = undefined;
    this.#halfFromMs = arrivalMs;
  }

  /** Gives up an estimate that nothing has borne out for long, unless a queue explains it. */
  #watch(sample: bigint, arrivalMs: number): void {
    if (arrivalMs - this.#halfFromMs >= HALF_WINDOW_MS) {
      const least = this.#least ?? 0n;
      const half = this.#half;
      const halfBefore = this.#halfBefore;
      const wrong =
        half !== undefined &&
        halfBefore !== undefined &&
        half > least + TOO_LATE_NS &&
        halfBefore > least + TOO_LATE_NS &&
        half > halfBefore - SHRINKS_NS;
      if (wrong) {
        this.#least = half;
        this.#used = half;
        this.#atMs = arrivalMs;
      }
      this.#halfBefore = half;
      this.#half = undefined;
      this.#halfFromMs = arrivalMs;
    }
    if (this.#half === undefined || sample < this.#half) this.#half = sample;
  }
}

function toNs(ms: number): bigint {
  const whole = Math.trunc(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6));
}
