/** Where answers are published. */
interface ReplyQuotaHost {
  publish(subject: string, answer: Uint8Array): void;
  /** Calls back when the server has processed all that was published before, or is gone. */
  barrier(done: () => void): void;
}

/** Bytes that may be on their way. One larger answer may be sent alone. */
const MOST_BYTES = 4 * 1_048_576;
/** Bytes that an answer counts besides its own. */
const FRAME_BYTES = 256;

/**
 * Bounds the answers that the server has not processed yet: requests that come faster
 * than the server takes the answers would fill the memory.
 */
export class ReplyQuota {
  #bytes = 0;
  #asking = false;

  constructor(private readonly host: ReplyQuotaHost) {}

  /** Nothing more is answered now. Clients ask again when they get no answer. */
  get isFull(): boolean {
    return this.#bytes >= MOST_BYTES;
  }

  /** Publishes an answer, unless the quota is full. */
  reply(subject: string, answer: Uint8Array): void {
    if (this.isFull) return;
    this.host.publish(subject, answer);
    this.#bytes += answer.length + FRAME_BYTES;
    this.#confirm();
  }

  #confirm(): void {
    if (this.#asking || this.#bytes === 0) return;
    this.#asking = true;
    const bytes = this.#bytes;
    this.host.barrier(() => {
      this.#asking = false;
      this.#bytes -= bytes;
      this.#confirm();
    });
  }
}
