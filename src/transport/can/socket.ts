/**
 * A raw CAN socket (Linux' SocketCAN): sends from here, receives on a thread of
 * its own, so that no frame is lost while the gateway is busy.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { CanFrame } from '../frame.js';
import { CanRing, RING } from './ring.js';
import { decodeCanFrame, encodeCanFrame, encodeFilters, type CanFilter } from './wire.js';
import { LibcError, type Libc } from '../../linux/libc.js';
import { TransportError } from '../transport.js';

/** Why a socket is of no use any more. */
export type CanEnd = 'down' | 'gone' | 'io';

export interface CanSocketEvents {
  /** The frame is valid during the call only. */
  frame(frame: CanFrame): void;
  /** Once, and nothing follows; {@link CanSocket.close} is still to be called. */
  ended(end: CanEnd, detail: string): void;
}

/** `full`: neither the socket nor the interface's queue has room now; try again soon. */
export type CanSendOutcome = 'sent' | 'full' | CanEnd;

export interface CanSocket {
  /** Resolves, never rejects, when frames are read, or the socket has ended. Before, the kernel keeps a few. */
  readonly ready: Promise<void>;
  send(frame: CanFrame): CanSendOutcome;
  /**
   * The kernel throws away what none of them lets through; at most 512 (can-filters.ts).
   * Where it does not take them, the socket ends soon.
   */
  setFilters(filters: readonly CanFilter[]): void;
  /** Frames that were received and found no room, so far. */
  readonly lost: number;
  /** Resolves, never rejects, when the socket is closed. */
  close(): Promise<void>;
}

const AF_CAN = 29;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const CAN_RAW = 1;
const SOL_CAN_RAW = 101;
const OPTION = { filter: 1, errorFilter: 2, fdFrames: 5 } as const;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_MEMINFO = 55;
/** Word of SO_MEMINFO that counts frames without room. */
const MEMINFO_DROPS = 8;
const MEMINFO_WORDS = 9;
const MSG_DONTWAIT = 0x40;
/** `struct sockaddr_can` with the fields of all its users. */
const ADDRESS_BYTES = 24;
const ERRNO = {
  EAGAIN: 11,
  EINTR: 4,
  ENOMEM: 12,
  ENODEV: 19,
  ENXIO: 6,
  ENETDOWN: 100,
  ENOBUFS: 105,
};
/** Classes of error frames that change what a link can do (linux/can/error.h). */
export const ERROR_CLASS = { busOff: 0x40, restarted: 0x100 } as const;
/** Frames handed over at a stretch, before others have their turn. */
const FRAMES_AT_ONCE = 256;
/** More than any kernel allows: it gives what it may. */
const RECEIVE_BYTES = 4_194_304;
/**
 * The least there is, some six frames: a socket that may queue more would fill
 * the interface's queue (10 frames by default) for all other programs too.
 */
const SEND_BYTES = 1;

const word = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};

const newSocket = (libc: Libc): number =>
  libc.socket(AF_CAN, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, CAN_RAW);

/** Throws a `LibcError` where the kernel has no CAN; one that has it as a module loads it, if it may. */
export function requireCan(libc: Libc): void {
  libc.close(newSocket(libc));
}

/** `index`: the interface's. Throws a `LibcError`, or a `TransportError` where there is no thread. */
export function openCanSocket(libc: Libc, index: number, events: CanSocketEvents): CanSocket {
  const fd = newSocket(libc);
  let stopFd: number | undefined;
  try {
    // Nothing at all, until somebody says what it wants.
    libc.setOption(fd, SOL_CAN_RAW, OPTION.filter, new Uint8Array());
    libc.setOption(fd, SOL_CAN_RAW, OPTION.fdFrames, word(1));
    const classes = ERROR_CLASS.busOff | ERROR_CLASS.restarted;
    libc.setOption(fd, SOL_CAN_RAW, OPTION.errorFilter, word(classes));
    libc.setOption(fd, SOL_SOCKET, SO_RCVBUF, word(RECEIVE_BYTES));
    libc.setOption(fd, SOL_SOCKET, SO_SNDBUF, word(SEND_BYTES));
    const address = Buffer.alloc(ADDRESS_BYTES);
    address.writeUInt16LE(AF_CAN, 0);
    address.writeInt32LE(index, 4);
    libc.bind(fd, address);
    stopFd = libc.eventFd();
    return new RawCanSocket(libc, fd, stopFd, events);
  } catch (error) {
    libc.close(fd);
    if (stopFd === undefined) throw error;
    libc.close(stopFd);
    const message =
      'the thread that reads CAN cannot be started; is the process at its limit of threads ' +
      "(ulimit -u, TasksMax of systemd, a container's pids limit)?";
    throw new TransportError('io', message, { cause: error });
  }
}

