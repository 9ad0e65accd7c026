import type { Clock, Timer } from './clock.js';

/** What `work` resolves with, or `late` after `ms`; what was begun goes on then. Rejects as `work` does. */
export async function within<T>(ms: number, clock: Clock, work: Promise<T>): Promise<T | 'late'> {
  let timer: Timer | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = clock.setTimer(ms, () => resolve('late'));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    timer?.cancel();
  }
}
