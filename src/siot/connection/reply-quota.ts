/**
 * Answers on their way to the server. Whoever asks faster than the server takes
 * answers must not fill the memory with them: they wait in the socket's queue.
 */
interface ReplyQuotaHost {
  publish(subject: string, answer: Uint8Array): void;
  /** Calls back when the server has taken all that was published before, or is gone. */
  barrier(done: () => void): void;
}

/** So many bytes may be on their way; a single larger answer goes alone. */
const MOST_BYTES = 4 * 1_048_576;
/** What an answer costs besides its bytes. */
const FRAME_BYTES = 256;

export class ReplyQuota {
  #bytes = 0;
  #asking = false;

  constructor(private readonly host: ReplyQuotaHost) {}

  /** More than can be answered is on its way: whoever asks now gets no answer, and will ask again. */
  get isFull(): boolean {
    return this.#bytes >= MOST_BYTES;
  }

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
