import type { Socket } from 'node:net';
import type { Clock } from '../point/clock.js';
import type { ByteChannel, ChannelEvents, TransportError } from './transport.js';

/** Bytes queued at which write() says false: some frames of ordinary size, one or two large ones. */
export const HIGH_WATER_BYTES = 8192;

/** A tty gives at most 4 KiB at once and a socket is read again at once: more would only be cold memory. */
const READ_BUFFER_BYTES = 16384;

/** How long bytes that were written before close() may take to leave, in ms. */
export const CLOSE_GRACE_MS = 500;

/** Where bytes go that were read. */
interface ByteSink {
  /** The buffer is used again after the call. */
  data(chunk: Uint8Array): void;
}

/**
 * Takes what a socket reads into one buffer that is used again and again:
 * a small packet costs no allocation of 64 KiB and none of the stream's
 * machinery. Node wants it before there is a channel, so it is handed over
 * when the channel exists.
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
        this.#sink?.data(buffer.subarray(0, length));
        return true;
      },
    };
  }

  /** undefined: what comes is thrown away. */
  handOver(sink: ByteSink | undefined): void {
    this.#sink = sink;
  }
}

export interface SocketChannelParts {
  /** Made with `inbox.onread` and `highWaterMark: HIGH_WATER_BYTES`; not read yet. */
  readonly socket: Socket;
  readonly inbox: SocketInbox;
  readonly events: ChannelEvents<Uint8Array>;
  readonly clock: Clock;
  /** What the other side's end, or an error of the socket, means to people. */
  readonly explain: (error: Error | undefined) => TransportError;
  /** What is left to do when the socket is closed; waits at most `graceMs` for the device. Never rejects. */
  readonly release: (graceMs: number) => Promise<void>;
  /** Told once the channel is in the caller's hands. */
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
  readonly #released: Promise<void>;

  constructor(parts: SocketChannelParts) {
    this.#parts = parts;
    this.#socket = parts.socket;
    this.#released = new Promise((resolve) => {
      this.#socket.once('close', () => {
        this.#ended = true;
        parts.inbox.handOver(undefined);
        // After a hang-up there is nobody left who could take what is unsent.
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
    // Whoever opens gets the channel before the first event (Transport.open).
    setImmediate(() => this.#begin());
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closing || this.#ended || this.#socket.destroyed) return false;
    // The stream tries the system call at once; it queues what the system does not take.
    return this.#socket.write(bytes);
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
      this.#parts.inbox.handOver(undefined);
      this.#leave();
    }
    return this.#released;
  }

  #begin(): void {
    if (this.#closing || this.#ended) return;
    const { events, inbox, warnings } = this.#parts;
    inbox.handOver(events);
    for (const warning of warnings) events.warning(warning);
    this.#socket.resume();
  }

  /** Lets what is queued go out, as long as that takes no longer than the grace. */
  #leave(): void {
    const socket = this.#socket;
    if (socket.writableLength === 0) {
      socket.destroySoon();
      return;
    }
    const timer = this.#parts.clock.setTimer(CLOSE_GRACE_MS, () => socket.destroy());
    socket.once('close', () => timer.cancel());
    // A peer that neither reads nor ends must not hold it open.
    socket.destroySoon();
  }
}
