import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenize } from '../../../firmware-sim/shell/tokenizer.js';
import {
  HANDSHAKE,
  cutOff,
  isCutOff,
  MAX_COMMAND_BYTES,
  setCommand,
} from '../../../src/packet/shell/command.js';
import { lineOf } from '../../../src/framing/text-lines.js';
import { fieldProblem, quoteField, splitFields } from '../../../src/packet/shell/fields.js';
import { readLine } from '../../../src/packet/shell/line.js';
import { isRounded, parseFloating, plainDecimal } from '../../../src/packet/shell/numbers.js';
import { formatTime, parseTime } from '../../../src/packet/shell/time.js';
import {
  floatValue,
  intValue,
  jsonValue,
  makePoint,
  NO_VALUE,
  stringValue,
  type PointValue,
} from '../../../src/point/point.js';
import { loadVectors } from '../../firmware-sim/vectors.js';

const TIME = 1_767_323_045_678_901_234n;
const TIME_TEXT = '2026-01-02T03:04:05.678901234Z';

const zephyr = (line: string): string[] | undefined =>
  tokenize(Buffer.from(line))?.map((word) => word.toString());

const command = (value: PointValue, type = 'x', key = ''): string | undefined => {
  const made = setCommand(makePoint({ type, key, value, time: TIME }), value);
  return made.whyNot === undefined ? made.line : undefined;
};
const whyNot = (value: PointValue): string | undefined =>
  setCommand(makePoint({ type: 'x', value, time: TIME }), value).whyNot;

describe('reports', () => {
  const point = (line: string): unknown => {
    const said = readLine(line);
    return said.kind === 'point' ? said.point : said;
  };

  it.each([
    ['pt temp front FLT -12.25', { type: 'temp', key: 'front', value: floatValue(-12.25) }],
    ['pt temp 0 INT -40', { type: 'temp', value: intValue(-40n) }],
    ['pt temp "" INT 9223372036854775807', { type: 'temp', value: intValue(2n ** 63n - 1n) }],
    ['pt\x20\t a  0\t\tINT   +7  ""', { type: 'a', value: intValue(7n) }],
    [
      'pt a 0 STR "lab \\"bench\\" \\\\ \\n"',
      { type: 'a', value: stringValue('lab "bench" \\ \n') },
    ],
    ['pt a 0 STR a\\b', { type: 'a', value: stringValue('a\\b') }],
    ["pt a 0 STR don't", { type: 'a', value: stringValue("don't") }],
    ['pt a 0 STR ""', { type: 'a', value: stringValue('') }],
    ['pt a 0 JSN "{\\"b\\":1}"', { type: 'a', value: jsonValue('{"b":1}') }],
    ['pt a 0 FLT 1e-3', { type: 'a', value: floatValue(0.001) }],
    ['pt a 0 FLT NaN', { type: 'a', value: floatValue(Number.NaN) }],
    ['pt a 0 FLT -inf', { type: 'a', value: floatValue(-Infinity) }],
    ['pt a 0 FLT 0x1.8p1', { type: 'a', value: floatValue(3) }],
    [`pt a 0 INT 1 ${TIME_TEXT} and more`, { type: 'a', value: intValue(1n), time: TIME }],
    [
      'pt a 0 INT 1 2026-01-02T05:04:05.5+02:00',
      { type: 'a', value: intValue(1n), time: 1_767_323_045_500_000_000n },
    ],
  ] as const)('%s', (line, expected) => {
    expect(point(line)).toEqual(makePoint(expected));
  });

  it.each([
    'pt',
    'pt a 0 INT',
    'pt "" 0 INT 1',
    'pt a 0 int 1',
    'pt a 0 INT 1.5',
    'pt a 0 INT 9223372036854775808',
    'pt a 0 FLT 1e999',
    'pt a 0 FLT one',
    'pt a 0 STR two words',
    'pt a 0 STR "open',
    'pt a 0 INT 1 yesterday',
    'pt a 0 INT 1 2026-02-30T00:00:00Z',
  ])('%s is broken', (line) => {
    expect(readLine(line).kind).toBe('broken');
  });

  it.each(['pt\ta 0 INT 1', 'ptx', 'p a 0 INT 1', 'PT a 0 INT 1', 'siot: command not found'])(
    '%s says nothing',
    (line) => {
      expect(readLine(line)).toEqual({ kind: 'other' });
    },
  );

  it('knows log lines and the banner of a start', () => {
    expect(readLine('[00:01:02.345,678] <wrn> pump: dry')).toEqual({
      kind: 'log',
      sinceStartMs: 62_345,
    });
    expect(readLine('[123:00:00.000,000] <inf> pump: on')).toEqual({
      kind: 'log',
      sinceStartMs: 442_800_000,
    });
    expect(readLine('[00:01:02.345,678] <xyz> pump: dry').kind).toBe('other');
  });

  it.each([
    '*** Booting Zephyr OS build v3.7.0 ***',
    '*** Booting nRF Connect SDK v3.1.0-6c6e5b32496e ***',
    '*** Using Zephyr OS v4.1.99-1612683d4010 ***',
    '*** Booting MCUboot v2.1.0 ***',
    'pt temp 0 FL*** Booting Zephyr OS build v3.7.0 ***',
    'pt label 0 STR "Pump *** Booting Zephyr OS build v3.7.0 ***',
    'pt label 0 STR "a \\" b" 202*** Booting Zephyr OS build v3.7.0 ***',
    '[00:01:02.345,678] <wrn> pump: d*** Booting Zephyr OS build v3.7.0 ***',
  ])('%s is the banner of a start', (line) => {
    expect(readLine(line)).toEqual({ kind: 'booted' });
  });

  it.each([
    ['pt label 0 STR "*** Booting Zephyr OS"', 'point'],
    ['pt label 0 STR "say \\"*** Booting Zephyr OS\\""', 'point'],
    ['[00:01:02.345,678] <wrn> pump: *** stopped ***', 'log'],
    ['*** Booting***', 'other'],
  ])('%s is none', (line, kind) => {
    expect(readLine(line).kind).toBe(kind);
  });
});

