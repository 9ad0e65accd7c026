import { errors, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { backoffMs } from './backoff.js';
import { connectionProblem } from './connection-problem.js';
import { Denials } from './denials.js';
import { Dialer } from './dialer.js';
import { KeepAlive } from './keep-alive.js';
import { PublishBuffer, commandsOf } from './publish-buffer.js';
import { limitReading, socketOf } from './read-limiter.js';
import { ReplyInbox, type Answer, type AnswerReceiver } from './reply-inbox.js';
import { settingsOf, type NatsSettings, type NatsSource } from './nats-settings.js';

export type { Answer, AnswerReceiver } from './reply-inbox.js';

/** What {@link Connection.state} is. `problem`: why there is no connection, for people. */
export type ConnectionState =
  | { readonly name: 'connecting'; readonly problem?: string }
  | { readonly name: 'connected' }
  /** The server refuses the credentials. They are tried again, since the server may be reconfigured. */
  | { readonly name: 'refused'; readonly problem: string }
  | { readonly name: 'closed' };

/** A message on a subject that is subscribed to. */
export interface Incoming {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Subject for an answer; blank: the sender wants no answer. */
  readonly reply: string;
}

/** What a {@link Connection} needs, and callbacks for its events. */
export interface ConnectionOptions {
  readonly settings: NatsSource;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly onState: (state: ConnectionState) => void;
  /**
   * NATS does not permit publishing on `subject`, and has dropped a message. Blank: it does
   * not permit a subscription.
   */
  readonly onDenied?: (subject: string) => void;
  /** Pause between two PINGs, and time that the answer may take, ms. By default 5,000 and 10,000. */
  readonly pingEveryMs?: number;
  readonly pongWithinMs?: number;
}

/** There is no connection, and nothing was sent. */
export class NotConnectedError extends Error {
  override readonly name = 'NotConnectedError';
  constructor() {
    super('there is no connection to NATS');
  }
}

/** The message is larger than the server accepts. The server would close the connection because of it. */
class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
  constructor(bytes: number, mostBytes: number) {
    super(
      `it has ${String(bytes)} bytes, and this nats-server takes ${String(mostBytes)} at most (its max_payload)`,
    );
  }
}

const RETRY = { firstMs: 100, maxMs: 5_000 };
const PING_EVERY_MS = 5_000;
const PONG_WITHIN_MS = 10_000;
const FLUSHED_WITHIN_MS = 500;
/** A connection that ends within this time counts as a failed dial: the pause before the next dial is longer. */
const STEADY_MS = 1_000;

/** A subscription that is made again on each connection. */
interface Standing {
  readonly subject: string;
  readonly heard: (message: Incoming) => void;
  active: Subscription | undefined;
}

/**
 * The connection to NATS. The server is dialled again and again, without end. Each dial
 * makes a new connection of the client library.
 *
 * The client library's own reconnecting is not used: it accepts publishes while there
 * is no connection, and loses them silently. Here they throw a
 * {@link NotConnectedError}, and each loss of the connection is a change of state.
 * Subscriptions are made again on each connection.
 *
 * Subscriptions do not get what was published here (no-echo of NATS).
 */
