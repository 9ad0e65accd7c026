/**
 * Codes ⇄ physical values: value = code × factor + offset, in decimals, so
 * that 3 × 0.1 is 0.3 and a code of 64 bits loses none of them.
 */
import { decimalText, digitsAt, makeDecimal, type Decimal } from './decimal.js';

/** An integer: a number up to 53 bits, a bigint above. */
export type IntegerCode = number | bigint;

/** Doubles hold all integers up to here… */
const SAFE = Number.MAX_SAFE_INTEGER;
/** …and print all decimals of so many digits as they were written. */
const PRINTED = 1e15;
/** 10^22 is the last power of ten that a double holds. */
const SAFE_SCALE = 22;

export class Scaling {
  readonly #factor: bigint;
  readonly #offset: bigint;
  readonly #scale: number;
  /** The same as numbers, for the way without bigints; NaN where there is none. */
  readonly #quickFactor: number;
  readonly #quickOffset: number;
  readonly #divisor: number;

  /** The factor is not 0. */
  constructor(
    readonly factor: Decimal,
    readonly offset: Decimal,
  ) {
    this.#scale = Math.max(factor.scale, offset.scale);
    this.#factor = digitsAt(factor, this.#scale);
    this.#offset = digitsAt(offset, this.#scale);
    const quick = this.#scale <= SAFE_SCALE;
    this.#quickFactor = quick && isSafe(this.#factor) ? Number(this.#factor) : Number.NaN;
    this.#quickOffset = isSafe(this.#offset) ? Number(this.#offset) : Number.NaN;
    this.#divisor = 10 ** this.#scale;
  }

  /** Whole codes have whole values. */
  get isWhole(): boolean {
    return this.#scale === 0;
  }

  exact(code: IntegerCode): Decimal {
    return makeDecimal(BigInt(code) * this.#factor + this.#offset, this.#scale);
  }

  /** The double that is nearest to the exact value. */
  toNumber(code: IntegerCode): number {
    const digits = this.#quickDigits(code);
    // Of two numbers that doubles hold exactly, the quotient is rounded once.
    if (digits !== undefined) return digits / this.#divisor;
    return Number(decimalText(this.exact(code)));
  }

  /** All digits of the exact value, as JSON writes numbers. */
  toText(code: IntegerCode): string {
    const digits = this.#quickDigits(code);
    if (digits !== undefined && digits < PRINTED && digits > -PRINTED) {
      return String(digits / this.#divisor);
    }
    return decimalText(this.exact(code));
  }

  /** The code whose value is nearest; `exact`: it is the very value. */
  toCode(value: Decimal): { readonly code: bigint; readonly exact: boolean } {
    const scale = Math.max(this.#scale, value.scale);
    const rise = 10n ** BigInt(scale - this.#scale);
    const numerator = digitsAt(value, scale) - this.#offset * rise;
    const denominator = this.#factor * rise;
    return {
      code: roundedQuotient(numerator, denominator),
      exact: numerator % denominator === 0n,
    };
  }

  /** For floats, whose codes are no integers. */
  ofFloat(code: number): number {
    return this.#isIdentity ? code : code * Number(decimalText(this.factor)) + this.#offsetNumber;
  }

  floatCode(value: number): number {
    return this.#isIdentity
      ? value
      : (value - this.#offsetNumber) / Number(decimalText(this.factor));
  }

  get #offsetNumber(): number {
    return Number(decimalText(this.offset));
  }

  get #isIdentity(): boolean {
    return this.#scale === 0 && this.#factor === 1n && this.#offset === 0n;
  }

  #quickDigits(code: IntegerCode): number | undefined {
    if (typeof code === 'bigint') return undefined;
    const product = code * this.#quickFactor;
    const sum = product + this.#quickOffset;
    // False for NaN, too: then there is no quick way.
    const exact = product <= SAFE && product >= -SAFE && sum <= SAFE && sum >= -SAFE;
    return exact ? sum : undefined;
  }
}

const isSafe = (integer: bigint): boolean => integer <= BigInt(SAFE) && integer >= -BigInt(SAFE);

/** Halves away from zero. */
function roundedQuotient(numerator: bigint, denominator: bigint): bigint {
  const negative = numerator < 0n !== denominator < 0n;
  const top = numerator < 0n ? -numerator : numerator;
  const bottom = denominator < 0n ? -denominator : denominator;
  const quotient = (2n * top + bottom) / (2n * bottom);
  return negative ? -quotient : quotient;
}
