import type { Clock } from '../../point/clock.js';

/** Size of the window at first, when nothing is known about the line. */
const FIRST_BYTES = 16 * 1024;
const LEAST_BYTES = 2 * 1024;
/** Also limits the memory when a server has stopped reading. */
const MOST_BYTES = 2 * 1024 * 1024;
/** Answers within QUICK_MS widen the window, answers after SLOW_MS narrow it. */
const QUICK_MS = 500;
const SLOW_MS = 2_000;
/** Range of the time for which the sender waits for an answer, ms. */
const LEAST_TIMEOUT_MS = 5_000;
const MOST_TIMEOUT_MS = 60_000;

/**
 * How many bytes may be published and not answered yet, and how long an answer may
 * take. Both are learnt from the answers.
 *
 * On a line of 2 KB/s a megabyte would take minutes. The connection would seem to be dead,
 * and would be closed. Then the megabyte would be sent again, without end.
 */
export class PublishWindow {
  #limit = FIRST_BYTES;
  #bytes = 0;
  #reached = false;
  #cutMs = Number.NEGATIVE_INFINITY;
  #answerTimeoutMs = LEAST_TIMEOUT_MS;

  constructor(private readonly clock: Clock) {}

  /** Whether more may be published now. */
  get open(): boolean {
    return this.#bytes < this.#limit;
  }

  /** An answer that takes longer is late, ms: from 5,000 to 60,000. It may still come. */
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
      // This message was sent before the window was last narrowed: it is no reason to narrow it again.
      if (nowMs - tookMs < this.#cutMs) return;
      this.#cutMs = nowMs;
      this.#limit = Math.max(LEAST_BYTES, this.#limit / 2);
      this.#reached = false;
    } else if (tookMs < QUICK_MS && this.#reached) {
      this.#limit = Math.min(MOST_BYTES, this.#limit + bytes);
    }
  }

  /** The sender does not wait for an answer any more. */
  givenUp(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** An answer has come after the sender had given it up. */
  late(tookMs: number): void {
    this.#learn(tookMs);
  }

  /** Nothing is unanswered any more, since another sender begins, perhaps on another line. */
  restart(): void {
    this.#bytes = 0;
    this.#limit = FIRST_BYTES;
    this.#reached = false;
    this.#cutMs = Number.NEGATIVE_INFINITY;
  }

  // The timeout is twice the time of the slowest answer. Quicker answers reduce it slowly.
  #learn(tookMs: number): void {
    const wanted = Math.min(MOST_TIMEOUT_MS, Math.max(LEAST_TIMEOUT_MS, 2 * tookMs));
    this.#answerTimeoutMs =
      wanted > this.#answerTimeoutMs
        ? wanted
        : this.#answerTimeoutMs + (wanted - this.#answerTimeoutMs) / 64;
  }
}
