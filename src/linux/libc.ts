import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import type * as Koffi from 'koffi';

/**
 * Calls of libc that Node has no interface for: sockets of CAN and netlink, and
 * locks of files. They go through `koffi`, an optional dependency. Where it cannot
 * be loaded, {@link loadLibc} gives `undefined`: the CAN transport then reports it,
 * and the state folder is locked by files alone.
 *
 * Numbers and layouts: linux/can.h, linux/rtnetlink.h and asm-generic/socket.h, the
 * same on every architecture below.
 */
export interface Libc {
  /** A new descriptor. This and the methods below throw a {@link LibcError}. */
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array): void;
  setOption(fd: number, level: number, name: number, value: Uint8Array): void;
  getOption(fd: number, level: number, name: number, value: Uint8Array): void;
  /** Bytes sent, or the negative errno. Does not throw. */
  send(fd: number, bytes: Uint8Array, flags: number): number;
  /** Bytes received, or the negative errno. Does not throw. */
  receive(fd: number, buffer: Uint8Array, flags: number): number;
  /** A descriptor that becomes readable when 8 bytes are written to it. */
  eventFd(): number;
  write(fd: number, bytes: Uint8Array): void;
  close(fd: number): void;
  /**
   * Locks the open file until it is closed. The lock holds between all processes of
   * the machine, also in other containers. False: another process has the lock.
   */
  tryLock(fd: number): boolean;
}

/** A failed call of libc; `errno` as in errno(3). */
export class LibcError extends Error {
  override readonly name = 'LibcError';
  constructor(
    readonly call: string,
    readonly errno: number,
  ) {
    super(`${call} failed with errno ${errno}`);
  }
}

/** Architectures that are little-endian and share the numbers. */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64', 'arm', 'ia32', 'riscv64', 'loong64'];
const EFD_CLOEXEC = 0o2000000;
/** flock(2): exclusive, without waiting; the errno when another process has the lock. */
const LOCK_EX_NB = 2 | 4;
const EWOULDBLOCK = 11;

let loaded: { readonly libc: Libc | undefined } | undefined;

/** Undefined where koffi is not installed or has no binary for this machine. Never throws. */
export function loadLibc(): Libc | undefined {
  loaded ??= { libc: bind() };
  return loaded.libc;
}

function bind(): Libc | undefined {
  if (platform() !== 'linux' || !ARCHITECTURES.includes(arch())) return undefined;
  try {
    return new KoffiLibc(createRequire(import.meta.url)('koffi') as typeof Koffi);
  } catch {
    return undefined;
  }
}

type Call<A extends readonly unknown[]> = (...args: A) => number;

class KoffiLibc implements Libc {
  readonly #koffi: typeof Koffi;
  readonly #socket: Call<[number, number, number]>;
  readonly #bind: Call<[number, Uint8Array, number]>;
  readonly #setsockopt: Call<[number, number, number, Uint8Array, number]>;
  readonly #getsockopt: Call<[number, number, number, Uint8Array, Uint32Array]>;
  readonly #send: Call<[number, Uint8Array, number, number]>;
  readonly #recv: Call<[number, Uint8Array, number, number]>;
  readonly #eventfd: Call<[number, number]>;
  readonly #write: Call<[number, Uint8Array, number]>;
  readonly #close: Call<[number]>;
  readonly #flock: Call<[number, number]>;

  constructor(koffi: typeof Koffi) {
    this.#koffi = koffi;
    const libc = koffi.load(null);
    const func = <A extends readonly unknown[]>(prototype: string): Call<A> =>
      libc.func(prototype) as Call<A>;
    this.#socket = func('int socket(int domain, int type, int protocol)');
    this.#bind = func('int bind(int fd, void *address, uint32_t length)');
    this.#setsockopt = func(
      'int setsockopt(int fd, int level, int name, void *value, uint32_t length)',
    );
    this.#getsockopt = func(
      'int getsockopt(int fd, int level, int name, void *value, void *length)',
    );
    this.#send = func('long send(int fd, void *bytes, size_t length, int flags)');
    this.#recv = func('long recv(int fd, void *buffer, size_t length, int flags)');
    this.#eventfd = func('int eventfd(unsigned int value, int flags)');
    this.#write = func('long write(int fd, void *bytes, size_t length)');
    this.#close = func('int close(int fd)');
    this.#flock = func('int flock(int fd, int operation)');
  }

  socket(domain: number, type: number, protocol: number): number {
    return this.#done('socket', this.#socket(domain, type, protocol));
  }

  bind(fd: number, address: Uint8Array): void {
    this.#done('bind', this.#bind(fd, address, address.length));
  }

  setOption(fd: number, level: number, name: number, value: Uint8Array): void {
    this.#done('setsockopt', this.#setsockopt(fd, level, name, value, value.length));
  }

  getOption(fd: number, level: number, name: number, value: Uint8Array): void {
    const length = Uint32Array.of(value.length);
    this.#done('getsockopt', this.#getsockopt(fd, level, name, value, length));
  }

  send(fd: number, bytes: Uint8Array, flags: number): number {
    const sent = this.#send(fd, bytes, bytes.length, flags);
    return sent < 0 ? -this.#koffi.errno() : sent;
  }

  receive(fd: number, buffer: Uint8Array, flags: number): number {
    const received = this.#recv(fd, buffer, buffer.length, flags);
    return received < 0 ? -this.#koffi.errno() : received;
  }

  eventFd(): number {
    return this.#done('eventfd', this.#eventfd(0, EFD_CLOEXEC));
  }

  write(fd: number, bytes: Uint8Array): void {
    this.#done('write', this.#write(fd, bytes, bytes.length));
  }

  close(fd: number): void {
    this.#close(fd);
  }

  tryLock(fd: number): boolean {
    const result = this.#flock(fd, LOCK_EX_NB);
    if (result < 0 && this.#koffi.errno() === EWOULDBLOCK) return false;
    this.#done('flock', result);
    return true;
  }

  #done(call: string, result: number): number {
    if (result < 0) throw new LibcError(call, this.#koffi.errno());
    return result;
  }
}
