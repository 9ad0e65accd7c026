import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  floatValue,
  intValue,
  jsonValue,
  NO_VALUE,
  plainValue,
  stringValue,
} from '../../src/point/point.js';
import { numberText, plainText, valueText } from '../../src/point/value-text.js';
import { SLOWNESS } from '../support/slowness.js';

describe('the text of a number', () => {
  it.each([
    [23.530000686645508, '23.53'],
    [23.53, '23.53'],
    [0.10000000149011612, '0.1'],
    [0.1 + 0.2, '0.30000000000000004'],
    [5, '5'],
    [-40, '-40'],
    [-0, '-0'],
    // Above 2^24, where single precision would be content with fewer digits.
    [123_456_792, '123456792'],
    [1_767_225_600_000, '1767225600000'],
    [Math.fround(1e20), '100000000000000000000'],
    [1.401298464324817e-45, '1e-45'],
    [1e300, '1e+300'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
  ])('%f', (number, text) => {
    expect(numberText(number)).toBe(text);
  });

  it('says the same number again in single precision, if it is one', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (number) => {
        const text = numberText(number);
        expect(Math.fround(Number(text))).toBe(number);
        if (Number.isInteger(number)) return;
        const digits = text.replace(/e.*/, '').replace('.', '').replace(/^-?0*/, '');
        expect(digits.length).toBeLessThanOrEqual(9);
      }),
    );
  });

  it('says the same number again in double precision otherwise', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true }).filter((number) => Math.fround(number) !== number),
        (number) => {
          expect(Number(numberText(number))).toBe(number);
        },
      ),
    );
  });

  it('says the same whole number again in both', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (number) => {
        expect(numberText(number)).toBe(String(number));
      }),
    );
  });
});

describe('the text of a value', () => {
  it.each([
    [NO_VALUE, '(no value)'],
    [floatValue(23.530000686645508), '23.53'],
    [intValue(-9_223_372_036_854_775_808n), '-9223372036854775808'],
    [stringValue('auto'), '"auto"'],
    [stringValue(''), '""'],
    [stringValue('5'), '"5"'],
    [stringValue('two\nlines'), String.raw`"two\nlines"`],
    [
      jsonValue('{ "a" : [ 1.0, 2e400 ],\n "b c" : "d \\" e" }'),
      '{"a":[1.0,2e400],"b c":"d \\" e"}',
    ],
    [jsonValue('no json " at  all'), 'nojson" at  all'],
  ])('%o', (value, text) => {
    expect(valueText(value)).toBe(text);
  });

  it('of which only the plain form is left is the same for numbers and text', () => {
    for (const value of [
      NO_VALUE,
      floatValue(23.530000686645508),
      intValue(7n),
      stringValue('x'),
    ]) {
      expect(plainText(plainValue(value))).toBe(valueText(value));
    }
  });

  it('is the same JSON without white space', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(0, 1, 4), (text, indent) => {
        const value: unknown = JSON.parse(text);
        const spaced = JSON.stringify(value, undefined, indent);
        expect(valueText(jsonValue(spaced))).toBe(JSON.stringify(value));
      }),
    );
  });

  it('takes no longer than the text is, whatever it is', () => {
    const startMs = performance.now();
    valueText(jsonValue('"\\'.repeat(100_000)));
    valueText(jsonValue('\\"'.repeat(100_000)));
    expect(performance.now() - startMs).toBeLessThan(1_000 * SLOWNESS);
  });
});
