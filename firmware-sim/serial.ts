import { readSync, writeSync } from 'node:fs';
import { LinuxBinding, type LinuxPortBinding } from '@serialport/bindings-cpp';
import type { BytePipe } from './pipe.js';
import { reasonOf } from './system-error.js';

/** A serial port could not be opened. For people. */
export class SerialError extends Error {
  override readonly name = 'SerialError';
}

/** Options of a serial port. */
export interface SerialOptions {
  /** Such as `/dev/ttyUSB1`, an end of a cable, or `/dev/ttyGS0`, a USB gadget of this computer. */
  readonly path: string;
  /** Bits per second; default: 115,200. USB gadgets ignore it. */
  readonly baudRate?: number;
}

const BAUD_RATE = 115_200;
/** ms between attempts to open the port after a hang-up. */
const REOPEN_EVERY_MS = 50;
const READ_BYTES = 65_536;

/**
 * The device's end of a real line.
 *
 * The port of a USB gadget hangs up when it is unplugged, but exists all the time: it
 * is opened again, and is silent until it is plugged in. This end does not know
 * whether a program has opened the other one, so `onPeer` reports whether the port
 * is open here.
 */
export class SerialPipe implements BytePipe {
  onData: ((bytes: Uint8Array) => void) | undefined;
  onPeer: ((present: boolean) => void) | undefined;
  readonly #options: Required<SerialOptions>;
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);
  #port: LinuxPortBinding | undefined;
  #polling = false;
  #closed = false;
  #again: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();

  private constructor(options: Required<SerialOptions>) {
    this.#options = options;
  }

  /** Rejects with {@link SerialError}. */
  static async open({ path, baudRate = BAUD_RATE }: SerialOptions): Promise<SerialPipe> {
    const pipe = new SerialPipe({ path, baudRate });
    try {
      await pipe.#open();
    } catch (cause) {
      throw new SerialError(`cannot open the serial port ${path}: ${whyNotOpened(cause)}`, {
        cause,
      });
    }
    return pipe;
  }

  get path(): string {
    return this.#options.path;
  }

  write(bytes: Uint8Array): void {
    const fd = this.#port?.fd;
    if (fd === undefined || fd === null) return;
    try {
      writeSync(fd, bytes);
    } catch (error) {
      // The other side does not read, or the line is gone, which reading finds out.
      if (!isCode(error, 'EAGAIN', 'EIO', 'ENODEV', 'ENXIO')) throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#again);
    await this.#working;
    const port = this.#port;
    this.#port = undefined;
    await port?.close();
  }

  async #open(): Promise<void> {
    // The binding also makes the port raw.
    const port = await LinuxBinding.open({ ...this.#options, lock: false, hupcl: false });
    this.#port = port;
    this.onPeer?.(true);
    this.#read(port);
  }

  /** Reads all there is, then waits for more. */
  #read(port: LinuxPortBinding): void {
    while (this.#port === port && port.fd !== null) {
      let length = 0;
      try {
        length = readSync(port.fd, this.#buffer, 0, READ_BYTES, null);
      } catch (error) {
        if (isCode(error, 'EAGAIN')) {
          this.#poll(port);
          return;
        }
        if (!isCode(error, 'EIO', 'ENODEV', 'ENXIO')) throw error;
      }
      if (length === 0) {
        this.#hungUp(port);
        return;
      }
      this.onData?.(this.#buffer.subarray(0, length));
    }
  }

  #poll(port: LinuxPortBinding): void {
    if (this.#polling) return;
    this.#polling = true;
    port.poller.once('readable', () => {
      this.#polling = false;
      this.#read(port);
    });
  }

  #hungUp(port: LinuxPortBinding): void {
    if (this.#closed) return;
    this.#port = undefined;
    this.onPeer?.(false);
    this.#working = port.close().then(() => this.#openLater());
  }

  #openLater(): void {
    if (this.#closed) return;
    this.#again = setTimeout(() => {
      this.#working = this.#open().catch(() => this.#openLater());
    }, REOPEN_EVERY_MS);
  }
}

const isCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));

/** What the library for serial ports says of the system's answers, and what to do. */
const ANSWERS: readonly (readonly [RegExp, string])[] = [
  [/No such (?:file|device)|Not a directory/i, 'it does not exist; is it plugged in?'],
  [/Permission denied/i, 'this user may not open it; join its group (dialout on Debian)'],
  [/Is a directory|Inappropriate ioctl/i, 'it is no serial port'],
  [/busy|lock/i, 'another program has it'],
];

function whyNotOpened(error: unknown): string {
  const said = reasonOf(error);
  return ANSWERS.find(([answer]) => answer.test(said))?.[1] ?? said;
}
