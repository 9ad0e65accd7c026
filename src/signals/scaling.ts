/**
 * Converts codes to physical values and back: value = code × factor + offset. It
 * computes in decimals, so that 3 × 0.1 is 0.3 and no bit of a 64-bit code is lost.
 */
import { decimalText, digitsAt, makeDecimal, type Decimal } from './decimal.js';

/** An integer: a number up to 53 bits, a bigint above. */
type IntegerCode = number | bigint;

/** Doubles hold all integers up to this. */
const SAFE = Number.MAX_SAFE_INTEGER;
/** Below this, a double prints a decimal with the same digits as the exact value. */
const PRINTED = 1e15;
/** 10^22 is the last power of ten that a double holds. */
const SAFE_SCALE = 22;

/** The factor and the offset of a signal. */
export class Scaling {
  /** Factor and offset, × 10^`#scale`. */
  readonly #factor: bigint;
  readonly #offset: bigint;
  readonly #scale: number;
  /** The same as numbers, to compute without bigints; NaN where a double does not hold them. */
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

  /** Whether all values of integer codes are integers. */
  get isWhole(): boolean {
    return this.#scale === 0;
  }

  /** The exact value of a code. */
  exact(code: IntegerCode): Decimal {
    return makeDecimal(BigInt(code) * this.#factor + this.#offset, this.#scale);
  }

  /** The double nearest to the exact value of a code. */
  toNumber(code: IntegerCode): number {
    const digits = this.#quickDigits(code);
    // Both numbers are exact, so that the result is rounded only once.
    if (digits !== undefined) return digits / this.#divisor;
    return Number(decimalText(this.exact(code)));
  }

  /** All digits of the exact value of a code, as JSON writes numbers. */
  toText(code: IntegerCode): string {
    const digits = this.#quickDigits(code);
    if (digits !== undefined && digits < PRINTED && digits > -PRINTED) {
      return String(digits / this.#divisor);
    }
    return decimalText(this.exact(code));
  }

  /** The code with the nearest value; `exact`: its value is the same. */
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

  /** The value of a float's code. */
  ofFloat(code: number): number {
    return this.#isIdentity ? code : code * Number(decimalText(this.factor)) + this.#offsetNumber;
  }

  /** The code of a float with this value. */
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
    // NaN compares false: then the exact way is taken.
    const exact = product <= SAFE && product >= -SAFE && sum <= SAFE && sum >= -SAFE;
    return exact ? sum : undefined;
  }
}

const isSafe = (integer: bigint): boolean => integer <= BigInt(SAFE) && integer >= -BigInt(SAFE);

/** Halves are rounded away from zero. */
function roundedQuotient(numerator: bigint, denominator: bigint): bigint {
  const negative = numerator < 0n !== denominator < 0n;
  const top = numerator < 0n ? -numerator : numerator;
  const bottom = denominator < 0n ? -denominator : denominator;
  const quotient = (2n * top + bottom) / (2n * bottom);
  return negative ? -quotient : quotient;
}