export class Connection {
  readonly #options: ConnectionOptions;
  #state: ConnectionState = { name: 'connecting' };
  #started = false;
  #nats: NatsConnection | undefined;
  #buffer: PublishBuffer | undefined;
  #failures = 0;
  #upMs = 0;
  readonly #dialer: Dialer;
  /** Settings of the last dial. */
  #settings: NatsSettings = { servers: [] };
  #retry: Timer | undefined;
  #keepAlive: KeepAlive | undefined;
  readonly #standing = new Set<Standing>();
  readonly #inbox = new ReplyInbox();
  readonly #barriers = new Set<(processed: boolean) => void>();
  #said = '';
  /** PINGs that the server has answered. */
  #confirmed = 0;
  readonly #denials: Denials;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#dialer = new Dialer(options.clock);
    this.#denials = new Denials(options.clock);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get connected(): boolean {
    return this.#nats !== undefined;
  }

  /** Host and port of the server that we are connected to. In a cluster it may be any of its servers. */
  get server(): string | undefined {
    return this.#nats?.getServer();
  }

  /** Longest payload that the server takes, bytes; `undefined`: there is no connection. */
  get maxPayload(): number | undefined {
    return this.#nats?.info?.max_payload;
  }

  /**
   * Takes messages that need neither a reply nor a check of their own. They are sent with its
   * `send`, and before all that is published or asked here afterwards. What was added when
   * the connection ends is lost: the barrier after it says so. `undefined`: there is none.
   */
  get buffer(): PublishBuffer | undefined {
    return this.#buffer;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    void this.#dial();
  }

  /** What NATS has not permitted in the last 90 s, for people; blank: nothing. */
  get denied(): string {
    return this.#denials.text;
  }

  /**
   * Publishes a message. With a `receiver`, it has a reply subject of its own. Returns
   * the token of the answers: a store may answer twice (docs/siot.md, 4.4), so the caller
   * has to end them with {@link forget}. Throws a {@link NotConnectedError}, a
   * {@link TooLargeError}, or the library's own error for an invalid subject.
   */
  publish(subject: string, payload: Uint8Array, receiver?: AnswerReceiver): number {
    const nats = this.#nats;
    if (nats === undefined) throw new NotConnectedError();
    const most = nats.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (payload.length > most) throw new TooLargeError(payload.length, most);
    const token = receiver === undefined ? 0 : this.#inbox.newToken();
    this.#buffer?.send();
    try {
      if (receiver === undefined) nats.publish(subject, payload);
      else nats.publish(subject, payload, { reply: this.#inbox.subjectOf(token) });
    } catch (error) {
      // The library may have closed the connection without having told us yet. Then the
      // message is not the cause of the error.
      throw nats.isClosed() || nats.isDraining() ? new NotConnectedError() : error;
    }
    if (receiver !== undefined) this.#inbox.expect(token, receiver);
    return token;
  }

  forget(token: number): void {
    this.#inbox.forget(token);
  }

  /**
   * Resolves to the first answer to a request. Never rejects. `late` is called with an
   * answer that comes after `withinMs`. This works for the last 16 requests that have timed
   * out on this connection.
   */
  request(
    subject: string,
    payload: Uint8Array,
    withinMs: number,
    late?: (answer: Answer) => void,
  ): Promise<Answer> {
    return new Promise((resolve) => {
      let token = 0;
      let inTime = true;
      const timer = this.#options.clock.setTimer(withinMs, () => {
        inTime = false;
        if (late === undefined) this.forget(token);
        else this.#inbox.timedOut(token);
        resolve('timeout');
      });
      try {
        token = this.publish(subject, payload, {
          answered: (asked, answer) => {
            timer.cancel();
            this.forget(asked);
            if (inTime) resolve(answer);
            else late?.(answer);
          },
        });
      } catch (error) {
        timer.cancel();
        if (!(error instanceof NotConnectedError)) {
          this.#options.log.warn({ subject }, `NATS did not take a request: ${messageOf(error)}`);
        }
        resolve(error instanceof TooLargeError ? 'tooLarge' : 'lost');
      }
    });
  }

  /** Calls back when the server has processed everything that was published before; `false`: the connection is lost. */
  barrier(done: (processed: boolean) => void): void {
    const nats = this.#nats;
    if (nats === undefined) {
      done(false);
      return;
    }
    this.#buffer?.send();
    this.#barriers.add(done);
    const settle = (processed: boolean): void => {
      if (this.#barriers.delete(done)) done(processed);
    };
    nats.flush().then(
      // In the next turn of the loop: before that, the library reports what NATS has denied before the PONG.
      () => {
        this.#confirmed += 1;
        setImmediate(() => settle(this.#nats === nats));
      },
      () => settle(false),
    );
  }

  /** Calls `heard` for each message, on every connection, until the returned function is called. */
  subscribe(subject: string, heard: (message: Incoming) => void): () => void {
    const standing: Standing = { subject, heard, active: undefined };
    this.#standing.add(standing);
    if (this.#nats !== undefined) this.#activate(this.#nats, standing);
    return () => {
      if (!this.#standing.delete(standing)) return;
      if (this.#nats !== undefined) standing.active?.unsubscribe();
      standing.active = undefined;
    };
  }

  /** Sends what is buffered, for 500 ms at most, and closes for good. Idempotent. */
  async close(): Promise<void> {
    if (this.#state.name === 'closed') return;
    const nats = this.#nats;
    this.#retry?.cancel();
    this.#dialer.stop();
    if (nats !== undefined) {
      await new Promise<void>((resolve) => {
        const enough = this.#options.clock.setTimer(FLUSHED_WITHIN_MS, resolve);
        this.barrier(() => {
          enough.cancel();
          resolve();
        });
      });
    }
    this.#lose(nats);
    this.#setState({ name: 'closed' });
    await nats?.close().catch(() => undefined);
  }

  async #dial(): Promise<void> {
    let nats: NatsConnection;
    try {
      this.#settings = settingsOf(this.#options.settings);
      nats = await this.#dialer.dial(this.#settings);
    } catch (error) {
      this.#failed(error);
      return;
    }
    if (this.#state.name === 'closed') {
      await nats.close().catch(() => undefined);
      return;
    }
    this.#up(nats);
    const cause = await nats.closed();
    this.#down(nats, cause);
  }

  #up(nats: NatsConnection): void {
    const log = this.#options.log;
    this.#watchErrors(nats).catch(() => undefined);
    const socket = socketOf(nats);
    if (socket !== undefined) limitReading(socket, this.#options.clock);
    this.#nats = nats;
    this.#buffer = bufferOf(nats);
    this.#upMs = this.#options.clock.monotonicMs();
    this.#said = '';
    this.#dialer.discover(nats);
    this.#activateInbox(nats, this.#inbox.restart());
    for (const standing of this.#standing) this.#activate(nats, standing);
    log.info({ server: this.server }, 'connected to NATS');
    this.#setState({ name: 'connected' });
    this.#keepAlive = this.#keepAliveOf(nats);
  }

  #keepAliveOf(nats: NatsConnection): KeepAlive {
    const { clock, pingEveryMs = PING_EVERY_MS, pongWithinMs = PONG_WITHIN_MS } = this.#options;
    return new KeepAlive(clock, pingEveryMs, pongWithinMs, {
      barrier: (done) => this.barrier(done),
      signsOfLife: () => nats.stats().inMsgs + this.#confirmed,
      alive: () => this.#dialer.discover(nats),
      silent: () => {
        this.#lose(nats);
        this.#failed(new Error(`no sign of life within ${String(pongWithinMs)} ms`));
        nats.close().catch(() => undefined);
      },
    });
  }

  #down(nats: NatsConnection, cause: unknown): void {
    if (this.#nats !== nats) return;
    this.#lose(nats);
    this.#failed(cause ?? new Error('the server closed the connection'));
  }

  #failed(cause: unknown): void {
    if (this.#state.name === 'closed') return;
    const { refused, text } = connectionProblem(cause, this.#settings);
    this.#failures += 1;
    const afterMs = backoffMs(this.#failures, RETRY, this.#options.random());
    const { log } = this.#options;
    if (text === this.#said) log.debug({ attempt: this.#failures }, text);
    else log.warn({}, `${text}; trying again`);
    this.#said = text;
    this.#retry = this.#options.clock.setTimer(afterMs, () => void this.#dial());
    this.#setState(
      refused ? { name: 'refused', problem: text } : { name: 'connecting', problem: text },
    );
  }

  #lose(nats: NatsConnection | undefined): void {
    if (nats === undefined) return;
    this.#nats = undefined;
    this.#buffer = undefined;
    this.#keepAlive?.stop();
    this.#denials.clear();
    const { clock } = this.#options;
    if (clock.monotonicMs() - this.#upMs >= STEADY_MS) this.#failures = 0;
    for (const standing of this.#standing) standing.active = undefined;
    const lost = this.#inbox.takeAll();
    const barriers = [...this.#barriers];
    this.#barriers.clear();
    for (const [token, receiver] of lost) receiver.answered(token, 'lost');
    // The library never settles the flush() of a closed connection.
    for (const done of barriers) done(false);
  }

  // Callbacks of the library must not throw: the library would stop reading, while the
  // connection still seems to be alive.
  #failedIn(error: unknown): void {
    this.#options.log.error({ error }, `a message could not be processed: ${messageOf(error)}`);
  }

  #activateInbox(nats: NatsConnection, prefix: string): void {
    nats.subscribe(`${prefix}*`, {
      callback: (error, message) => {
        if (error !== null) {
          this.#denials.tryAgain(() => this.#activateInbox(nats, prefix));
          return;
        }
        const { subject, data } = message;
        const token = Number(subject.slice(prefix.length));
        const isUnheard = data.length === 0 && message.headers?.code === 503;
        try {
          this.#inbox.answered(token, isUnheard ? 'noResponders' : data);
        } catch (thrown) {
          this.#failedIn(thrown);
        }
      },
    });
  }

  #activate(nats: NatsConnection, standing: Standing): void {
    standing.active = nats.subscribe(standing.subject, {
      callback: (error, message) => {
        if (!this.#standing.has(standing)) return;
        if (error !== null) {
          standing.active = undefined;
          this.#denials.tryAgain(() => {
            if (this.#standing.has(standing)) this.#activate(nats, standing);
          });
          return;
        }
        const { subject, data } = message;
        try {
          standing.heard({ subject, data, reply: message.reply ?? '' });
        } catch (thrown) {
          this.#failedIn(thrown);
        }
      },
    });
  }

  async #watchErrors(nats: NatsConnection): Promise<void> {
    for await (const status of nats.status()) {
      if (status.type === 'ldm') {
        this.#options.log.warn({}, 'NATS is about to shut down, and says so');
      }
      if (status.type === 'error') this.#heardError(nats, status.error);
    }
  }

  #heardError(nats: NatsConnection, error: Error): void {
    const { log, onDenied } = this.#options;
    const isDenial = error instanceof errors.PermissionViolationError;
    // NATS reports a missing permission for each message: only the first report is a warning.
    const text = isDenial ? this.#denials.heard(error) : `NATS: ${error.message}`;
    if (text === this.#said) log.debug({}, text);
    else log.warn({}, text);
    this.#said = text;
    if (isDenial && this.#nats === nats) {
      onDenied?.(error.operation === 'publish' ? error.subject : '');
    }
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.#options.onState(state);
  }
}

function bufferOf(nats: NatsConnection): PublishBuffer | undefined {
  const commands = commandsOf(nats);
  if (commands === undefined) return undefined;
  return new PublishBuffer((messages) => {
    if (!nats.isClosed()) commands(messages);
  }, nats.info?.max_payload ?? 0);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
