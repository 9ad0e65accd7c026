/** The arguments of `siot-mcu set`. */
import type { SetRequest } from '../gateway/control/control.js';
import { numberOfWord } from '../point/decimal-number.js';
import { parseInt64 } from '../point/int64.js';
import { pointTarget } from '../point/point-info.js';
import { keyProblem, tokenProblem } from '../point/token.js';
import { CliError, EXIT_WRONG } from './errors.js';

/** Options that say what VALUE is; at most one is given. */
export interface ValueForm {
  readonly text?: true;
  readonly number?: true;
  readonly json?: true;
  readonly int?: true;
}

/**
 * The value of a word, of the kind that an option names. Without an option the gateway
 * decides by what the device reports.
 */
export function parseValue(word: string, form: ValueForm): SetRequest['value'] {
  if (form.text) return { kind: 'string', text: word };
  if (form.number) {
    const number = numberOfWord(word);
    if (number === undefined) {
      throw new CliError(`VALUE is no number, on, off, true or false: ${word}`, EXIT_WRONG);
    }
    return { kind: 'float', number };
  }
  if (form.json) {
    try {
      JSON.parse(word);
    } catch (cause) {
      throw new CliError(`VALUE is no JSON: ${word}`, EXIT_WRONG, { cause });
    }
    return { kind: 'json', text: word };
  }
  if (form.int) {
    const integer = parseInt64(word);
    if (integer === undefined) {
      throw new CliError(`VALUE is no whole number of 64 bits: ${word}`, EXIT_WRONG);
    }
    return { kind: 'int', integer: String(integer) };
  }
  return { kind: 'word', text: word };
}

/** Reads `TYPE` or `TYPE/KEY`. Throws a {@link CliError} if it cannot be a point. */
export function parseTarget(word: string): { readonly type: string; readonly key: string } {
  const { type, key = '' } = pointTarget(word);
  if ((tokenProblem(type) ?? keyProblem(key)) !== undefined) {
    throw new CliError(
      `${JSON.stringify(word)} names no point: give TYPE or TYPE/KEY without dots, spaces, * and >, ` +
        'at most 255 bytes each',
      EXIT_WRONG,
    );
  }
  return { type, key };
}
