const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * The number in a text of ASCII digits, with an optional sign, fraction and
 * exponent. `undefined`: the text is anything else (also `""`, `" 5"`, `"0x10"`,
 * `"NaN"`), or a double cannot hold the number.
 */
export function decimalNumber(text: string): number | undefined {
  const number = DECIMAL.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}

const SWITCHES: ReadonlyMap<string, number> = new Map([
  ['on', 1],
  ['off', 0],
  ['true', 1],
  ['false', 0],
]);

/** As {@link decimalNumber}; `on` and `true` are 1 as well, `off` and `false` are 0. */
export const numberOfWord = (word: string): number | undefined =>
  SWITCHES.get(word) ?? decimalNumber(word);
