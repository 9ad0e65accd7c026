const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4_000;

/**
 * Whether a lane's points wait a moment in memory before they are written, since
 * they will probably be delivered first and then need no disk. Learnt from what
 * happened: after a delay that was in vain points are written at once for a
 * while, each time for twice as long (250 ms … 4 s). Times are of the monotonic clock.
 */
export class WriteDelay {
  #offUntilMs = Number.NEGATIVE_INFINITY;
  #pauseMs = 0;

  /** Points are written at once now. */
  isOff(nowMs: number): boolean {
    return nowMs < this.#offUntilMs;
  }

  /** Points were not delivered within the delay. */
  failed(nowMs: number): void {
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, this.#pauseMs * 2));
    this.#offUntilMs = nowMs + this.#pauseMs;
  }

  /** All points were delivered within it. */
  succeeded(): void {
    this.#pauseMs = 0;
  }
}
