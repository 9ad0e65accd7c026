import { createInbox } from '@nats-io/transport-node';

/** The answer to a request, or why there is none. `tooLarge`: the request was not sent. */
export type Answer = Uint8Array | 'noResponders' | 'timeout' | 'lost' | 'tooLarge';

/** Gets the answers to messages that it has published with {@link Connection.publish}. */
export interface AnswerReceiver {
  /**
   * Called for every reply, and once with `lost` if the connection ends first. `token`: the
   * one that publishing returned.
   */
  answered(token: number, answer: Answer): void;
}

/** Number of requests that have timed out and whose late answer is still accepted. */
const MOST_LATE = 16;

/** The receivers that wait for replies, each on a subject of its own. */
export class ReplyInbox {
  #prefix = '';
  #lastToken = 0;
  readonly #asked = new Map<number, AnswerReceiver>();
  /** Tokens of requests that have timed out. */
  readonly #late = new Set<number>();

  /**
   * Begins a new inbox, since each connection has its own: answers to requests of an
   * earlier connection do not arrive in it. Returns the prefix of its subjects.
   */
  restart(): string {
    this.#prefix = `${createInbox()}.`;
    return this.#prefix;
  }

  newToken(): number {
    return ++this.#lastToken;
  }

  /** The subject of the replies for a token. */
  subjectOf(token: number): string {
    return `${this.#prefix}${String(token)}`;
  }

  expect(token: number, receiver: AnswerReceiver): void {
    this.#asked.set(token, receiver);
  }

  answered(token: number, answer: Answer): void {
    this.#asked.get(token)?.answered(token, answer);
  }

  forget(token: number): void {
    this.#asked.delete(token);
    this.#late.delete(token);
  }

  /** The request has timed out. A late answer is still accepted, for the last 16 of these. */
  timedOut(token: number): void {
    this.#late.add(token);
    const [eldest] = this.#late;
    if (this.#late.size > MOST_LATE && eldest !== undefined) this.forget(eldest);
  }

  /** Removes and returns all waiting receivers, since their answers will not come. */
  takeAll(): [token: number, receiver: AnswerReceiver][] {
    const all = [...this.#asked];
    this.#asked.clear();
    this.#late.clear();
    return all;
  }
}
