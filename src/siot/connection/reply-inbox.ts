import { createInbox } from '@nats-io/transport-node';

/** The answer to a request, or why there is none. `tooLarge`: the request was not sent. */
export type Answer = Uint8Array | 'noResponders' | 'timeout' | 'lost' | 'tooLarge';

/** Takes the answers to what it has published with {@link Connection.publish}. */
export interface AnswerReceiver {
  /** `token`: what publishing returned. Called for every reply, and once with `lost` when the connection goes first. */
  answered(token: number, answer: Answer): void;
}

/** Requests that have timed out, of which a late answer is still taken. */
const MOST_LATE = 16;

/** Who waits for replies, each on a subject of its own. */
export class ReplyInbox {
  #prefix = '';
  #lastToken = 0;
  readonly #asked = new Map<number, AnswerReceiver>();
  /** Tokens of requests that have timed out. */
  readonly #late = new Set<number>();

  /**
   * Each connection has its own inbox: answers to earlier requests do not arrive there.
   * Returns what its subjects begin with.
   */
  restart(): string {
    this.#prefix = `${createInbox()}.`;
    return this.#prefix;
  }

  newToken(): number {
    return ++this.#lastToken;
  }

  /** Where the replies for a token go. */
  subjectOf(token: number): string {
    return `${this.#prefix}${String(token)}`;
  }

  expect(token: number, receiver: AnswerReceiver): void {
    this.#asked.set(token, receiver);
  }

  answered(token: number, answer: Answer): void {
    this.#asked.get(token)?.answered(token, answer);
  }

  /** No answer with that token is wanted any more. */
  forget(token: number): void {
    this.#asked.delete(token);
    this.#late.delete(token);
  }

  /** Still takes a late answer, of the last 16 that have timed out. */
  timedOut(token: number): void {
    this.#late.add(token);
    const [eldest] = this.#late;
    if (this.#late.size > MOST_LATE && eldest !== undefined) this.forget(eldest);
  }

  /** Takes all who wait, since their answers will not come. */
  takeAll(): [token: number, receiver: AnswerReceiver][] {
    const all = [...this.#asked];
    this.#asked.clear();
    this.#late.clear();
    return all;
  }
}
