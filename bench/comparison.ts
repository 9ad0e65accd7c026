/** This gateway beside that of another checkout: the same cases, measured in turn in one run. */
import { median, medianBounds } from './statistics.js';

/** What one sample costs: time or memory, so that more is always worse. */
export interface Measure {
  /** With its unit. */
  readonly what: string;
  readonly of: 'time' | 'memory';
}

/** Time of a point under full load. */
export const TIME_PER_POINT: Measure = { what: 'elapsed, µs/point', of: 'time' };
/** Resident memory. */
export const RESIDENT: Measure = { what: 'resident, MB', of: 'memory' };

/**
 * `worse` and `better`: the bounds of the ratio are both above or both below 1,
 * and its median is off by at least {@link NOTICEABLE}. `unknown`: there are fewer than {@link ENOUGH_PAIRS} pairs.
 */
type Verdict = 'worse' | 'better' | 'alike' | 'unknown';

/** A measure of a case, of the gateway and of the baseline. */
export interface Comparison {
  readonly name: string;
  readonly measure: Measure;
  /** Medians. */
  readonly gateway: number;
  readonly baseline: number;
  /** Gateway to baseline: median of the pairs. */
  readonly ratio: number;
  /** Spread: bounds within which the true median of the ratio lies, in 19 of 20 cases. */
  readonly from: number;
  readonly to: number;
  readonly pairs: number;
  readonly verdict: Verdict;
}

/** Of fewer, one disturbance decides. */
const ENOUGH_PAIRS = 5;
/** Less is what two builds of the same code differ by. */
const NOTICEABLE = 0.02;

/** `gateway[i]` and `baseline[i]` were measured one after the other. */
export function compare(
  name: string,
  measure: Measure,
  gateway: readonly number[],
  baseline: readonly number[],
): Comparison {
  const ratios = gateway
    .slice(0, baseline.length)
    .map((value, i) => value / (baseline[i] ?? Number.NaN));
  const [from, to] = medianBounds(ratios);
  const ratio = median(ratios);
  return {
    name,
    measure,
    gateway: median(gateway),
    baseline: median(baseline),
    ratio,
    from,
    to,
    pairs: ratios.length,
    verdict: verdictOf(ratios.length, ratio, from, to),
  };
}

function verdictOf(pairs: number, ratio: number, from: number, to: number): Verdict {
  if (pairs < ENOUGH_PAIRS) return 'unknown';
  if (from > 1 && ratio >= 1 + NOTICEABLE) return 'worse';
  return to < 1 && ratio <= 1 - NOTICEABLE ? 'better' : 'alike';
}

/** In words: what is slower or takes more memory than the baseline, beyond the spread. */
export function conclusions(comparisons: readonly Comparison[]): string[] {
  const lines = (['time', 'memory'] as const).flatMap((of) => {
    const all = comparisons.filter(({ measure }) => measure.of === of);
    if (all.every(({ verdict }) => verdict === 'unknown')) return [];
    const worse = all.filter(({ verdict }) => verdict === 'worse');
    const what = of === 'time' ? 'slower' : 'larger';
    if (worse.length === 0) return [`nothing is ${what} than the baseline beyond the spread`];
    return worse.map(
      ({ name, measure, ratio, from, to }) =>
        `${what} than the baseline beyond the spread: ${name} (${measure.what}), ` +
        `${ratio.toFixed(2)} times, ${from.toFixed(2)} to ${to.toFixed(2)}`,
    );
  });
  if (comparisons.some(({ verdict }) => verdict === 'unknown')) {
    lines.push(`too few pairs to say what is slower: take --rounds ${ENOUGH_PAIRS} or more`);
  }
  return lines;
}
