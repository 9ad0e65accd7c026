import { setFlagsFromString } from 'node:v8';

/**
 * Makes V8 keep less memory than it would by itself, without more CPU (docs/decisions.md, "Memory
 * of run"). Called before the code of `run` is loaded: a part of the heap that has grown once
 * stays, and most of what is loaded stays as well.
 *
 * - The young generation keeps its first size. Under load it would grow from 2 to 32 MB without
 *   making anything faster: a packet leaves only a few kilobytes of garbage.
 * - The old generation is collected when it has grown by a fifth, but by 8 MB at least. By itself
 *   V8 waits until a heap of 13 MB has 45 MB. What waits for a confirmation lives long enough to
 *   get there.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=20');
}
