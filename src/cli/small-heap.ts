import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** While the young generation is smaller, it may double: to twice this at most, in turns of usual length. */
const DOUBLES_BELOW_BYTES = 4 * 1024 * 1024;

/**
 * Makes V8 keep less memory than it would by itself (docs/decisions.md, "Memory of run").
 *
 * - The old generation is collected when it has grown by a fifth, but by 8 MB at least. By itself
 *   V8 waits until a heap of 13 MB has 45 MB. What waits for a confirmation lives long enough to
 *   get there.
 * - The young generation grows to some 8 MB; by itself it would to 32 MB. V8 makes it smaller
 *   while little is done, so it has to be let grow again.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=20');
  let mayGrow = true;
  new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
    const grows = (young?.physical_space_size ?? 0) < DOUBLES_BELOW_BYTES;
    if (grows && mayGrow) return;
    mayGrow = grows;
    // Said again at each collection: V8 takes it back where a thread is made, as for CAN.
    setFlagsFromString(`--semi-space-growth-factor=${grows ? '2' : '1'}`);
  }).observe({ entryTypes: ['gc'] });
}
