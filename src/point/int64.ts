/** The range of the 64-bit integers that points and their times are. */

export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

export const isInt64 = (value: bigint): boolean => value >= INT64_MIN && value <= INT64_MAX;

/** A decimal integer, with or without a sign; `undefined`: it is none, or 64 bits do not hold it. */
export function parseInt64(text: string): bigint | undefined {
  // More digits than any has are not worth a conversion.
  const value = /^[+-]?\d{1,20}$/.test(text) ? BigInt(text) : undefined;
  return value !== undefined && isInt64(value) ? value : undefined;
}
