import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** linux/asm-generic/ioctls.h, the same on all that Node 20 runs on. */
const FIOCLEX = 0x5451;

type Ioctl = (fd: number, request: number) => number;
let ioctl: Ioctl | undefined;

/**
 * Keeps a descriptor from children of this process, which would hold the line
 * open after it was closed here. Node has no call for it; `koffi`, an optional
 * package, calls libc's. False: it is not there.
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
