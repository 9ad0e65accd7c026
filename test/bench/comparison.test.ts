import { describe, expect, it } from 'vitest';
import { RESIDENT, TIME_PER_POINT, compare, conclusions } from '../../bench/comparison.js';

const SAME = [10, 11, 9, 10, 12];

describe('the gateway beside that of another checkout', () => {
  it('calls slower only what is slower in every pair, also when the machine slows down meanwhile', () => {
    // The machine was four times as slow in the third round.
    const slower = compare('a', TIME_PER_POINT, [11, 12, 44, 11, 12], [10, 10, 40, 10, 10]);
    expect(slower).toMatchObject({ gateway: 12, baseline: 10, pairs: 5, verdict: 'worse' });
    expect(slower.ratio).toBeCloseTo(1.1);
    expect([slower.from, slower.to]).toEqual([1.1, 1.2]);
    expect(compare('a', TIME_PER_POINT, [9, 9, 9, 9, 9], SAME.with(2, 10)).verdict).toBe('better');
    expect(compare('a', TIME_PER_POINT, [9, 12, 9, 11, 12], SAME).verdict).toBe('alike');
  });

  it('decides nothing on four pairs, and ignores a difference below 2 %', () => {
    const four = [20, 20, 20, 20];
    expect(compare('a', TIME_PER_POINT, four, [10, 10, 10, 10]).verdict).toBe('unknown');
    const nearly = SAME.map((value) => value * 1.01);
    expect(compare('a', TIME_PER_POINT, nearly, SAME).verdict).toBe('alike');
    expect(
      compare(
        'a',
        TIME_PER_POINT,
        nearly.map((value) => value * 1.02),
        SAME,
      ).verdict,
    ).toBe('worse');
  });

  it('says in words what is slower or larger beyond the spread', () => {
    const twice = SAME.map((value) => value * 2);
    const alike = compare('b', TIME_PER_POINT, SAME, SAME);
    expect(conclusions([alike])).toEqual(['nothing is slower than the baseline beyond the spread']);
    expect(conclusions([compare('a', TIME_PER_POINT, twice, SAME), alike])).toEqual([
      'slower than the baseline beyond the spread: a (elapsed, µs/point), 2.00 times, 2.00 to 2.00',
    ]);
    expect(conclusions([alike, compare('c', RESIDENT, twice, SAME)])).toEqual([
      'nothing is slower than the baseline beyond the spread',
      'larger than the baseline beyond the spread: c (resident, MB), 2.00 times, 2.00 to 2.00',
    ]);
    expect(conclusions([compare('a', TIME_PER_POINT, [2], [1])])).toEqual([
      'too few pairs to say what is slower: take --rounds 5 or more',
    ]);
  });
});
