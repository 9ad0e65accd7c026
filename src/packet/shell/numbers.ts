/** Numbers of the shell protocol (docs/siot.md, 3.2): as Go reads them, and as small firmware does. */

const FLOAT = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const HEX_FLOAT = /^([+-]?)0x([\da-f]*)\.?([\da-f]*)p([+-]?\d+)$/i;
const WORD = /^([+-]?)(inf|infinity|nan)$/i;
/** `undefined`: it is no number, or a double cannot hold it. NaN where the text says so. */
export function parseFloating(text: string): number | undefined {
  if (FLOAT.test(text)) {
    const number = Number(text);
    return Number.isFinite(number) ? number : undefined;
  }
  const [word, sign = '', name] = WORD.exec(text) ?? [];
  if (word !== undefined) {
    if (name?.toLowerCase() === 'nan') return Number.NaN;
    return sign === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  const [hex, minus, whole = '', fraction = '', exponent] = HEX_FLOAT.exec(text) ?? [];
  if (hex === undefined || whole + fraction === '') return undefined;
  const magnitude = Number(`0x${whole}${fraction}`) * 2 ** (Number(exponent) - 4 * fraction.length);
  if (!Number.isFinite(magnitude)) return undefined;
  return minus === '-' ? -magnitude : magnitude;
}

/** A finite number in decimal digits without an exponent, which small firmware does not know. */
export function plainDecimal(number: number): string {
  const text = Object.is(number, -0) ? '-0' : String(number);
  const [all, sign = '', first = '', rest = '', exponent] =
    /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? [];
  if (all === undefined) return text;
  const digits = first + rest;
  const point = 1 + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, '0');
}

/** Decimals that firmware prints at most. */
const DECIMALS = 4;
const STEP = 10 ** -DECIMALS;
/** A number so near to one with four decimals is that one. */
const NEAR = STEP * 1e-6;

/**
 * Whether a report may be what a device prints of a number that it was set to: it keeps
 * it in double or single precision, and prints four decimals, rounded or cut off.
 */
export function isRounded(reported: number, set: number): boolean {
  const single = Math.fround(set);
  if (reported === set || reported === single) return true;
  // A device that prints more decimals rounds otherwise.
  if (!Number.isFinite(single) || printed(reported) !== reported) return false;
  return (
    reported >= printed(Math.min(set, single), -STEP) &&
    reported <= printed(Math.max(set, single), STEP)
  );
}

/** With four decimals: the nearest, or where the number lies between two the one on that side. */
function printed(number: number, side = 0): number {
  const nearest = Number(number.toFixed(DECIMALS));
  const off = number - nearest;
  if (side === 0 || Math.abs(off) < NEAR || off > 0 !== side > 0) return nearest;
  return Number((nearest + side).toFixed(DECIMALS));
}
