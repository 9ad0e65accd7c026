/**
 * Code that never returns cannot be interrupted from inside its own thread.
 * Another thread watches it, reports the input, and ends the process.
 */
import { writeSync } from 'node:fs';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

const HANGS_AFTER_MS = 20_000;
const LOOK_EVERY_MS = 1_000;
const MOST_BYTES = 1 << 20;

interface Shared {
  /** Inputs tried, then bytes of the present one. */
  readonly state: Int32Array;
  readonly input: Uint8Array;
}

export interface Watchdog {
  trying(input: Uint8Array): void;
  stop(): Promise<void>;
}

/** `who`: what is told before the input when it hangs, for people. */
export function startWatchdog(who: string): Watchdog {
  const state = new Int32Array(new SharedArrayBuffer(8));
  const input = new Uint8Array(new SharedArrayBuffer(MOST_BYTES));
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { shared: { state, input } satisfies Shared, who },
  });
  worker.unref();
  return {
    trying: (bytes) => {
      input.set(bytes.subarray(0, MOST_BYTES));
      Atomics.store(state, 1, bytes.length);
      Atomics.add(state, 0, 1);
    },
    stop: async () => {
      await worker.terminate();
    },
  };
}

function watch({ state, input }: Shared, who: string): void {
  let last = -1;
  let sinceMs = performance.now();
  setInterval(() => {
    const count = Atomics.load(state, 0);
    if (count !== last) {
      last = count;
      sinceMs = performance.now();
    } else if (count > 0 && performance.now() - sinceMs > HANGS_AFTER_MS) {
      const hex = Buffer.from(input.subarray(0, Atomics.load(state, 1))).toString('hex');
      writeSync(2, `${who}: does not return for ${HANGS_AFTER_MS} ms\n  input: ${hex}\n`);
      // No handler of another signal runs in a thread that is busy for ever.
      process.kill(process.pid, 'SIGKILL');
    }
  }, LOOK_EVERY_MS);
}

if (!isMainThread && parentPort !== null) {
  const { shared, who } = workerData as { shared?: Shared; who?: string };
  if (shared !== undefined) watch(shared, who ?? '');
}
