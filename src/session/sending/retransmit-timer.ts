/**
 * How long a device takes to answer, and so how long to wait before a packet is
 * sent again (docs/contract.md, "Sending"): as RFC 6298 does it for TCP. Measured only
 * on packets that were sent once, since the ack of one sent twice does not say
 * to which transmission it belongs (Karn's rule).
 */

/** Least wait, ms: a device may be busy for a moment, and many answer on a tick of 10 ms. */
const SHORTEST_MS = 100;
/** Of the devices' clocks and ours, ms. */
const GRAIN_MS = 10;

/** The waits for one device. */
export class RetransmitTimer {
  #roundTripMs: number | undefined;
  #deviationMs = 0;
  #timeoutMs: number;

  constructor(
    /** ackTimeoutMs: while nothing is known, and the most ever. */
    private readonly longestMs: number,
  ) {
    this.#timeoutMs = longestMs;
  }

  /** Wait for an ack before the first retransmission, ms. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** From a packet to its ack, smoothed, ms; `undefined`: not measured since {@link reset}. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /** Something else may be attached now. */
  reset(): void {
    this.#roundTripMs = undefined;
    this.#timeoutMs = this.longestMs;
  }

  /** A packet that was sent once was acknowledged after so long. */
  measured(ms: number): void {
    const before = this.#roundTripMs;
    this.#deviationMs =
      before === undefined
        ? ms / 2
        : this.#deviationMs + (Math.abs(before - ms) - this.#deviationMs) / 4;
    const roundTripMs = before === undefined ? ms : before + (ms - before) / 8;
    this.#roundTripMs = roundTripMs;
    const wished = roundTripMs + Math.max(GRAIN_MS, 4 * this.#deviationMs);
    this.#timeoutMs = Math.min(this.longestMs, Math.max(SHORTEST_MS, wished));
  }

  /**
   * No ack in time. The wait stays doubled until a packet is answered at once:
   * a device that has become slow would otherwise never be measured again.
   */
  missed(): void {
    this.#timeoutMs = Math.min(this.longestMs, 2 * this.#timeoutMs);
  }

  /**
   * The wait after transmission `attempt` of `limit`, ms. The first waits follow
   * the device's pace, and double. The last retransmission goes out at least
   * `limit` − 1 times ackTimeoutMs after the first transmission, as to a device whose
   * pace is not known: a device may hear nothing for two seconds while it erases its
   * flash. The wait after it is at least ackTimeoutMs.
   *
   * `firstMs`: {@link timeoutMs} at the first transmission; `elapsedMs` since then.
   */
  waitMs(attempt: number, limit: number, firstMs: number, elapsedMs: number): number {
    if (attempt >= limit) return this.longestMs;
    const doubled = this.doubledMs(attempt, firstMs);
    if (attempt < limit - 1) return doubled;
    return Math.max(doubled, (limit - 1) * this.longestMs - elapsedMs);
  }

  /** The wait after transmission `attempt` of a packet that is sent for as long as the device lives, ms. */
  doubledMs(attempt: number, firstMs: number): number {
    return Math.min(this.longestMs, firstMs * 2 ** (attempt - 1));
  }
}
