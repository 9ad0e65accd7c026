import type { Socket } from 'node:net';
import type { Clock } from '../point/clock.js';
import type { ByteChannel, ChannelEvents, TransportError } from './transport.js';

/** Queued bytes from which write() returns false: some frames of ordinary size, or one or two large ones. */
export const HIGH_WATER_BYTES = 8192;

/** A tty gives at most 4 KiB in one read, and a socket is read again at once: more brings nothing. */
const READ_BUFFER_BYTES = 16384;

/** ms that bytes written before close() have to be sent. */
const CLOSE_GRACE_MS = 500;

/** Takes the bytes that were read. */
type ByteSink = Pick<ChannelEvents<Uint8Array>, 'data' | 'tap'>;

/**
 * The buffer that a socket reads into, used for each read. Without it, each small
 * packet would cost an allocation of 64 KiB and the work of a Node stream. Node
 * wants the buffer when the socket is made; the channel comes later, and then
 * connects its sink.
 */
export class SocketInbox {
  readonly onread: {
    buffer: Uint8Array;
    callback: (length: number, buffer: Uint8Array) => boolean;
  };
  #sink: ByteSink | undefined;

  constructor() {
    this.onread = {
      buffer: new Uint8Array(READ_BUFFER_BYTES),
      callback: (length, buffer) => {
        const sink = this.#sink;
        if (sink === undefined) return true;
        const chunk = buffer.subarray(0, length);
        if (sink.tap?.isObserved === true) sink.tap.bytes('up', chunk);
        sink.data(chunk);
        return true;
      },
    };
  }

  /** `undefined`: what is read is thrown away. */
  connect(sink: ByteSink | undefined): void {
    this.#sink = sink;
  }
}

/** What a channel over a socket is made of. */
interface SocketChannelParts {
  /** Made with `inbox.onread` and `highWaterMark: HIGH_WATER_BYTES`; nothing is read yet. */
  readonly socket: Socket;
  readonly inbox: SocketInbox;
  readonly events: ChannelEvents<Uint8Array>;
  readonly clock: Clock;
  /** The cause that `closed` reports: for an error of the socket, or `undefined` when the other side has ended. */
  readonly explain: (error: Error | undefined) => TransportError;
  /** Called when the socket is closed; waits at most `graceMs` for the device. Never rejects. */
  readonly release: (graceMs: number) => Promise<void>;
  /** Reported by `events.warning` when the caller has the channel. */
  readonly warnings: readonly string[];
}

/** Moves bytes over a socket, or over a tty, which Node treats as one. */
export class SocketChannel implements ByteChannel {
  readonly #parts: SocketChannelParts;
  readonly #socket: Socket;
  /** Set by close(): the end is ours. */
  #closing = false;
  #cause: TransportError | undefined;
  #ended = false;
  /** What is written now is collected until the present callback of the event loop ends. */
  #collects = false;
  readonly #released: Promise<void>;

  constructor(parts: SocketChannelParts) {
    this.#parts = parts;
    this.#socket = parts.socket;
    this.#released = new Promise((resolve) => {
      this.#socket.once('close', () => {
        this.#ended = true;
        parts.inbox.connect(undefined);
        // After a hang-up no device takes what is unsent.
        void parts.release(this.#closing ? CLOSE_GRACE_MS : 0).then(() => {
          parts.events.closed(
            this.#closing ? undefined : (this.#cause ?? parts.explain(undefined)),
          );
          resolve();
        });
      });
    });
    this.#socket.on('error', (error) => (this.#cause ??= parts.explain(error)));
    this.#socket.on('end', () => this.#socket.destroy());
    this.#socket.on('drain', () => {
      if (!this.#closing && !this.#ended) parts.events.drained();
    });
    // The caller gets the channel before the first event (TransportOf.open).
    setImmediate(() => this.#begin());
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closing || this.#ended || this.#socket.destroyed) return false;
    const { tap } = this.#parts.events;
    if (tap?.isObserved === true) tap.bytes('down', bytes);
    this.#collect(bytes.length);
    return this.#socket.write(bytes);
  }

  /**
   * One confirmation of NATS may acknowledge many packets: their acks go in one write(2), which
   * costs more than all the rest of an ack. What the system does not take is queued. Only that
   * may reach the limit of the queue, and not what is collected.
   */
  #collect(length: number): void {
    if (this.#collects) {
      if (this.#socket.writableLength + length < HIGH_WATER_BYTES) return;
      this.#socket.uncork();
      this.#socket.cork();
      return;
    }
    this.#collects = true;
    this.#socket.cork();
    queueMicrotask(() => {
      this.#collects = false;
      this.#socket.uncork();
    });
  }

  get queued(): number {
    return this.#ended ? 0 : this.#socket.writableLength;
  }

  pause(): void {
    if (!this.#closing && !this.#ended) this.#socket.pause();
  }

  resume(): void {
    if (!this.#closing && !this.#ended) this.#socket.resume();
  }

  close(): Promise<void> {
    if (!this.#closing && !this.#ended) {
      this.#closing = true;
      this.#parts.inbox.connect(undefined);
      this.#sendRest();
    }
    return this.#released;
  }

  #begin(): void {
    if (this.#closing || this.#ended) return;
    const { events, inbox, warnings } = this.#parts;
    inbox.connect(events);
    for (const warning of warnings) events.warning(warning);
    this.#socket.resume();
  }

  /** Sends what is queued, for at most {@link CLOSE_GRACE_MS}, and closes. */
  #sendRest(): void {
    const socket = this.#socket;
    if (socket.writableLength === 0) {
      socket.destroySoon();
      return;
    }
    const timer = this.#parts.clock.setTimer(CLOSE_GRACE_MS, () => socket.destroy());
    socket.once('close', () => timer.cancel());
    // Ends the connection also where the other side neither reads nor ends it.
    socket.destroySoon();
  }
}
