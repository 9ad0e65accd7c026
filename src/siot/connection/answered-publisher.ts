import type { AnswerReceiver, Connection } from './connection.js';

/** Publishes messages that are answered. If a store answers, this is a {@link Connection}. */
export interface AnsweredPublisher {
  /** Returns a token that identifies the answers; there may be several. Throws as {@link Connection.publish} does. */
  publish(subject: string, payload: Uint8Array, receiver: AnswerReceiver): number;
  /** Ignores further answers with that token. */
  forget(token: number): void;
}

const TAKEN = new Uint8Array(0);

/** For use without a store: NATS answers a publish when it has processed it. */
export class ConfirmedByNats implements AnsweredPublisher {
  #lastToken = 0;
  readonly #asked = new Map<number, AnswerReceiver>();
  #asking = false;

  constructor(private readonly connection: Connection) {}

  publish(subject: string, payload: Uint8Array, receiver: AnswerReceiver): number {
    this.connection.publish(subject, payload);
    const token = ++this.#lastToken;
    this.#asked.set(token, receiver);
    this.#confirm();
    return token;
  }

  forget(token: number): void {
    this.#asked.delete(token);
  }

  // One PING at a time: what is published meanwhile is confirmed by the next.
  #confirm(): void {
    if (this.#asking || this.#asked.size === 0) return;
    this.#asking = true;
    const tokens = [...this.#asked.keys()];
    this.connection.barrier((processed) => {
      this.#asking = false;
      for (const token of tokens) {
        const receiver = this.#asked.get(token);
        this.#asked.delete(token);
        receiver?.answered(token, processed ? TAKEN : 'lost');
      }
      this.#confirm();
    });
  }
}
