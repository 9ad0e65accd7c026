/** Decimal numbers without rounding, as databases and people write them. */

/** `digits` × 10^−`scale`; the scale is 0 or more, and as small as possible. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

export const ZERO: Decimal = { digits: 0n, scale: 0 };
export const ONE: Decimal = { digits: 1n, scale: 0 };

const FORM = /^([+-]?)(\d+)?(?:\.(\d*))?(?:e([+-]?\d+))?$/i;
/** A larger exponent is a mistake: doubles end at 10^308. */
const MOST_EXPONENT = 400;
const MOST_DIGITS = 1000;
/** Above this scale the text has an exponent. */
const LONG_SCALE = 40;

/** The number in a text; `undefined`: it is none, has an exponent beyond ±400 or more than 1,000 characters. */
export function parseDecimal(text: string): Decimal | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] = FORM.exec(text) ?? [];
  if (whole === '' && fraction === '') return undefined;
  const shift = Number(exponent);
  if (Math.abs(shift) > MOST_EXPONENT || text.length > MOST_DIGITS) return undefined;
  const magnitude = BigInt(whole + fraction);
  return makeDecimal(sign === '-' ? -magnitude : magnitude, fraction.length - shift);
}

/** `digits` × 10^−`scale`; the scale may be negative. */
export function makeDecimal(digits: bigint, scale: number): Decimal {
  if (digits === 0n) return ZERO;
  let [left, places] = [digits, scale];
  if (places < 0) {
    left *= 10n ** BigInt(-places);
    places = 0;
  }
  while (places > 0 && left % 10n === 0n) {
    left /= 10n;
    places -= 1;
  }
  return { digits: left, scale: places };
}

/** The digits at another scale, which is not below the number's. */
export function digitsAt({ digits, scale }: Decimal, wanted: number): bigint {
  return wanted === scale ? digits : digits * 10n ** BigInt(wanted - scale);
}

/** Negative, 0 or positive, as for Array.sort(). */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const [left, right] = [digitsAt(a, scale), digitsAt(b, scale)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** All digits, as JSON writes numbers. */
export function decimalText({ digits, scale }: Decimal): string {
  if (scale === 0) return String(digits);
  if (scale > LONG_SCALE) return `${digits}e-${scale}`;
  const sign = digits < 0n ? '-' : '';
  const all = String(digits < 0n ? -digits : digits).padStart(scale + 1, '0');
  return `${sign}${all.slice(0, -scale)}.${all.slice(-scale)}`;
}
