/** The statement SG_ of a DBC file: a signal of a message. */
import type { ProblemList } from './check.js';
import { MAX_SIGNAL_BITS, type Place } from './database.js';
import type { DraftSignal } from './dbc-draft.js';
import type { DbcScanner } from './dbc-scanner.js';
import { compareDecimals, parseDecimal, type Decimal } from './decimal.js';

/** A word in the same line as what is before it. */
export const SAME_LINE_WORD = /(?<!\n[ \t]*)[^\s:;,"|@()[\]]+/y;

/** Reads what follows the name of a signal. */
export function readSignal(
  scanner: DbcScanner,
  problems: ProblemList,
  name: string,
  place: Place,
): DraftSignal {
  const multiplex = readMultiplexMark(scanner, name);
  scanner.mark(':', `after ${name}`);
  const start = Number(scanner.integer('the start bit'));
  scanner.mark('|', 'between start bit and length');
  const length = Number(scanner.integer('the length in bits'));
  if (![start, length].every((bits) => bits >= 0 && bits <= MAX_SIGNAL_BITS)) {
    scanner.fail(`start and length of ${name} must be 0 to ${MAX_SIGNAL_BITS} bits`, place);
  }
  scanner.mark('@', 'before the byte order');
  const order = scanner.take(/[01]/y) ?? scanner.fail('the byte order is 0 (big) or 1 (little)');
  const sign = scanner.take(/[+-]/y) ?? scanner.fail('+ (unsigned) or - (signed) belongs here');
  scanner.mark('(', 'before factor and offset');
  const factor = readDecimal(scanner, 'the factor');
  scanner.mark(',', 'between factor and offset');
  const offset = readDecimal(scanner, 'the offset');
  scanner.mark(')', 'after factor and offset');
  const range = readRange(scanner, problems);
  const unit = scanner.string('the unit in quotes');
  skipReceivers(scanner);
  return {
    name,
    start,
    length,
    byteOrder: order === '1' ? 'little' : 'big',
    kind: sign === '-' ? 'signed' : 'unsigned',
    factor,
    offset,
    ...range,
    unit,
    comment: '',
    texts: new Map(),
    isMultiplexer: multiplex.isMultiplexer,
    ...(multiplex.code === undefined ? {} : { code: multiplex.code }),
    place,
  };
}

/** Reads `M`, `m3` or `m3M` between name and colon, if it is there. */
function readMultiplexMark(
  scanner: DbcScanner,
  name: string,
): { readonly isMultiplexer: boolean; readonly code?: bigint } {
  const place = scanner.place();
  const mark = scanner.takeWord();
  if (mark === undefined) return { isMultiplexer: false };
  const [, plain, code, nested] = /^(?:(M)|m(\d+)(M)?)$/.exec(mark) ?? [];
  if (plain === undefined && code === undefined) {
    const what = JSON.stringify(mark.slice(0, 40));
    scanner.fail(`${what} stands where M, m0, m0M or a colon belongs after ${name}`, place);
  }
  return {
    isMultiplexer: plain !== undefined || nested !== undefined,
    ...(code === undefined ? {} : { code: BigInt(code) }),
  };
}

/** Reads the range. `[0|0]` means that there is none. */
function readRange(
  scanner: DbcScanner,
  problems: ProblemList,
): { minimum?: Decimal; maximum?: Decimal } {
  scanner.mark('[', 'before the range');
  const place = scanner.place();
  const minimum = readDecimal(scanner, 'the least value');
  scanner.mark('|', 'between least and greatest value');
  const maximum = readDecimal(scanner, 'the greatest value');
  scanner.mark(']', 'after the range');
  if (minimum.digits === 0n && maximum.digits === 0n) return {};
  if (compareDecimals(minimum, maximum) > 0) {
    problems.warn(place, 'the least value is above the greatest: the range is ignored');
    return {};
  }
  return { minimum, maximum };
}

/** Receivers do not matter for frames and codes. */
function skipReceivers(scanner: DbcScanner): void {
  while (scanner.take(SAME_LINE_WORD) !== undefined || scanner.takeMark(','));
}

function readDecimal(scanner: DbcScanner, what: string): Decimal {
  const place = scanner.place();
  const text = scanner.number(what);
  return parseDecimal(text) ?? scanner.fail(`${text} is too large or too small`, place);
}
