/** What `siot-mcu set` makes of its arguments. */
import type { SetRequest } from '../gateway/verbs.js';
import { decimalNumber } from '../point/decimal-number.js';
import { keyProblem, tokenProblem } from '../point/token.js';
import { CliError, EXIT_WRONG } from './errors.js';

export interface ValueForm {
  readonly text?: true;
  readonly json?: true;
  readonly int?: true;
}

const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

/** Numbers are floats, true and false 1 and 0, all else is text; unless an option says so. */
export function parseValue(word: string, form: ValueForm): SetRequest['value'] {
  if (form.text) return { kind: 'string', text: word };
  if (form.json) {
    try {
      JSON.parse(word);
    } catch (cause) {
      throw new CliError(`VALUE is no JSON: ${word}`, EXIT_WRONG, { cause });
    }
    return { kind: 'json', text: word };
  }
  if (form.int) {
    const integer = /^[+-]?\d{1,20}$/.test(word) ? BigInt(word) : undefined;
    if (integer === undefined || integer < INT64.min || integer > INT64.max) {
      throw new CliError(`VALUE is no whole number of 64 bits: ${word}`, EXIT_WRONG);
    }
    return { kind: 'int', integer: String(integer) };
  }
  if (word === 'true' || word === 'false')
    return { kind: 'float', number: Number(word === 'true') };
  const number = decimalNumber(word);
  return number === undefined ? { kind: 'string', text: word } : { kind: 'float', number };
}

/** `TYPE` or `TYPE/KEY`; throws a {@link CliError} for what cannot be a point. */
export function parseTarget(word: string): { readonly type: string; readonly key: string } {
  const slash = word.indexOf('/');
  const type = slash === -1 ? word : word.slice(0, slash);
  const key = slash === -1 ? '' : word.slice(slash + 1);
  if ((tokenProblem(type) ?? keyProblem(key)) !== undefined) {
    throw new CliError(
      `${JSON.stringify(word)} names no point: give TYPE or TYPE/KEY without dots, spaces, * and >, ` +
        'at most 255 bytes each',
      EXIT_WRONG,
    );
  }
  return { type, key };
}
