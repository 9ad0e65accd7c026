import { describe, expect, it } from 'vitest';
import { median, medianBounds, pairedRatio, percentile, rounded } from '../../bench/statistics.js';

describe('the statistics of the bench', () => {
  it('gives the median, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 2, 9])).toBe(9);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it('gives percentiles: the smallest value that a share of the values does not exceed', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(percentile(values, 0.5)).toBe(50);
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile(values, 1)).toBe(100);
    expect(percentile(values, 0)).toBe(1);
    expect(percentile([7], 0.99)).toBe(7);
    expect(percentile([], 0.5)).toBeNaN();
  });

  it('compares what was measured at the same time, not the medians', () => {
    // The machine was slow in the second round: both took four times as long.
    expect(pairedRatio([3, 12, 3], [2, 8, 2])).toBe(1.5);
    expect(median([3, 3, 12]) / median([2, 8, 8])).not.toBe(1.5);
    expect(pairedRatio([4, 4], [2])).toBe(2);
  });

  it('says between which bounds the median lies, whatever a few outliers are', () => {
    expect(medianBounds([3, 1, 2])).toEqual([1, 3]);
    expect(medianBounds([6, 5, 4, 3, 2, 1])).toEqual([1, 6]);
    // Binomial table: the 2nd of 9, the 6th of 20, the 40th of 100.
    const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
    expect(medianBounds(upTo(9))).toEqual([2, 8]);
    expect(medianBounds(upTo(20))).toEqual([6, 15]);
    expect(medianBounds(upTo(100))).toEqual([40, 61]);
    expect(medianBounds([...upTo(8), 1e9])).toEqual([2, 8]);
    expect(medianBounds([])).toEqual([Number.NaN, Number.NaN]);
  });

  it('rounds to three digits', () => {
    expect(rounded(0.012345)).toBe(0.0123);
    expect(rounded(123.45)).toBe(123);
    expect(rounded(1_234_567.8)).toBe(1_234_568);
    expect(rounded(0)).toBe(0);
  });
});
