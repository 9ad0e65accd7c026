/** One connection to the gateway's socket: a request, and its answers. See protocol.ts. */
import type { Socket } from 'node:net';
import { z } from 'zod';
import type { Clock, Timer } from '../../../point/clock.js';
import type { Log } from '../../../point/log.js';
import type { Refused } from '../control.js';
import {
  json,
  NOT_UNDERSTOOD,
  readRequest,
  type StreamAsker,
  type VerbHandler,
} from '../verbs/verb.js';
import { LARGEST_ANSWER, LONGEST_REQUEST } from './protocol.js';

/** How long a request may take to arrive. */
const REQUEST_WITHIN_MS = 10_000;
/** How long answers may wait to be read: somebody may have stopped the terminal's output to read it. */
const READ_WITHIN_MS = 600_000;

const NEWLINE = '\n'.charCodeAt(0);

const verbRequest = z.looseObject({ verb: z.string() });

/** What a connection needs of its server. */
interface SocketParts {
  readonly handlers: ReadonlyMap<string, VerbHandler<StreamAsker>>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Serves one connection, until one of its ends closes it. */
export class SocketConnection implements StreamAsker {
  onReady: (() => void) | undefined;
  readonly #gone = new AbortController();
  /** The request as far as it has come; `undefined`: it is complete, or refused. */
  #chunks: Buffer[] | undefined = [];
  #length = 0;
  #timer: Timer;

  constructor(
    private readonly socket: Socket,
    private readonly parts: SocketParts,
  ) {
    this.#timer = this.#destroyAfter(REQUEST_WITHIN_MS);
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('drain', () => {
      if (!socket.writable) return;
      this.#timer.cancel();
      this.onReady?.();
    });
    socket.on('error', () => socket.destroy());
    socket.on('end', () => this.end());
    socket.on('close', () => {
      this.end();
      this.#timer.cancel();
    });
  }

  get until(): AbortSignal {
    return this.#gone.signal;
  }

  get isReady(): boolean {
    return !this.socket.writableNeedDrain;
  }

  reply(answer: Uint8Array): void {
    const { socket } = this;
    if (!socket.writable) return;
    if (socket.writableLength > LARGEST_ANSWER) {
      socket.destroy();
      return;
    }
    const wasReady = this.isReady;
    socket.cork();
    socket.write(answer);
    socket.write('\n');
    socket.uncork();
    if (!wasReady || !socket.writableNeedDrain) return;
    this.#timer.cancel();
    this.#timer = this.#destroyAfter(READ_WITHIN_MS);
  }

  /** Ends the request; answers that were given are still sent. Idempotent. */
  end(): void {
    if (this.until.aborted) return;
    this.onReady = undefined;
    this.#gone.abort();
    this.socket.end();
    this.#timer.cancel();
    this.#timer = this.#destroyAfter(READ_WITHIN_MS);
  }

  destroy(): void {
    this.socket.destroy();
  }

  #destroyAfter(ms: number): Timer {
    return this.parts.clock.setTimer(ms, () => this.socket.destroy());
  }

  #read(chunk: Buffer): void {
    const chunks = this.#chunks;
    // What follows the request is not read.
    if (chunks === undefined) return;
    const end = chunk.indexOf(NEWLINE);
    chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
    this.#length += chunk.length;
    if (this.#length > LONGEST_REQUEST) {
      this.#chunks = undefined;
      this.#refuse('the request is too long');
    } else if (end >= 0) {
      this.#chunks = undefined;
      this.#timer.cancel();
      this.#handle(Buffer.concat(chunks));
    }
  }

  #handle(request: Uint8Array): void {
    const asked = readRequest(verbRequest, request);
    if (asked === undefined) {
      this.#refuse(NOT_UNDERSTOOD.reason);
      return;
    }
    const { verb, ...rest } = asked;
    const handler = this.parts.handlers.get(verb);
    if (handler === undefined) {
      const known = [...this.parts.handlers.keys()].join(', ');
      this.#refuse(`the gateway knows no verb of that name (only ${known}): use the same version`);
      return;
    }
    (async () => handler(json(rest), this))().then(
      () => this.end(),
      (error: unknown) => {
        // An error of ours must not stop the devices.
        const reason = error instanceof Error ? error.message : String(error);
        this.parts.log.error({ verb, reason }, 'a request could not be answered');
        this.socket.destroy();
      },
    );
  }

  #refuse(reason: string): void {
    const refused: Refused = { state: 'refused', reason };
    this.reply(json(refused));
    this.end();
  }
}
