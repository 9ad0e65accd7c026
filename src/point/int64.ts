/** Least signed 64-bit integer; values and times of points have 64 bits. */
export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

export const isInt64 = (value: bigint): boolean => value >= INT64_MIN && value <= INT64_MAX;

/** A decimal integer with an optional sign. `undefined`: the text is none, or 64 bits do not hold it. */
export function parseInt64(text: string): bigint | undefined {
  // No 64-bit integer has more digits.
  const value = /^[+-]?\d{1,20}$/.test(text) ? BigInt(text) : undefined;
  return value !== undefined && isInt64(value) ? value : undefined;
}
