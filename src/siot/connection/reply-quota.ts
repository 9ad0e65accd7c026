/** The connection on which answers are published. */
interface ReplyQuotaHost {
  publish(subject: string, answer: Uint8Array): void;
  /** Calls back when the server has processed everything that was published before, or when the connection is lost. */
  barrier(done: () => void): void;
}

/** Maximum number of bytes of answers that the server has not processed. A single larger answer may be sent. */
const MOST_BYTES = 4 * 1_048_576;
/** Bytes that are added to the size of each answer. */
const FRAME_BYTES = 256;

/**
 * Limits the answers that the server has not processed yet. If requests arrive faster than
 * the server accepts the answers, these would fill the memory.
 */
export class ReplyQuota {
  #bytes = 0;
  #asking = false;

  constructor(private readonly host: ReplyQuotaHost) {}

  /** Whether nothing more is answered now. Clients ask again when they get no answer. */
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
