/** Values as people read them. What programs read is `plainValue` (point.ts). */
import type { PlainValue, PointValue } from './point.js';

/** So many digits tell any two single-precision numbers apart. */
const SINGLE_DIGITS = 9;

/**
 * A number with as few digits as tell it apart from all others of its precision. SIOT and
 * the gateway carry each number in double precision, but firmware often has only single
 * precision, and so has the protobuf codec: 23.53 then arrives as 23.530000686645508. A
 * number that single precision holds exactly is taken for one of these. Whole numbers
 * below 2^53 have all their digits.
 */
export function numberText(number: number): string {
  if (Object.is(number, -0)) return '-0';
  const isSingle = Math.fround(number) === number && !Number.isSafeInteger(number);
  if (!isSingle || !Number.isFinite(number)) return String(number);
  for (let digits = 1; digits < SINGLE_DIGITS; digits += 1) {
    const short = Number(number.toPrecision(digits));
    if (Math.fround(short) === number) return String(short);
  }
  return String(Number(number.toPrecision(SINGLE_DIGITS)));
}

/** A value: text is quoted, JSON has no spaces that mean nothing. Control characters of JSON stay. */
export function valueText(value: PointValue): string {
  switch (value.kind) {
    case 'none':
      return plainText(null);
    case 'float':
      return numberText(value.number);
    case 'int':
      return String(value.integer);
    case 'string':
      return plainText(value.text);
    case 'json':
      return compactJson(value.text);
  }
}

/** As {@link valueText}, of a value whose kind is not known any more: all but numbers is text. */
export function plainText(value: PlainValue): string {
  if (value === null) return '(no value)';
  return typeof value === 'number' ? numberText(value) : JSON.stringify(value);
}

/** A text of JSON, also one without an end, or white space outside one. */
const JSON_TEXT_OR_SPACE = /("(?:[^"\\]|\\[^])*(?:"|\\?$))|\s+/g;

/** Without white space between its parts; their order, and the digits of numbers, stay as they are. */
function compactJson(text: string): string {
  return text.replaceAll(JSON_TEXT_OR_SPACE, (_all, kept: string | undefined) => kept ?? '');
}
