const FIRST_MS = 250;
const MOST_MS = 4_000;

/**
 * Whether points of a lane are likely to be delivered before they would be on
 * disk: then the disk is spared, and waits for a moment. Learnt from how it
 * went: a wait in vain is not tried again for a while, the next time longer.
 */
export class Patience {
  #untilMs = Number.NEGATIVE_INFINITY;
  #pauseMs = 0;

  /** Delivery does not come in time now: write at once. */
  isLost(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }

  inVain(nowMs: number): void {
    this.#pauseMs = Math.min(MOST_MS, Math.max(FIRST_MS, this.#pauseMs * 2));
    this.#untilMs = nowMs + this.#pauseMs;
  }

  paidOff(): void {
    this.#pauseMs = 0;
  }
}
