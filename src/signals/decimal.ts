/** Decimal numbers without rounding: what databases and people write them with. */

/** `digits` × 10^−`scale`; the scale is 0 or more, and as small as it can be. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

export const ZERO: Decimal = { digits: 0n, scale: 0 };
export const ONE: Decimal = { digits: 1n, scale: 0 };

const FORM = /^([+-]?)(\d+)?(?:\.(\d*))?(?:e([+-]?\d+))?$/i;
/** Doubles end at 10^308; what is beyond is a slip of the pen. */
const MOST_EXPONENT = 400;
const MOST_DIGITS = 1000;
/** From here on an exponent reads better than zeros. */
const LONG_SCALE = 40;

/** `undefined`: no number, or one with an exponent beyond ±400. */
export function parseDecimal(text: string): Decimal | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] = FORM.exec(text) ?? [];
  if (whole === '' && fraction === '') return undefined;
  const shift = Number(exponent);
  if (Math.abs(shift) > MOST_EXPONENT || text.length > MOST_DIGITS) return undefined;
  const magnitude = BigInt(whole + fraction);
  return makeDecimal(sign === '-' ? -magnitude : magnitude, fraction.length - shift);
}

/** `digits` × 10^−`scale`, whatever the sign of the scale. */
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

/** The digits at a scale that is at least the number's own. */
export function digitsAt({ digits, scale }: Decimal, wanted: number): bigint {
  return wanted === scale ? digits : digits * 10n ** BigInt(wanted - scale);
}

export function compareDecimals(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const [left, right] = [digitsAt(a, scale), digitsAt(b, scale)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** All digits, in a form that is also a number of JSON. */
export function decimalText({ digits, scale }: Decimal): string {
  if (scale === 0) return String(digits);
  if (scale > LONG_SCALE) return `${digits}e-${scale}`;
  const sign = digits < 0n ? '-' : '';
  const all = String(digits < 0n ? -digits : digits).padStart(scale + 1, '0');
  return `${sign}${all.slice(0, -scale)}.${all.slice(-scale)}`;
}
