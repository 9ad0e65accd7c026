import type { Clock, Timer } from '../../point/clock.js';
import { NotConnectedError } from '../connection/connection.js';
import { MessageStart, type PublishBuffer } from '../connection/publish-buffer.js';
import { Queue } from './queue.js';

/** The connection on which it publishes. */
export interface BestEffortHost {
  readonly connected: boolean;
  /** Takes messages that go out together; `undefined`: there is none, and each is published alone. */
  readonly buffer?: PublishBuffer | undefined;
  publish(subject: string, payload: Uint8Array): void;
  /** Calls back when the server has processed everything that was published before; `false`: the connection is lost. */
  barrier(done: (processed: boolean) => void): void;
}

/** Whose messages are published: a node. */
export interface BestEffortSource {
  /** Where its messages go now; `undefined`: it is not known yet, and they wait. May ask for it. */
  subject(): string | undefined;
  /** Messages of it were thrown away. `why`: for people. */
  dropped(messages: number, why: string): void;
}

/** Bytes that the server has not confirmed: enough for some 10 MB/s, little to lose with the connection. */
const MOST_UNCONFIRMED = 512 * 1024;
/** With so many bytes since the last question the server is asked at once whether it has processed them… */
const ASK_AT = 128 * 1024;
/** …and otherwise after this time, ms: a question and its answer cost as much as a message. */
const ASK_AFTER_MS = 50;
/**
 * Least time from one write to the next, ms, unless much waits: of a stream several packets
 * leave together, since a write costs more than the rest of their way. What comes alone
 * does not wait.
 */
const WRITE_EVERY_MS = 4;
const MUCH = 32 * 1024;
/** Bytes that are added to the size of each message. */
const MESSAGE_BYTES = 128;

const BEHIND = 'NATS is away or slower than the device: the newest are kept (highRate.maxBytes)';
const NO_SUBJECT = 'it is not known yet where they go: set highRateNode if there is no SIOT';
const LOST = 'the connection to NATS was lost before it had confirmed them';

const NOTHING = new Uint8Array(0);

/** What waits of one source. */
interface Waiting {
  readonly messages: Queue<Uint8Array>;
  bytes: number;
  /** Of the last subject. */
  subject: string;
  start: MessageStart | undefined;
}

/**
 * Publishes messages beside the outbox, best effort: nothing is kept on disk, nothing is
 * sent twice, and of what NATS does not take in time the newest are kept, within a budget
 * for all sources together. When that is used up, the source that has most in it loses its
 * oldest message: one device takes no room from another.
 *
 * What comes in a turn of the event loop leaves in one write, and of a dense stream what
 * comes in some ms.
 */
