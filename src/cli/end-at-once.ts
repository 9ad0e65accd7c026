import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/**
 * Ends this process with 0. `process.exit` first waits for what the system does
 * for the process on other threads, and so without end for a disk that does not
 * answer; the system's own call waits for nothing. Where it cannot be made, since
 * `koffi` is not installed, the process ends by SIGTERM, which service managers
 * take for a clean end, too.
 */
export function endAtOnce(): void {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const exit = koffi.load(null).func('void _exit(int status)') as (status: number) => void;
    exit(0);
  } catch {
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  }
}
