import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalText, makeDecimal, parseDecimal } from '../../src/signals/decimal.js';
import { Scaling } from '../../src/signals/scaling.js';

const decimal = (text: string) => parseDecimal(text) ?? expect.fail(`${text} is no number`);

const anyDecimal = fc
  .record({
    digits: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
    scale: fc.integer({ min: -5, max: 25 }),
  })
  .map(({ digits, scale }) => makeDecimal(digits, scale));

const scaling = (factor: string, offset: string): Scaling =>
  new Scaling(decimal(factor), decimal(offset));

describe('decimals', () => {
  it.each([
    ['0', '0'],
    ['-0.0', '0'],
    ['1e-05', '0.00001'],
    ['1E+3', '1000'],
    ['+127', '127'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['-9.22337203685478E+018', '-9223372036854780000'],
    ['18446744073709551615.125', '18446744073709551615.125'],
    ['123e-50', '123e-50'],
  ])('%s is %s', (text, expected) => {
    expect(decimalText(decimal(text))).toBe(expected);
  });

  it.each(['', '.', '-', '1,5', '0x10', '1e', 'NaN', '1e999999999', '1 2'])(
    '%j is none',
    (text) => {
      expect(parseDecimal(text)).toBeUndefined();
    },
  );

  it('survive being written and read', () => {
    fc.assert(
      fc.property(anyDecimal, (one) => {
        expect(parseDecimal(decimalText(one))).toEqual(one);
      }),
      { seed: 3 },
    );
  });
});

describe('scaling', () => {
  it('makes no 0.30000000000000004', () => {
    expect(scaling('0.1', '0').toNumber(3)).toBe(0.3);
    expect(scaling('0.1', '0').toText(3)).toBe('0.3');
  });

  it('gives the double that is nearest to the exact value, and all digits of it', () => {
    fc.assert(
      fc.property(anyDecimal, anyDecimal, fc.maxSafeInteger(), (factor, offset, code) => {
        fc.pre(factor.digits !== 0n);
        const one = new Scaling(factor, offset);
        const exact = decimalText(one.exact(code));
        expect(one.toNumber(code)).toBe(Number(exact));
        expect(decimal(one.toText(code))).toEqual(one.exact(code));
      }),
      { seed: 4, numRuns: 2000 },
    );
  });

  it('finds the code of each value again, and the nearest of others', () => {
    fc.assert(
      fc.property(anyDecimal, anyDecimal, fc.maxSafeInteger(), (factor, offset, code) => {
        fc.pre(factor.digits !== 0n);
        const one = new Scaling(factor, offset);
        expect(one.toCode(one.exact(code))).toEqual({ code: BigInt(code), exact: true });
      }),
      { seed: 5 },
    );
    expect(scaling('0.5', '0').toCode(decimal('0.74'))).toEqual({ code: 1n, exact: false });
    expect(scaling('0.5', '0').toCode(decimal('0.76'))).toEqual({ code: 2n, exact: false });
    expect(scaling('-2', '10').toCode(decimal('13'))).toEqual({ code: -2n, exact: false });
  });
});
