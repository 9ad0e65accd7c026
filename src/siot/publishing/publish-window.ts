import type { Clock } from '../../point/clock.js';

/** Bytes that may be on the way when nothing is known of the line. */
const FIRST_BYTES = 16 * 1024;
const LEAST_BYTES = 2 * 1024;
/** Also what a server that has stopped reading leaves in our memory. */
const MOST_BYTES = 2 * 1024 * 1024;
/** Answers that come sooner let more go out, and later ones less, in ms. */
const QUICK_MS = 500;
const SLOW_MS = 2_000;
/** How long an answer is waited for, in ms. */
const LEAST_TIMEOUT_MS = 5_000;
const MOST_TIMEOUT_MS = 60_000;

/**
 * How much may be published that is not answered yet, and how long an answer
 * may take: as much as the line and the store are found to bear.
 *
 * On a line of 2 KB/s a megabyte on the way would take so long that the
 * connection seemed dead, be given up, and be sent again, for ever.
 */
export class PublishWindow {
  #limit = FIRST_BYTES;
  #bytes = 0;
  #reached = false;
  #cutMs = Number.NEGATIVE_INFINITY;
  #answerTimeoutMs = LEAST_TIMEOUT_MS;

  constructor(private readonly clock: Clock) {}

  /** Something more may be published now. */
  get open(): boolean {
    return this.#bytes < this.#limit;
  }

  /** An answer that takes longer is late, in ms; it may still come. */
  get answerTimeoutMs(): number {
    return this.#answerTimeoutMs;
  }

  sent(bytes: number): void {
    this.#bytes += bytes;
    if (!this.open) this.#reached = true;
  }

  answered(bytes: number, tookMs: number): void {
    this.#bytes -= bytes;
    this.#learn(tookMs);
    const nowMs = this.clock.monotonicMs();
    if (tookMs > SLOW_MS) {
      // What was sent before the last cut says nothing about it.
      if (nowMs - tookMs < this.#cutMs) return;
      this.#cutMs = nowMs;
      this.#limit = Math.max(LEAST_BYTES, this.#limit / 2);
      this.#reached = false;
    } else if (tookMs < QUICK_MS && this.#reached) {
      this.#limit = Math.min(MOST_BYTES, this.#limit + bytes);
    }
  }

  /** It is not waited for any more. */
  givenUp(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** One that was given up was answered after all. */
  late(tookMs: number): void {
    this.#learn(tookMs);
  }

  /** Nothing is on the way: publishing begins anew, perhaps on another line. */
  restart(): void {
    this.#bytes = 0;
    this.#limit = FIRST_BYTES;
    this.#reached = false;
    this.#cutMs = Number.NEGATIVE_INFINITY;
  }

  // Twice the slowest; a quicker one makes it a little less.
  #learn(tookMs: number): void {
    const wanted = Math.min(MOST_TIMEOUT_MS, Math.max(LEAST_TIMEOUT_MS, 2 * tookMs));
    this.#answerTimeoutMs =
      wanted > this.#answerTimeoutMs
        ? wanted
        : this.#answerTimeoutMs + (wanted - this.#answerTimeoutMs) / 64;
  }
}
