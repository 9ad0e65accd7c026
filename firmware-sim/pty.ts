import { randomUUID } from 'node:crypto';
import {
  closeSync,
  lstatSync,
  readlinkSync,
  readSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { LinuxBinding, LinuxPortBinding } from '@serialport/bindings-cpp';
import { closeOnExec } from './close-on-exec.js';
import type { BytePipe } from './pipe.js';
import { reasonOf } from './system-error.js';

/** A PTY or the link to it could not be made. For people. */
export class PtyError extends Error {
  override readonly name = 'PtyError';
}

/** Options of a PTY. */
export interface PtyOptions {
  /** Path of a symbolic link to the other side; a link that is there is replaced. */
  readonly linkPath?: string;
}

/** ms between checks whether the other side was opened. */
const LOOK_EVERY_MS = 20;
const READ_BYTES = 65_536;

interface NativePty {
  open(columns: number, rows: number): { master: number; slave: number; pty: string };
}

/**
 * The device's side of a pseudo terminal. Any program can open the other side as a
 * serial port.
 *
 * ```
 *  SimulatedMcu ── master ══ kernel ══ slave (/dev/pts/N ◂── link) ── gateway
 * ```
 *
 * The slave is not kept open here: a program that checks who has the port open would
 * find this process, and exclusive mode would outlive its owner. Therefore reads
 * fail (EIO) while no program has the slave open, which would end a Node stream. So
 * the descriptor is read directly, after a poller has reported data.
 */
export class PtyPipe implements BytePipe {
  onData: ((bytes: Uint8Array) => void) | undefined;
  onPeer: ((present: boolean) => void) | undefined;
  /** Bytes that were lost: the other side was closed, or did not read. */
  dropped = 0;
  readonly #master: number;
  readonly #binding: LinuxPortBinding;
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);
  #present = false;
  #polling = false;
  #closed = false;
  #look: NodeJS.Timeout | undefined;

  private constructor(
    master: number,
    /** What the other side opens, such as `/dev/pts/3`. */
    readonly path: string,
    readonly linkPath: string | undefined,
    /** Children of this process do not keep it open. */
    readonly alone: boolean,
  ) {
    this.#master = master;
    // Used for its poller only: the one way to wait for a descriptor that does
    // not close it at the first error.
    this.#binding = new LinuxPortBinding(master, {
      path,
      baudRate: 115_200,
      dataBits: 8,
      stopBits: 1,
      parity: 'none',
      lock: false,
      hupcl: false,
      rtscts: false,
      xon: false,
      xoff: false,
      xany: false,
      vmin: 1,
      vtime: 0,
    });
  }

  /** Rejects with {@link PtyError}. */
  static async open(options: PtyOptions = {}): Promise<PtyPipe> {
    const { master, slave, pty } = openNative();
    closeSync(slave);
    const alone = closeOnExec(master);
    try {
      // Opening it as a serial port makes it raw, and it stays so: nothing is
      // echoed or translated before the first program has set it up.
      const port = await LinuxBinding.open({
        path: pty,
        baudRate: 115_200,
        lock: false,
        hupcl: false,
      });
      await port.close();
      if (options.linkPath !== undefined) link(pty, options.linkPath);
    } catch (error) {
      closeSync(master);
      if (error instanceof PtyError) throw error;
      throw new PtyError(`cannot set up the pseudo terminal ${pty}: ${reasonOf(error)}`, {
        cause: error,
      });
    }
    const pipe = new PtyPipe(master, pty, options.linkPath, alone);
    pipe.#read();
    return pipe;
  }

  /** Whether a program has the other side open. */
  get present(): boolean {
    return this.#present;
  }

  write(bytes: Uint8Array): void {
    if (this.#closed) return;
    // Bytes written while the other side is closed would be kept for the next program.
    if (!this.#present) this.#read();
    let done = 0;
    // A callback of #read() may have closed this.
    if (this.#present && !this.#isClosed()) {
      try {
        done = writeSync(this.#master, bytes);
      } catch (error) {
        if (!isCode(error, 'EAGAIN', 'EIO')) throw error;
      }
    }
    this.dropped += bytes.length - done;
  }

  async close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    clearTimeout(this.#look);
    await this.#binding.close();
    if (this.linkPath !== undefined) unlink(this.path, this.linkPath);
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  /** Reads all there is, then waits for more, or for the other side to be opened. */
  #read(): void {
    while (!this.#closed) {
      try {
        const length = readSync(this.#master, this.#buffer, 0, READ_BYTES, null);
        this.#setPresent(true);
        this.onData?.(this.#buffer.subarray(0, length));
      } catch (error) {
        if (isCode(error, 'EAGAIN')) {
          this.#setPresent(true);
          this.#poll();
        } else if (isCode(error, 'EIO')) {
          this.#setPresent(false);
          this.#lookLater();
        } else {
          throw error;
        }
        return;
      }
    }
  }

  #poll(): void {
    if (this.#polling || this.#closed) return;
    this.#polling = true;
    this.#binding.poller.once('readable', (error: Error | null) => {
      this.#polling = false;
      if (this.#closed) return;
      if (error) this.#lookLater();
      else this.#read();
    });
  }

  #lookLater(): void {
    clearTimeout(this.#look);
    if (this.#closed) return;
    this.#look = setTimeout(() => {
      this.#read();
    }, LOOK_EVERY_MS);
  }

  #setPresent(present: boolean): void {
    if (this.#present === present) return;
    this.#present = present;
    this.onPeer?.(present);
  }
}

/** node-pty's open() makes streams of both descriptors, which end at the first EIO. */
function openNative(): { master: number; slave: number; pty: string } {
  try {
    const require = createRequire(import.meta.url);
    const { requireBinary } = require('@lydell/node-pty/requireBinary.js') as {
      requireBinary: (file: string) => NativePty;
    };
    return requireBinary('pty.node').open(80, 24);
  } catch (error) {
    throw new PtyError(`cannot make a pseudo terminal: ${reasonOf(error)}`, { cause: error });
  }
}

function link(target: string, linkPath: string): void {
  const temporary = `${linkPath}.${randomUUID()}`;
  try {
    const there = lstatSync(linkPath, { throwIfNoEntry: false });
    if (there !== undefined && !there.isSymbolicLink()) {
      throw new PtyError(
        `${linkPath} exists and is not a symbolic link; remove it, or name another path`,
      );
    }
    // Renamed, so that there is always the old or the new link.
    symlinkSync(target, temporary);
    renameSync(temporary, linkPath);
  } catch (error) {
    if (error instanceof PtyError) throw error;
    throw new PtyError(`cannot make the link ${linkPath}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Removes the link, unless it has another target by now. */
function unlink(target: string, linkPath: string): void {
  try {
    if (readlinkSync(linkPath) === target) unlinkSync(linkPath);
  } catch (error) {
    if (!isCode(error, 'ENOENT', 'EINVAL', 'EACCES', 'EPERM', 'ENOTDIR')) throw error;
  }
}

const isCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));
