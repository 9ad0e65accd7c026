/**
 * Numbers between a device and SIOT, for points with a `scale`: the device says 235,
 * the scale is 0.1, and SIOT shows 23.5 (docs/contract.md, "What points are").
 *
 * A scale is a decimal number, and is used as one: 3 × 0.1 is 0.3 here, where the
 * product of two doubles would be 0.30000000000000004.
 */
import { floatValue, type PointValue } from './point.js';

/** The scale of a point that has none: the device and SIOT say the same number. */
export const NO_SCALE = 1;

/** A scale as a quotient of two whole numbers, where both are exact: 0.25 is 25 / 100. */
export interface PointScale {
  readonly factor: number;
  readonly divisor: number;
}

/** Powers of ten up to this are exact as doubles. */
const EXACT_POWER = 22;
/** Digits that a double has for certain: what differs behind them is an error of rounding. */
const CERTAIN_DIGITS = 15;

/** `scale`: finite, and not 0. */
export function pointScale(scale: number): PointScale {
  const [digits = '', exponent = '0'] = scale.toExponential().split('e');
  const [whole = '', fraction = ''] = digits.split('.');
  const power = Number(exponent) - fraction.length;
  const factor = Number(`${whole}${fraction}`);
  const isExact = Number.isSafeInteger(factor) && Math.abs(power) <= EXACT_POWER;
  if (!isExact) return { factor: scale, divisor: 1 };
  return power < 0
    ? { factor, divisor: 10 ** -power }
    : { factor: factor * 10 ** power, divisor: 1 };
}

/** A value of the device as SIOT shows it. What is no number stays as it is. */
export function fromDevice(value: PointValue, { factor, divisor }: PointScale): PointValue {
  if (value.kind === 'float') return floatValue((value.number * factor) / divisor);
  if (value.kind === 'int') return floatValue((Number(value.integer) * factor) / divisor);
  return value;
}

/** A value of SIOT as the device says it: what {@link fromDevice} reverses, but for the last digit of a double. */
export function toDevice(value: PointValue, { factor, divisor }: PointScale): PointValue {
  if (value.kind !== 'float' && value.kind !== 'int') return value;
  const number = value.kind === 'float' ? value.number : Number(value.integer);
  // Firmware that cuts off a fraction must not read 28.999999999999996 as 28.
  return floatValue(Number(((number * divisor) / factor).toPrecision(CERTAIN_DIGITS)));
}