describe('commands', () => {
  it('are those of the worked examples', () => {
    const { handshake, write, report, log } = Object.fromEntries(
      loadVectors()
        .filter(({ kind }) => kind === 'shell')
        .map(({ name, hex }) => [name.replace('g2-shell-', ''), Buffer.from(hex, 'hex')]),
    );
    expect(Buffer.concat(HANDSHAKE.map(lineOf)).toString()).toBe(String(handshake));
    const text = stringValue('lab bench');
    expect(`${command(text, 'description') ?? ''}\r\n`).toBe(String(write));
    expect(readLine(String(report).trim())).toMatchObject({
      point: { type: 'temp', key: 'front', value: floatValue(-12.25) },
    });
    expect(readLine(String(log).trim())).toEqual({ kind: 'log', sinceStartMs: 12_345 });
  });

  it.each([
    [stringValue('lab bench'), `p x 0 STR "lab bench" ${TIME_TEXT}`],
    [stringValue(''), `p x 0 STR "" ${TIME_TEXT}`],
    [stringValue("don't"), `p x 0 STR "don't" ${TIME_TEXT}`],
    [stringValue('say "on"'), `p x 0 STR "say \\"on\\"" ${TIME_TEXT}`],
    [jsonValue('{"a":1}'), `p x 0 JSN "{\\"a\\":1}" ${TIME_TEXT}`],
    [floatValue(-12.25), `p x 0 FLT -12.25 ${TIME_TEXT}`],
    [floatValue(1e21), `p x 0 FLT 1000000000000000000000 ${TIME_TEXT}`],
    [floatValue(-1.5e-7), `p x 0 FLT -0.00000015 ${TIME_TEXT}`],
    [intValue(-40n), `p x 0 INT -40 ${TIME_TEXT}`],
    [intValue(-(2n ** 31n)), `p x 0 INT -2147483648 ${TIME_TEXT}`],
    [intValue(2n ** 31n), `p x 0 FLT 2147483648 ${TIME_TEXT}`],
    [intValue(2n ** 53n + 1n), `p x 0 INT 9007199254740993 ${TIME_TEXT}`],
  ])('of %o', (value, line) => {
    expect(command(value)).toBe(line);
  });

  it.each([
    [stringValue('C:\\temp'), 'a backslash'],
    [stringValue('two\nlines'), 'a control character'],
    [stringValue('Außen'), 'its text has a character outside ASCII, which the device'],
    [stringValue('20 \u{1f321}'), 'outside ASCII'],
    [floatValue(Infinity), 'infinite'],
    [NO_VALUE, 'no value'],
    [stringValue('x'.repeat(MAX_COMMAND_BYTES)), 'takes 255'],
  ])('are refused with the reason: %o', (value, reason) => {
    expect(whyNot(value)).toContain(reason);
  });

  it('have 255 bytes at most', () => {
    expect(MAX_COMMAND_BYTES).toBe(255);
    const room = MAX_COMMAND_BYTES - `p x 0 STR  ${TIME_TEXT}`.length;
    expect(command(stringValue('x'.repeat(room)))?.length).toBe(MAX_COMMAND_BYTES);
    expect(command(stringValue('x'.repeat(room + 1)))).toBeUndefined();
  });

  it('say what small firmware cuts off', () => {
    expect(
      cutOff(makePoint({ type: 'x', value: NO_VALUE }), stringValue('x'.repeat(19))),
    ).toBeUndefined();
    expect(
      cutOff(makePoint({ type: 'x', value: NO_VALUE }), stringValue('x'.repeat(20))),
    ).toContain('20 bytes');
    expect(cutOff(makePoint({ type: 'x'.repeat(24), value: NO_VALUE }), floatValue(1))).toContain(
      'its type',
    );
    expect(isCutOff('abcdefghijklmnopqrs', 'abcdefghijklmnopqrstu')).toBe(true);
    expect(isCutOff('abcdefghijklmnopqr', 'abcdefghijklmnopqrstu')).toBe(false);
    expect(isCutOff('abc', 'abcd')).toBe(false);
  });

  it('have fields that SIOT and Zephyr read alike', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'grapheme' }),
      fc
        .array(fc.constantFrom('"', "'", ' ', 'x', '\\', '\t', '0', '$', '\u00e9'))
        .map((all) => all.join('')),
    );
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 6 }), (all) => {
        const fields = all.filter((field) => fieldProblem(field) === undefined);
        const line = fields.map(quoteField).join(' ');
        expect(splitFields(line)).toEqual(fields);
        expect(zephyr(line)).toEqual(fields);
      }),
    );
  });

  it('keep every double, and every time', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const text = plainDecimal(number);
        expect(text).toMatch(/^-?\d+(\.\d+)?$/);
        expect(parseFloating(text)).toBe(number);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (ns) => {
        expect(parseTime(formatTime(ns))).toBe(ns);
      }),
    );
    expect(parseTime('0001-01-01T00:00:00Z')).toBe(0n);
  });
});

describe('a report of a number that was set', () => {
  it.each([
    [23.1235, 23.12345, true],
    [23.1234, 23.12345, true],
    [23.1236, 23.12345, false],
    [23.12, 23.12345, false],
    [0, 0.0001, false],
    [0.1, 0.1, true],
    [Math.fround(0.1), 0.1, true],
    [16_777_216, 16_777_217, true],
    [5, 4, false],
    [-40, 216, false],
    [21.4567, 21.4567895, true],
    [1e10, 1e10 + 1, true],
    [Infinity, 1, false],
  ])('%d for %d: %s', (reported, set, same) => {
    expect(isRounded(reported, set)).toBe(same);
  });

  it('is what single precision with four decimals makes of it', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (set) => {
        expect(isRounded(Number(Math.fround(set).toFixed(4)), set)).toBe(true);
      }),
    );
  });
});
