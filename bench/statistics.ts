/** What the bench makes of its samples. */

/** The middle one; the mean of the middle two of an even number. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The smallest value that `share` (0 … 1) of all values do not exceed. NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

/**
 * Median of the ratios of samples that were taken one after the other: what
 * disturbs the machine for longer than a pair disturbs both of it.
 */
export function pairedRatio(of: readonly number[], to: readonly number[]): number {
  return median(of.slice(0, to.length).map((value, i) => value / (to[i] ?? Number.NaN)));
}

/**
 * Bounds between which the median of all such values lies with at least 95 %
 * certainty, whatever their distribution (sign test). Of fewer than 6 values
 * they are the smallest and the largest, and less certain. NaN of none.
 */
export function medianBounds(values: readonly number[]): [from: number, to: number] {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  // Chance that at most `i` of n values lie below their true median.
  let ways = 1;
  let chance = 0;
  let outer = 0;
  for (let i = 0; 2 * i < n; i++) {
    chance += ways / 2 ** n;
    if (chance > 0.025) break;
    outer = i;
    ways = (ways * (n - i)) / (i + 1);
  }
  return [sorted[outer] ?? Number.NaN, sorted[n - 1 - outer] ?? Number.NaN];
}

/** To three significant digits, large numbers to the unit: more would be noise. */
export function rounded(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
}
