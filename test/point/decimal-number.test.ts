import { expect, it } from 'vitest';
import { decimalNumber } from '../../src/point/decimal-number.js';

it.each([
  ['0', 0],
  ['-0', -0],
  ['5', 5],
  ['+7', 7],
  ['-12.50', -12.5],
  ['.5', 0.5],
  ['5.', 5],
  ['007', 7],
  ['1e3', 1000],
  ['1E-2', 0.01],
])('%j is %d', (text, number) => {
  expect(decimalNumber(text)).toBe(number);
});

it.each([
  '',
  ' ',
  ' 5',
  '5 ',
  '5\n',
  '0x10',
  '0b1',
  '1_000',
  '1,5',
  '1e',
  'e3',
  '.',
  '+',
  'NaN',
  'Infinity',
  '-Infinity',
  '1e999',
  '١',
  '５',
  'off',
])('%j is none', (text) => {
  expect(decimalNumber(text)).toBeUndefined();
});
