/**
 * Commands to a device by the shell protocol (docs/siot.md, 3):
 *
 * ```
 *  p TYPE KEY INT|FLT|STR DATA TIME        sets a point
 * ```
 *
 * Today's firmware (docs/siot.md, 2.11) has integers of 32 bits, takes no exponent, and
 * does not look at the time.
 */
import { canonicalKey, type Point, type PointValue } from '../../point/point.js';
import { textLength } from '../text.js';
import { fieldProblem, quoteField, type FieldProblem } from './fields.js';
import type { ShellDataType } from './line.js';
import { plainDecimal } from './numbers.js';
import { formatTime } from './time.js';

/** Makes the device report each change. */
export const STREAM_ON = 'siot stream on';

/** Asks for all points. */
export const DUMP = 'siot dump';

/** Sent at each opening, in this order: the console is to be silent, and the points to come. */
export const HANDSHAKE: readonly string[] = [
  '',
  'shell echo off',
  'shell colors off',
  STREAM_ON,
  DUMP,
];

/** Longest command without its line end, bytes: Zephyr's shell has 256, with the zero behind it. */
export const MAX_COMMAND_BYTES = 255;

/** Widths of a point in today's firmware, bytes: what is as long or longer is cut off there. */
const WIDTHS = { type: 24, key: 20, text: 20 } as const;

const WHY: Readonly<Record<FieldProblem, string>> = {
  backslash: 'a backslash',
  controlCharacter: 'a control character, such as a line end or a tab',
  notAscii: 'a character outside ASCII',
};

/** A command, or why there is none, for people. */
export type ShellCommand =
  { readonly line: string; readonly whyNot?: undefined } | { readonly whyNot: string };

/** The command that sets a point to a value. */
export function setCommand(point: Point, value: PointValue): ShellCommand {
  const data = dataOf(value);
  if (typeof data === 'string') return { whyNot: data };
  const [dataType, text] = data;
  const { type } = point;
  const key = canonicalKey(point.key);
  for (const [what, field] of [
    ['type', type],
    ['key', key],
    ['text', text],
  ] as const) {
    const problem = fieldProblem(field);
    if (problem === undefined) continue;
    return { whyNot: `its ${what} has ${WHY[problem]}, which the device's shell does not take` };
  }
  const fields = [type, key, dataType, text].map(quoteField).join(' ');
  const line = `p ${fields} ${formatTime(point.time)}`;
  const length = textLength(line);
  if (length <= MAX_COMMAND_BYTES) return { line };
  return {
    whyNot:
      `too long for the device: a command of ${String(length)} bytes, and its shell takes ` +
      String(MAX_COMMAND_BYTES),
  };
}

/** What of a point today's firmware would cut off, for people; `undefined`: nothing. */
export function cutOff({ type, key }: Point, value: PointValue): string | undefined {
  const text = value.kind === 'string' || value.kind === 'json' ? value.text : '';
  for (const [what, field] of [
    ['type', type],
    ['key', key],
    ['text', text],
  ] as const) {
    const [length, width] = [textLength(field), WIDTHS[what]];
    if (length < width) continue;
    return (
      `its ${what} has ${String(length)} bytes, and firmware as zephyr-siot keeps ` +
      `${String(width - 1)} of them`
    );
  }
  return undefined;
}

/** Whether a reported text is all that a device of these widths keeps of the one that it was set to. */
export function isCutOff(reported: string, set: string): boolean {
  const kept = Buffer.from(set).subarray(0, WIDTHS.text);
  const said = Buffer.from(reported);
  return kept.length === WIDTHS.text && said.length >= WIDTHS.text - 1 && kept.indexOf(said) === 0;
}

const INT32_MAX = 2n ** 31n;

/** Its word and its text, or why it has none. */
function dataOf(value: PointValue): readonly [ShellDataType, string] | string {
  switch (value.kind) {
    case 'none':
      return 'it has no value, which the shell protocol has no word for';
    case 'float':
      return Number.isFinite(value.number)
        ? ['FLT', plainDecimal(value.number)]
        : 'it is infinite, which firmware does not read';
    case 'int': {
      const { integer } = value;
      const number = Number(integer);
      // An integer of 32 bits would be another one; a float is near at least.
      const isLarge = integer >= INT32_MAX || integer < -INT32_MAX;
      return isLarge && BigInt(number) === integer
        ? ['FLT', plainDecimal(number)]
        : ['INT', integer.toString()];
    }
    case 'string':
      return ['STR', value.text];
    case 'json':
      return ['JSN', value.text];
  }
}
