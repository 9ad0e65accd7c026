import type { Answer, Connection } from './connection.js';

/** Takes publishes, each of which is answered. */
export interface Asker {
  /** Throws as {@link Connection.publish} does. `answered` may be called several times. */
  ask(subject: string, payload: Uint8Array, answered: (answer: Answer) => void): number;
  /** No answer to that one is wanted any more. */
  forget(token: number): void;
}

const TAKEN = new Uint8Array(0);

/** Without a store: NATS answers for it, once it has processed the publish. */
export class ConfirmedByNats implements Asker {
  #lastToken = 0;
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #asking = false;

  constructor(private readonly connection: Connection) {}

  ask(subject: string, payload: Uint8Array, answered: (answer: Answer) => void): number {
    this.connection.publish(subject, payload);
    const token = ++this.#lastToken;
    this.#asked.set(token, answered);
    this.#confirm();
    return token;
  }

  forget(token: number): void {
    this.#asked.delete(token);
  }

  // One question at a time: what is published meanwhile waits for the next.
  #confirm(): void {
    if (this.#asking || this.#asked.size === 0) return;
    this.#asking = true;
    const tokens = [...this.#asked.keys()];
    this.connection.barrier((processed) => {
      this.#asking = false;
      for (const token of tokens) {
        const answered = this.#asked.get(token);
        this.#asked.delete(token);
        answered?.(processed ? TAKEN : 'lost');
      }
      this.#confirm();
    });
  }
}
