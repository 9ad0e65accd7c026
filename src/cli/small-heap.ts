import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** What the young generation may grow to: with less, more is taken for old that soon is garbage. */
const YOUNG_BYTES = 4 * 1024 * 1024;

/**
 * Makes V8 keep less memory than it would by itself (docs/decisions.md, "Memory of run"). Called
 * before the code of `run` is loaded: a part of the heap that has grown once mostly stays.
 *
 * - The old generation is collected when it has grown by a fifth, but by 8 MB at least. By itself
 *   V8 waits until a heap of 13 MB has 45 MB. What waits for a confirmation lives long enough to
 *   get there.
 * - The young generation grows to {@link YOUNG_BYTES}; by itself it would to 32 MB. V8 makes it
 *   smaller while little is done, so it has to be let grow again.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=20');
  let mayGrow = true;
  new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
    const grows = (young?.physical_space_size ?? 0) < YOUNG_BYTES;
    if (grows === mayGrow) return;
    mayGrow = grows;
    setFlagsFromString(`--semi-space-growth-factor=${grows ? '2' : '1'}`);
  }).observe({ entryTypes: ['gc'] });
}
