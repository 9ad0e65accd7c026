import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/**
 * Ends this process with status 0. `process.exit` first waits for file operations on
 * other threads: if a disk does not answer, it waits without end. The system call `_exit`
 * does not wait. Without `koffi` it cannot be called. Then the process ends by SIGTERM,
 * which service managers count as a clean end too. Where Node was asked for a profile,
 * it is written by `process.exit` alone.
 */
export function endAtOnce(): void {
  if (isProfiled()) process.exit(0);
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const exit = koffi.load(null).func('void _exit(int status)') as (status: number) => void;
    exit(0);
  } catch {
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  }
}

const isProfiled = (): boolean =>
  [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].some((text) =>
    /--(?:cpu|heap)-prof\b/.test(text),
  );
