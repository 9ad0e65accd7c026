/** Converts codes of signals to values of points and back. */
import { isInt64 } from '../point/int64.js';
import { floatValue, intValue, type Point, type PointValue } from '../point/point.js';
import { codeRange } from './database.js';
import { parseDecimal, type Decimal } from './decimal.js';
import type { Code, SignalCodec } from './signal-codec.js';

/**
 * The kind of all values of a signal: a double where that holds all of them exactly,
 * else a 64-bit integer where that does, else a text with all digits.
 */
type ValueKind = 'float' | 'int' | 'text';

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

function valueKind({ signal, scaling, isFloat }: SignalCodec): ValueKind {
  // A value that is scaled by a fraction is a measurement: the 15 digits of a double are enough.
  if (isFloat || !scaling.isWhole) return 'float';
  const ends = codeRange(signal).map((code) => scaling.exact(code).digits);
  if (ends.every((end) => end >= -SAFE && end <= SAFE)) return 'float';
  return ends.every(isInt64) ? 'int' : 'text';
}

/** Makes the points' values of a signal. */
export class SignalValues {
  readonly #kind: ValueKind;

  constructor(
    readonly codec: SignalCodec,
    /** Codes with a text in the database become that text. */
    private readonly inWords: boolean,
  ) {
    this.#kind = valueKind(codec);
  }

  /** `undefined`: NaN, which is not published. */
  valueOf(code: Code): PointValue | undefined {
    const text = this.inWords ? this.codec.text(code) : undefined;
    if (text !== undefined) return withNumber(text, this.codec.value(code));
    switch (this.#kind) {
      case 'float': {
        const number = this.codec.value(code);
        return Number.isNaN(number) ? undefined : floatValue(number);
      }
      case 'int':
        return intValue(this.codec.scaling.exact(code).digits);
      case 'text':
        return withNumber(this.codec.valueText(code), this.codec.value(code));
    }
  }
}

/** A text with its number: generation 1 carries both. */
function withNumber(text: string, number: number): PointValue {
  return number === 0 ? { kind: 'string', text } : { kind: 'string', text, number };
}

/** The code that a setting asks for, or why it is refused, for people. */
export function codeOfPoint(
  codec: SignalCodec,
  { value }: Point,
): Code | { readonly problem: string } {
  const decimal = decimalOf(value);
  if (decimal === undefined) {
    const word = value.kind === 'string' ? value.text : undefined;
    const code = word === undefined ? undefined : codec.codeOfText(word);
    return (
      code ?? {
        problem: `${word === undefined ? 'this' : JSON.stringify(word)} is no value; give ${allowed(codec)}`,
      }
    );
  }
  const result = codec.codeOfValue(decimal);
  return typeof result === 'string' ? { problem: `the value is outside ${result}` } : result.code;
}

function decimalOf(value: PointValue): Decimal | undefined {
  switch (value.kind) {
    case 'float':
      return parseDecimal(String(value.number));
    case 'int':
      return { digits: value.integer, scale: 0 };
    case 'string':
    case 'json':
      return parseDecimal(value.text);
    case 'none':
      return undefined;
  }
}

function allowed(codec: SignalCodec): string {
  const words = [...new Set(codec.texts.values())];
  return `${codec.allowed}${words.length === 0 ? '' : `, or ${words.slice(0, 8).join(', ')}`}`;
}
