import { describe, expect, it } from 'vitest';
import { MAX_TIME_NS, MIN_TIME_NS, isTime, laterTime, toTime } from '../../src/point/time.js';

describe('a time', () => {
  it('is what 64 bits of nanoseconds hold', () => {
    expect([MIN_TIME_NS, 0n, MAX_TIME_NS].every(isTime)).toBe(true);
    expect([MIN_TIME_NS - 1n, MAX_TIME_NS + 1n].some(isTime)).toBe(false);
    expect(toTime(MIN_TIME_NS - 1n)).toBe(MIN_TIME_NS);
    expect(toTime(MAX_TIME_NS + 1n)).toBe(MAX_TIME_NS);
    expect(toTime(5n)).toBe(5n);
  });

  it('is later than the last one, up to the end of time', () => {
    expect(laterTime(5n, 4n)).toBe(5n);
    expect(laterTime(5n, 5n)).toBe(6n);
    expect(laterTime(5n, MAX_TIME_NS - 1n)).toBe(MAX_TIME_NS);
    expect(laterTime(5n, MAX_TIME_NS)).toBe(MAX_TIME_NS);
    expect(laterTime(MAX_TIME_NS + 7n, 0n)).toBe(MAX_TIME_NS);
  });
});
