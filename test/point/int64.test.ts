import { expect, it } from 'vitest';
import { INT64_MAX, INT64_MIN, isInt64, parseInt64 } from '../../src/point/int64.js';

it('a 64-bit integer is read at both of its ends, and no further', () => {
  expect([INT64_MIN, 0n, INT64_MAX].map((value) => parseInt64(String(value)))).toEqual([
    INT64_MIN,
    0n,
    INT64_MAX,
  ]);
  expect(parseInt64('+7')).toBe(7n);
  for (const text of ['', '1.5', '0x7', '1e3', ' 1', '9'.repeat(1_000), '9223372036854775808']) {
    expect([text, parseInt64(text)]).toEqual([text, undefined]);
  }
  expect([INT64_MIN - 1n, INT64_MAX + 1n].map(isInt64)).toEqual([false, false]);
});
