const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4_000;

/**
 * Decides whether a lane's points wait for a short time in memory before they are written.
 * Points that are delivered in that time need no disk. After two delays in a row in which
 * they were not delivered, points are written at once for 250 ms. Each further time this
 * doubles, up to 4 s. Times are of the monotonic clock.
 */
export class WriteDelay {
  #offUntilMs = Number.NEGATIVE_INFINITY;
  #pauseMs = 0;
  /** The last delay was useless. One alone is an accident: the server, or this machine, was busy. */
  #hasFailed = false;

  /** Points are written at once now. */
  isOff(nowMs: number): boolean {
    return nowMs < this.#offUntilMs;
  }

  /** Points were not delivered within the delay. */
  failed(nowMs: number): void {
    if (!this.#hasFailed) {
      this.#hasFailed = true;
      return;
    }
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, this.#pauseMs * 2));
    this.#offUntilMs = nowMs + this.#pauseMs;
  }

  /** Points were delivered before they were written. */
  succeeded(): void {
    this.#hasFailed = false;
    this.#pauseMs = 0;
  }
}