export class BestEffortPublisher {
  readonly #waiting = new Map<BestEffortSource, Waiting>();
  #waitingBytes = 0;
  #unconfirmedBytes = 0;
  /** Published since the last barrier. */
  #published = new Map<BestEffortSource, number>();
  #publishedBytes = 0;
  #asking = false;
  #askTimer: Timer | undefined;
  #isDue = false;
  #writeTimer: Timer | undefined;
  #writtenMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly host: BestEffortHost,
    /** Budget for what waits and for what NATS has not confirmed yet, bytes. */
    private readonly maxBytes: number,
    private readonly clock: Clock,
    private readonly nextTurn: (then: () => void) => void = (then) => void setImmediate(then),
  ) {}

  /** Hot. The payload must not be changed afterwards. */
  put(source: BestEffortSource, payload: Uint8Array): void {
    let waiting = this.#waiting.get(source);
    if (waiting === undefined) {
      waiting = { messages: new Queue(), bytes: 0, subject: '', start: undefined };
      this.#waiting.set(source, waiting);
    }
    waiting.messages.push(payload);
    const bytes = payload.length + MESSAGE_BYTES;
    waiting.bytes += bytes;
    this.#waitingBytes += bytes;
    if (this.#waitingBytes + this.#unconfirmedBytes > this.maxBytes) this.#makeRoom();
    if (this.#writeTimer === undefined || this.#waitingBytes >= MUCH) this.#publishSoon();
  }

  /** The connection is there again, or a subject is known now. */
  goOn(): void {
    if (this.#waitingBytes > 0) this.#publishSoon();
  }

  /** Publishes what can be published now, and forgets the source. */
  forget(source: BestEffortSource): void {
    this.flush();
    const waiting = this.#waiting.get(source);
    if (waiting === undefined) return;
    this.#waitingBytes -= waiting.bytes;
    this.#waiting.delete(source);
  }

  /** Publishes what can be published now, and asks nothing more. */
  stop(): void {
    this.flush();
    this.#askTimer?.cancel();
  }

  /** Publishes what can be published now. */
  flush(): void {
    this.#writeTimer?.cancel();
    this.#writeTimer = undefined;
    if (!this.host.connected) return;
    this.#writtenMs = this.clock.monotonicMs();
    // In turn, so that a source that has much does not keep the others waiting.
    let rest = [...this.#waiting.keys()];
    while (rest.length > 0) rest = rest.filter((source) => this.#publishOne(source));
    this.host.buffer?.send();
    this.#confirm();
  }

  #publishSoon(): void {
    if (this.#isDue) return;
    const waitsMs = this.#writtenMs + WRITE_EVERY_MS - this.clock.monotonicMs();
    if (waitsMs > 0 && this.#waitingBytes < MUCH) {
      this.#writeTimer ??= this.clock.setTimer(waitsMs, () => this.flush());
      return;
    }
    this.#isDue = true;
    this.nextTurn(() => {
      this.#isDue = false;
      this.flush();
    });
  }

  get #isWindowFull(): boolean {
    return this.#unconfirmedBytes >= Math.min(MOST_UNCONFIRMED, this.maxBytes / 2);
  }

  /** False: it has nothing that can be published now. */
  #publishOne(source: BestEffortSource): boolean {
    const waiting = this.#waiting.get(source);
    const subject = source.subject();
    if (waiting === undefined || subject === undefined || this.#isWindowFull) return false;
    const payload = waiting.messages.shift();
    if (payload === undefined) return false;
    try {
      if (!this.#buffered(waiting, subject, payload)) this.host.publish(subject, payload);
    } catch (error) {
      if (error instanceof NotConnectedError) {
        waiting.messages.unshift(payload);
        return false;
      }
      this.#taken(waiting, payload);
      source.dropped(1, error instanceof Error ? error.message : String(error));
      return true;
    }
    const bytes = this.#taken(waiting, payload);
    this.#unconfirmedBytes += bytes;
    this.#publishedBytes += bytes;
    this.#published.set(source, (this.#published.get(source) ?? 0) + 1);
    return true;
  }

  /** False: it has to be published alone. */
  #buffered(waiting: Waiting, subject: string, payload: Uint8Array): boolean {
    const { buffer } = this.host;
    if (buffer === undefined) return false;
    if (subject !== waiting.subject) {
      waiting.subject = subject;
      waiting.start = MessageStart.of(subject, NOTHING);
    }
    const at = waiting.start && buffer.add(waiting.start, payload.length);
    if (at === undefined) return false;
    buffer.bytes.set(payload, at);
    return true;
  }

  /** A message does not wait any more. Returns what it counted. */
  #taken(waiting: Waiting, { length }: Uint8Array): number {
    const bytes = length + MESSAGE_BYTES;
    waiting.bytes -= bytes;
    this.#waitingBytes -= bytes;
    return bytes;
  }

  #makeRoom(): void {
    while (this.#waitingBytes + this.#unconfirmedBytes > this.maxBytes && this.#waitingBytes > 0) {
      let most: [BestEffortSource, Waiting] | undefined;
      for (const one of this.#waiting) {
        if (most === undefined || one[1].bytes > most[1].bytes) most = one;
      }
      if (most === undefined) return;
      const [source, waiting] = most;
      const oldest = waiting.messages.shift();
      if (oldest === undefined) return;
      this.#taken(waiting, oldest);
      const isUnknown = this.host.connected && source.subject() === undefined;
      source.dropped(1, isUnknown ? NO_SUBJECT : BEHIND);
    }
  }

  #confirm(): void {
    if (this.#asking || this.#publishedBytes === 0) return;
    if (this.#publishedBytes < ASK_AT && !this.#isWindowFull) {
      this.#askTimer ??= this.clock.setTimer(ASK_AFTER_MS, () => this.#ask());
      return;
    }
    this.#ask();
  }

  #ask(): void {
    this.#askTimer?.cancel();
    this.#askTimer = undefined;
    this.#asking = true;
    const published = this.#published;
    const bytes = this.#publishedBytes;
    this.#published = new Map();
    this.#publishedBytes = 0;
    this.host.barrier((processed) => {
      this.#asking = false;
      this.#unconfirmedBytes -= bytes;
      if (!processed) for (const [source, count] of published) source.dropped(count, LOST);
      // What was published meanwhile is confirmed next.
      this.#confirm();
      this.goOn();
    });
  }
}
