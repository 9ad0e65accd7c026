/**
 * A raw CAN socket (SocketCAN of Linux). It sends on the main thread and receives on
 * a thread of its own, so that no frame is lost while the main thread is busy.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { CanFrame } from '../frame.js';
import { CanRing, RING } from './ring.js';
import { decodeCanFrame, encodeCanFrame, encodeFilters, type CanFilter } from './wire.js';
import { LibcError, type Libc } from '../../linux/libc.js';
import { TransportError } from '../transport.js';

/** Why a socket cannot be used any more: the interface is down, it is gone, or another error. */
export type CanEnd = 'down' | 'gone' | 'io';

/** What a socket tells its user. */
export interface CanSocketEvents {
  /** The frame is valid during the call only. */
  frame(frame: CanFrame): void;
  /** Called once, as the last event; {@link CanSocket.close} is still to be called. */
  ended(end: CanEnd, detail: string): void;
}

/** `full`: the socket or the interface's queue has no room now; try again soon. */
export type CanSendOutcome = 'sent' | 'full' | CanEnd;

/** An open raw socket. */
export interface CanSocket {
  /** Resolves when frames are read, or the socket has ended. Never rejects. Until then the kernel keeps a few frames. */
  readonly ready: Promise<void>;
  send(frame: CanFrame): CanSendOutcome;
  /**
   * Frames are received that one of these lets through; at most 512 (filters.ts).
   * If the kernel refuses them, the socket ends soon after the call.
   */
  setFilters(filters: readonly CanFilter[]): void;
  /** Received frames without room, in the kernel and here, so far. */
  readonly lost: number;
  /** Idempotent. Resolves when the socket is closed; never rejects. */
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
/** SK_MEMINFO_DROPS: the word of SO_MEMINFO that counts frames without room. */
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
/** Most frames delivered before other events of the process run. */
const FRAMES_AT_ONCE = 256;
/** Above the limit of any kernel, which then takes its limit (net.core.rmem_max). */
const RECEIVE_BYTES = 4_194_304;
/**
 * Below the kernel's minimum, which it then takes: some six frames. A socket that
 * queues more would fill the interface's queue (10 frames by default), and block
 * other programs.
 */
const SEND_BYTES = 1;

const word = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};

const newSocket = (libc: Libc): number =>
  libc.socket(AF_CAN, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, CAN_RAW);

/** Throws a `LibcError` where the kernel has no CAN. The kernel loads the module of CAN, if that is allowed. */
export function requireCan(libc: Libc): void {
  libc.close(newSocket(libc));
}

/** `index`: of the interface. Throws a `LibcError`, or a `TransportError` where no thread can be started. */
export function openCanSocket(libc: Libc, index: number, events: CanSocketEvents): CanSocket {
  const fd = newSocket(libc);
  let stopFd: number | undefined;
  try {
    // No frames until setFilters().
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
  /** The count when the socket was closed. */
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
      // The thread makes almost no garbage.
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 },
    });
    this.#worker.on('message', (message: 'ready' | 'frames' | { readonly errno: number }) => {
      if (typeof message === 'string') this.#deliver();
      else {
        // First all frames that came before the end.
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
      // After the present call: its caller has not finished yet.
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
      // Linux before 4.12 does not count them.
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