class RawCanSocket implements CanSocket {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #stopFd: number;
  readonly #events: CanSocketEvents;
  readonly #ring = new CanRing();
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly ready: Promise<void>;
  #released: Promise<void> | undefined;
  /** What was lost until the socket was closed. */
  #lost = 0;
  #state: 'open' | 'ended' | 'closed' = 'open';

  constructor(libc: Libc, fd: number, stopFd: number, events: CanSocketEvents) {
    this.#libc = libc;
    this.#fd = fd;
    this.#stopFd = stopFd;
    this.#events = events;
    const file = createRequire(import.meta.url).resolve('#can-reader');
    this.#worker = new Worker(pathToFileURL(file), {
      workerData: { fd, stopFd, shared: this.#ring.shared, ring: RING },
      // It makes no garbage.
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 },
    });
    this.#worker.on('message', (message: 'ready' | 'frames' | { readonly errno: number }) => {
      if (typeof message === 'string') this.#deliver();
      else {
        // All that came before the end, however much that is.
        while (this.#state === 'open' && this.#take());
        if (message.errno !== 0) this.#end(message.errno);
      }
    });
    this.#worker.on('error', (error) => this.#endAs('io', error.message));
    this.#exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    const first = new Promise<void>((resolve) => this.#worker.once('message', () => resolve()));
    this.ready = Promise.race([first, this.#exited]);
  }

  get lost(): number {
    if (this.#state !== 'closed') this.#lost = this.#ring.lost + this.#dropped();
    return this.#lost;
  }

  send(frame: CanFrame): CanSendOutcome {
    const sent = this.#libc.send(this.#fd, encodeCanFrame(frame), MSG_DONTWAIT);
    if (sent >= 0) return 'sent';
    switch (-sent) {
      case ERRNO.EAGAIN:
      case ERRNO.EINTR:
      case ERRNO.ENOBUFS:
      case ERRNO.ENOMEM:
        return 'full';
      default:
        return endOf(-sent);
    }
  }

  setFilters(filters: readonly CanFilter[]): void {
    try {
      this.#libc.setOption(this.#fd, SOL_CAN_RAW, OPTION.filter, encodeFilters(filters));
    } catch (error) {
      if (!(error instanceof LibcError)) throw error;
      // Those who come or go are not done yet.
      setImmediate(() => this.#end(error.errno));
    }
  }

  close(): Promise<void> {
    this.#released ??= this.#close();
    return this.#released;
  }

  async #close(): Promise<void> {
    this.#state = 'closed';
    this.#libc.write(this.#stopFd, ONE);
    // The thread reads from the descriptor until it has ended.
    await this.#exited;
    this.#libc.close(this.#fd);
    this.#libc.close(this.#stopFd);
  }

  #deliver(): void {
    if (this.#state === 'open' && this.#take()) setImmediate(() => this.#deliver());
  }

  /** True: there are more. */
  #take(): boolean {
    return this.#ring.take(FRAMES_AT_ONCE, (bytes) => {
      if (this.#state === 'open') this.#events.frame(decodeCanFrame(bytes));
    });
  }

  #dropped(): number {
    const words = new Uint8Array(MEMINFO_WORDS * 4);
    try {
      this.#libc.getOption(this.#fd, SOL_SOCKET, SO_MEMINFO, words);
    } catch (error) {
      // Older kernels do not tell.
      if (error instanceof LibcError) return 0;
      throw error;
    }
    return Buffer.from(words.buffer).readUInt32LE(MEMINFO_DROPS * 4);
  }

  #end(errno: number): void {
    this.#endAs(endOf(errno), `errno ${errno}`);
  }

  #endAs(end: CanEnd, detail: string): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    this.#events.ended(end, detail);
  }
}

/** What an eventfd takes: the number 1 in 8 bytes. */
const ONE = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);

function endOf(errno: number): CanEnd {
  switch (errno) {
    case ERRNO.ENETDOWN:
      return 'down';
    case ERRNO.ENODEV:
    case ERRNO.ENXIO:
      return 'gone';
    default:
      return 'io';
  }
}
