/** The shortest and the longest pause. */
export interface BackoffRange {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * The pause before try number `failures` + 1, ms. It doubles from `firstMs` to `maxMs`. Up
 * to a quarter of it is subtracted at random, so that many clients do not try at the same
 * time.
 *
 * @param failures 1 or more
 * @param random in 0…1
 */
export function backoffMs(failures: number, range: BackoffRange, random: number): number {
  const full = Math.min(range.maxMs, range.firstMs * 2 ** Math.min(failures - 1, 30));
  return full * (1 - random / 4);
}
