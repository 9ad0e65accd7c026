import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ReadStream } from 'node:tty';
import type * as Koffi from 'koffi';

/**
 * A real PTY. Its slave is what the gateway opens as a serial port; its master
 * is the device's end of the wire.
 */
export interface Pty {
  /** Path of the slave, such as `/dev/pts/3`. */
  readonly path: string;
  /** What the gateway has written, since the last take(). */
  readonly received: Buffer;
  take(): Buffer;
  /** Called with each chunk that arrives, besides `received`. */
  onData(listener: (chunk: Buffer) => void): void;
  /** Resolves when `count` bytes have been received since the last take(). */
  waitFor(count: number): Promise<Buffer>;
  /** Resolves when the system has taken the bytes. The gateway's side may be closed. */
  write(bytes: Uint8Array): Promise<void>;
  /** Stops and goes on reading: a device that does not listen. */
  pause(): void;
  resume(): void;
  /** The device vanishes. The same as close(). */
  hangUp(): Promise<void>;
  close(): Promise<void>;
}

const TIOCSPTLCK = 0x40045431;
const TIOCGPTN = 0x80045430;
const FLAGS = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;
/** How often a full PTY is tried again, in ms. */
const RETRY_MS = 1;

let ioctl: ((fd: number, request: number, type: 'void *', word: Uint32Array) => number) | undefined;

function call(fd: number, request: number): number {
  if (ioctl === undefined) {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const prototype = 'int ioctl(int fd, unsigned long request, ...)';
    ioctl = koffi.load(null).func(prototype);
  }
  const word = new Uint32Array(1);
  if (ioctl(fd, request, 'void *', word) !== 0) throw new Error('no PTY to be had');
  return word[0] ?? 0;
}

/**
 * The slave stays open here too, and is never read, so that the master does
 * not end when the gateway closes its side. The gateway does not count what
 * its own process has open.
 */
export function openPty(): Pty {
  const master = openSync('/dev/ptmx', FLAGS);
  call(master, TIOCSPTLCK);
  const path = `/dev/pts/${call(master, TIOCGPTN)}`;
  const slave = openSync(path, FLAGS);

  const chunks: Buffer[] = [];
  const listeners: ((chunk: Buffer) => void)[] = [];
  let length = 0;
  const joined = (): Buffer => {
    const all = Buffer.concat(chunks);
    chunks.splice(0, chunks.length, all);
    return all;
  };

  // Only read through the stream: libuv would block on writes to a master.
  const stream = new ReadStream(master);
  const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()));
  let open = true;
  stream.on('error', () => undefined); // EIO: no slave is open any more
  stream.once('close', () => (open = false));
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    for (const listener of [...listeners]) listener(chunk);
  });

  const write = async (bytes: Uint8Array): Promise<void> => {
    let offset = 0;
    while (offset < bytes.length) {
      if (!open) throw new Error('the PTY is closed');
      try {
        offset += writeSync(master, bytes, offset);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  };

  let ended: Promise<void> | undefined;
  const close = (): Promise<void> => {
    ended ??= closed.then(() => closeSync(slave));
    stream.destroy();
    return ended;
  };

  return {
    path,
    get received() {
      return joined();
    },
    take() {
      const all = joined();
      chunks.length = 0;
      length = 0;
      return all;
    },
    onData(listener) {
      listeners.push(listener);
    },
    waitFor(count) {
      return new Promise((resolve, reject) => {
        const check = (): void => {
          if (length < count) return;
          const at = listeners.indexOf(check);
          if (at >= 0) listeners.splice(at, 1);
          resolve(joined());
        };
        listeners.push(check);
        void closed.then(() =>
          reject(new Error(`the PTY closed after ${length} of ${count} bytes`)),
        );
        check();
      });
    },
    write,
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    hangUp: close,
    close,
  };
}
