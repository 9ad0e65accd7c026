import { CliError } from '../../../src/cli/errors.js';
import { parseTarget, parseValue, type ValueForm } from '../../../src/cli/set-value.js';
import { keyProblem, tokenProblem } from '../../../src/point/token.js';
import { agree, must, type FuzzTarget } from '../target.js';

const FORMS: readonly ValueForm[] = [
  {},
  { text: true },
  { number: true },
  { json: true },
  { int: true },
];

/** The TYPE/KEY and VALUE of `siot-mcu set`. */
export const setTarget: FuzzTarget = {
  name: 'set',
  files: ['src/cli/set-value.ts', 'src/point/token.ts'],
  maxLength: 300,
  words: ['true', '1e999', '-9223372036854775808', '0x10', '/', '\ufffd', '.5', '{"a":1}'],
  corpus: () =>
    ['flow/1', '12.5', 'true', '-7', '{"a":[1]}', 'auto', '9223372036854775808', 'a.b'].map(
      (text) => Uint8Array.from(Buffer.from(text)),
    ),
  check: (input) => {
    const word = Buffer.from(input).toString('utf8');
    for (const form of FORMS) checkValue(word, form);
    const target = orRefused(() => parseTarget(word));
    if (target === undefined) return;
    must((tokenProblem(target.type) ?? keyProblem(target.key)) === undefined, 'no subject token');
    agree('put together', word.startsWith(target.type) && word.endsWith(target.key), true);
  },
};

function checkValue(word: string, form: ValueForm): void {
  const value = orRefused(() => parseValue(word, form));
  if (value === undefined) {
    must(form.json === true || form.int === true || form.number === true, 'a text refused');
    return;
  }
  switch (value.kind) {
    case 'float':
      must(Number.isFinite(value.number), 'a number that JSON cannot carry');
      break;
    case 'int':
      agree('64 bits', BigInt.asIntN(64, BigInt(value.integer)), BigInt(value.integer));
      agree('the number', BigInt(value.integer), BigInt(word.replace(/^\+/, '')));
      break;
    case 'string':
    case 'json':
    case 'word':
      agree('text', value.text, word);
      break;
    case 'none':
      must(false, 'no value of a word');
  }
}

function orRefused<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    must(error.status === 2, 'not told as a wrong command line');
    return undefined;
  }
}
