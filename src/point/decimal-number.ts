const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * The number that a text is, in ASCII digits with or without a fraction and an
 * exponent. `undefined`: the text is anything else (also `""`, `" 5"`, `"0x10"`,
 * `"NaN"`), or a number beyond the doubles.
 */
export function decimalNumber(text: string): number | undefined {
  const number = DECIMAL.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}
