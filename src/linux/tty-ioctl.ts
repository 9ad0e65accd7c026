import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import type * as Koffi from 'koffi';
import { rs485Mode, rs485Words, type Rs485Mode } from './rs485.js';

/**
 * Calls for a tty that Node has no interface for: exclusive mode, closing (HUPCL),
 * single modem lines, RS-485, and the settings that the driver has accepted. They go
 * through `koffi`, an optional dependency. Where it cannot be loaded,
 * {@link loadTtyIoctl} gives `undefined`, and the serial transport says what it
 * cannot do.
 *
 * All methods throw an {@link IoctlError}. Numbers and layouts: linux/asm-generic
 * `ioctls.h` and `termbits.h`, which every architecture below shares.
 */
export interface TtyIoctl {
  /** Whether the port is in exclusive mode. Root can open it all the same. */
  isExclusive(fd: number): boolean;
  /** On: only root can open the port from now on, also after `fd` is closed. */
  setExclusive(fd: number, on: boolean): void;
  /** Switches DTR or RTS; the other line stays as it is. */
  setModemLine(fd: number, line: ModemLine, on: boolean): void;
  /** Bytes that the driver has taken and not sent; always 0 on a PTY. */
  unsentBytes(fd: number): number;
  /** Throws the unsent bytes away. Received bytes stay. */
  discardUnsent(fd: number): void;
  readSettings(fd: number): TtySettings;
  writeSettings(fd: number, settings: TtySettings): void;
  /** How the driver switches the direction of an RS-485 line; most drivers refuse both calls. */
  readRs485(fd: number): Rs485Mode;
  /** The driver keeps it when the port is closed, and drops what it cannot do without a word. */
  writeRs485(fd: number, mode: Rs485Mode): void;
}

export type ModemLine = 'dtr' | 'rts';

/** `struct termios2`, 44 bytes: four words of flags, the line discipline, 19 control characters, two rates. */
export class TtySettings {
  /** iflag, oflag, cflag, lflag, c_line and c_cc[0…18] in five words, ispeed, ospeed. */
  readonly words: Uint32Array;
  constructor(words = new Uint32Array(11)) {
    this.words = words;
  }

  get inputFlags(): number {
    return this.words[0] ?? 0;
  }
  set inputFlags(flags: number) {
    this.words[0] = flags;
  }
  get controlFlags(): number {
    return this.words[2] ?? 0;
  }
  set controlFlags(flags: number) {
    this.words[2] = flags;
  }
  /** Bits per second that the driver has set: it rounds to what its hardware can do. */
  get baudRate(): number {
    return this.words[10] ?? 0;
  }
}

/** Flags of c_cflag. */
export const CFLAG = {
  CSIZE: 0o60,
  CSTOPB: 0o100,
  PARENB: 0o400,
  PARODD: 0o1000,
  HUPCL: 0o2000,
  CMSPAR: 0o10000000000,
  CRTSCTS: 0o20000000000,
} as const;
/** Flags of c_iflag. */
export const IFLAG = { IXON: 0o2000, IXANY: 0o4000, IXOFF: 0o10000 } as const;

const TIOCEXCL = 0x540c;
const TIOCNXCL = 0x540d;
const TIOCGEXCL = 0x80045440;
const TIOCOUTQ = 0x5411;
const TIOCMBIS = 0x5416;
const TIOCMBIC = 0x5417;
const TCFLSH = 0x540b;
const TCOFLUSH = 1;
const TCGETS2 = 0x802c542a;
const TCSETS2 = 0x402c542b;
const TIOCGRS485 = 0x542e;
const TIOCSRS485 = 0x542f;
const MODEM_LINE_BIT = { dtr: 0x002, rts: 0x004 } as const;

/** powerpc and mips have other numbers; serialport is not built for them either. */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64', 'arm', 'ia32', 'riscv64', 'loong64'];

/** A failed call; `errno` as in errno(3). */
export class IoctlError extends Error {
  override readonly name = 'IoctlError';
  constructor(
    readonly call: string,
    readonly errno: number,
  ) {
    super(`${call} failed with errno ${errno}`);
  }
}

let loaded: { readonly ioctl: TtyIoctl | undefined } | undefined;

/** Undefined where koffi is not installed or has no binary for this machine. Never throws. */
export function loadTtyIoctl(): TtyIoctl | undefined {
  loaded ??= { ioctl: bind() };
  return loaded.ioctl;
}

function bind(): TtyIoctl | undefined {
  if (platform() !== 'linux' || !ARCHITECTURES.includes(arch())) return undefined;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const libc = koffi.load(null);
    // One prototype for each kind of third argument, both as libc's variadic function takes them.
    const call = libc.func('int ioctl(int fd, unsigned long request, ...)') as unknown as (
      fd: number,
      request: number,
      type: 'int' | 'void *',
      argument: number | Uint32Array,
    ) => number;
    return new KoffiTtyIoctl((name, fd, request, argument) => {
      const type = typeof argument === 'number' ? 'int' : 'void *';
      if (call(fd, request, type, argument) === -1) throw new IoctlError(name, koffi.errno());
    });
  } catch {
    return undefined;
  }
}

type Call = (name: string, fd: number, request: number, argument: number | Uint32Array) => void;

class KoffiTtyIoctl implements TtyIoctl {
  readonly #call: Call;
  constructor(call: Call) {
    this.#call = call;
  }

  isExclusive(fd: number): boolean {
    return this.#readInt('TIOCGEXCL', fd, TIOCGEXCL) !== 0;
  }

  setExclusive(fd: number, on: boolean): void {
    if (on) this.#call('TIOCEXCL', fd, TIOCEXCL, 0);
    else this.#call('TIOCNXCL', fd, TIOCNXCL, 0);
  }

  setModemLine(fd: number, line: ModemLine, on: boolean): void {
    const bit = Uint32Array.of(MODEM_LINE_BIT[line]);
    if (on) this.#call('TIOCMBIS', fd, TIOCMBIS, bit);
    else this.#call('TIOCMBIC', fd, TIOCMBIC, bit);
  }

  unsentBytes(fd: number): number {
    return this.#readInt('TIOCOUTQ', fd, TIOCOUTQ);
  }

  discardUnsent(fd: number): void {
    this.#call('TCFLSH', fd, TCFLSH, TCOFLUSH);
  }

  readSettings(fd: number): TtySettings {
    const settings = new TtySettings();
    this.#call('TCGETS2', fd, TCGETS2, settings.words);
    return settings;
  }

  writeSettings(fd: number, settings: TtySettings): void {
    this.#call('TCSETS2', fd, TCSETS2, settings.words);
  }

  readRs485(fd: number): Rs485Mode {
    const words = new Uint32Array(8);
    this.#call('TIOCGRS485', fd, TIOCGRS485, words);
    return rs485Mode(words);
  }

  writeRs485(fd: number, mode: Rs485Mode): void {
    this.#call('TIOCSRS485', fd, TIOCSRS485, rs485Words(mode));
  }

  #readInt(name: string, fd: number, request: number): number {
    const word = new Uint32Array(1);
    this.#call(name, fd, request, word);
    return word[0] ?? 0;
  }
}
