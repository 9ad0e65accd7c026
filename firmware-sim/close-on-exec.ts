import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** linux/asm-generic/ioctls.h, the same on all architectures of Node 20. */
const FIOCLEX = 0x5451;

type Ioctl = (fd: number, request: number) => number;
let ioctl: Ioctl | undefined;

/**
 * Closes a descriptor in children of this process, which would keep the line open
 * after it was closed here. Through `koffi`, an optional package. False: not done,
 * since the package is missing.
 */
export function closeOnExec(fd: number): boolean {
  try {
    if (ioctl === undefined) {
      const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
      ioctl = koffi.load(null).func('int ioctl(int fd, unsigned long request)');
    }
    return ioctl(fd, FIOCLEX) === 0;
  } catch {
    return false;
  }
}
