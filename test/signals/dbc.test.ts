import { describe, expect, it } from 'vitest';
import { readDatabase } from '../../src/signals/formats.js';
import { features, parse, problemsOf, warningsOf } from './support.js';
import { SLOWNESS } from '../support/slowness.js';

const SIGNAL = ' SG_ S : 0|8@1+ (1,0) [0|0] "" X';
const message = (signals: string, head = 'BO_ 1 M: 8 X'): string => `${head}\n${signals}\n`;

describe('a DBC database', () => {
  it('is read with units, comments, ranges, cycle times and long names', () => {
    const database = features('dbc');
    expect(database.warnings).toEqual([]);
    const motor = database.messages[0];
    expect(motor).toMatchObject({ name: 'Motor', length: 8, cycleMs: 100, comment: 'The motor.' });
    expect(motor?.signals[0]).toMatchObject({
      name: 'Speed',
      unit: 'rpm',
      comment: 'Of the shaft,\nover two lines.',
      maximum: { digits: 65535n, scale: 1 },
      place: { line: 15, column: 6 },
    });
    expect(motor?.signals[1]?.unit).toBe('°C');
    expect(motor?.signals[2]?.minimum).toBeUndefined();
    expect([...(motor?.signals[3]?.texts ?? [])]).toEqual([
      [0n, 'Off'],
      [1n, 'On'],
    ]);
    const last = database.messages.at(-1);
    expect(last?.name).toBe('ALongNameCutTo32CharactersByToolsIsWhole');
    expect(last?.signals[0]?.name).toBe('AlsoCutTo32CharactersByTheToolsIsWhole');
  });

  it('knows FD by attribute, and by length', () => {
    const fd = features('dbc').messages.map(({ name, fd, bitRateSwitch }) => [
      name,
      fd,
      bitRateSwitch,
    ]);
    expect(fd).toContainEqual(['Fd', true, true]);
    expect(fd).toContainEqual(['Wide', true, true]);
    expect(fd).toContainEqual(['Motor', false, false]);
  });

  it('passes over signals that belong to no message', () => {
    expect(features('dbc').messages.map(({ name }) => name)).not.toContain(
      'VECTOR__INDEPENDENT_SIG_MSG',
    );
  });

  it('may be in Windows-1252, UTF-8 with and without a mark, and UTF-16', () => {
    const text = message(SIGNAL.replace('""', '"°C"'));
    const unit = (bytes: Uint8Array) => readDatabase(bytes).messages[0]?.signals[0]?.unit;
    expect(unit(Buffer.from(text, 'latin1'))).toBe('°C');
    expect(unit(Buffer.from(text, 'utf8'))).toBe('°C');
    expect(unit(Buffer.from(`\ufeff${text}`, 'utf8'))).toBe('°C');
    expect(unit(Buffer.from(`\ufeff${text}`, 'utf16le'))).toBe('°C');
    expect(unit(Buffer.from(text.replace('°C', '\x80'), 'latin1'))).toBe('€');
  });

  it('may be written without spaces, and with many', () => {
    const tight = 'BO_ 1 M:8 X\nSG_ S m0:0|8@1-(1,-2)[-5|+5]"%"X,Y\nSG_ P M:8|8@1+(1,0)[0|0]""X';
    const wide = tight.replaceAll(/([:|@(),[\]])/g, ' $1 ').replaceAll('1-', '1 -');
    for (const text of [tight, wide]) {
      expect(parse(text).messages[0]?.signals[0]).toMatchObject({
        kind: 'signed',
        offset: { digits: -2n, scale: 0 },
        unit: '%',
        selection: { by: 'P', ranges: [{ from: 0n, to: 0n }] },
      });
    }
  });

  it('may have sections that nobody knows: ignored with a warning', () => {
    const database = parse(
      `NEW_THING_ 1 "a;b" 2;\n${message(SIGNAL)}NEW_THING_ 2;\nODD_ 1 2\nCM_ "x";\n`,
    );
    expect(database.messages).toHaveLength(1);
    expect(warningsOf(database)).toEqual([
      '1:1: the section NEW_THING_ is not known and ignored',
      '5:1: the section ODD_ is not known and ignored',
    ]);
  });

  it('may have a range upside down and texts for fractions: they are ignored with a warning', () => {
    const signal = ' SG_ S : 0|8@1+ (1,0) [5|-5] "" X';
    const database = parse(`${message(signal)}VAL_ 1 S 1.5 "half" 2 "two" ;\n`);
    const [read] = database.messages[0]?.signals ?? [];
    expect([read?.minimum, read?.maximum, [...(read?.texts ?? [])]]).toEqual([
      undefined,
      undefined,
      [[2n, 'two']],
    ]);
    expect(warningsOf(database)).toEqual([
      '2:24: the least value is above the greatest: the range is ignored',
      '3:10: the text for 1.5 is ignored: codes are whole numbers',
    ]);
  });

  it('may hold megabytes of comments', () => {
    const comment = `CM_ BO_ 1 "${'a line, \\"quoted\\"; and more\n'.repeat(60_000)}";\n// ${'-'.repeat(1_000_000)}\n`;
    const started = performance.now();
    const database = parse(message(SIGNAL) + comment.repeat(3));
    expect(database.messages[0]?.comment.length).toBeGreaterThan(1_000_000);
    expect(performance.now() - started).toBeLessThan(5_000 * SLOWNESS);
  });

  it('warns of signals that share bits, unless they cannot meet', () => {
    const two = ' SG_ A : 0|8@1+ (1,0) [0|0] "" X\n SG_ B : 7|2@1+ (1,0) [0|0] "" X';
    expect(warningsOf(parse(message(two)))).toEqual(['3:6: M.B shares bits with A in line 2']);
    const apart = two.replace('A :', 'A m0 :').replace('B :', 'B m1 :');
    const page = ' SG_ P M : 32|8@1+ (1,0) [0|0] "" X';
    expect(warningsOf(parse(message(`${apart}\n${page}`)))).toEqual([]);
  });

  it('may have thousands of signals with the same bits, one for each code', () => {
    const page = ' SG_ P M : 0|16@1+ (1,0) [0|0] "" X';
    const signals = Array.from(
      { length: 4000 },
      (_, code) => ` SG_ S${code} m${code} : 16|48@1+ (1,0) [0|0] "" X`,
    );
    const text = message([page, ...signals, signals[7]?.replace('S7', 'T')].join('\n'));
    // Minutes, above the limit of a test, where each is held against each for each of its bits.
    expect(warningsOf(parse(text))).toEqual(['4003:6: M.T shares bits with S7 in line 10']);
  });

  it('warns of a signal that no code of its multiplexer selects', () => {
    const page = ' SG_ P M : 0|4@1- (1,0) [0|0] "" X';
    const signals = [7, 8].map((code) => ` SG_ S${code} m${code} : 8|8@1+ (1,0) [0|0] "" X`);
    expect(warningsOf(parse(message([page, ...signals].join('\n'))))).toEqual([
      '4:6: M.S8 is in no frame: its multiplexer P has the codes -8 to 7, and none of them selects it',
    ]);
  });

  it('warns of what refers to nothing', () => {
    const text = `${message(SIGNAL)}CM_ SG_ 1 T "x";\nVAL_ 2 S 1 "a" ;\nVAL_ 1 S 256 "b" ;\n`;
    expect(warningsOf(parse(text))).toEqual([
      '2:6: M.S has a text for 256, but its codes are 0 to 255',
      '3:9: the message M has no signal T',
      '4:6: there is no message 2',
    ]);
  });
});

describe('a DBC database is refused, with line and column, that', () => {
  it.each<[string, string, string]>([
    [
      'has a signal beyond its message',
      message(SIGNAL.replace('0|8', '60|8')),
      '2:6: M.S reaches into byte 8, but M has only bytes 0 to 7',
    ],
    [
      'has a big-endian signal beyond its message',
      message(SIGNAL.replace('0|8@1', '56|2@0')),
      '2:6: M.S reaches into byte 8',
    ],
    [
      'has one id twice',
      message(SIGNAL) + message(SIGNAL, 'BO_ 1 N: 8 X'),
      '3:5: N has the id 0x001 of M in line 1',
    ],
    [
      'has one signal twice',
      message(`${SIGNAL}\n${SIGNAL}`),
      '3:6: M has a second signal S; the first is in line 2',
    ],
    [
      'has a standard id of 12 bits',
      message(SIGNAL, 'BO_ 2048 M: 8 X'),
      '1:5: M has the id 0x800, which needs more than 11 bits',
    ],
    [
      'has an id of 33 bits',
      message(SIGNAL, 'BO_ 4294967296 M: 8 X'),
      '1:5: the id 4294967296 has more than 32 bits',
    ],
    [
      'has no multiplexer',
      message(SIGNAL.replace('S :', 'S m1 :')),
      '2:6: M.S is multiplexed, but the message has no multiplexer M',
    ],
    [
      'has multiplexers in a circle',
      message(' SG_ A m0M : 0|8@1+ (1,0) [0|0] "" X\n SG_ B m0M : 8|8@1+ (1,0) [0|0] "" X') +
        'SG_MUL_VAL_ 1 A B 0-0;\nSG_MUL_VAL_ 1 B A 0-0;\n',
      '2:6: M.A is selected by itself, over B',
    ],
    [
      'has a float of 16 bits',
      message(SIGNAL.replace('|8@', '|16@')) + 'SIG_VALTYPE_ 1 S : 1;',
      '2:6: M.S is a single float and has 16 bits; it needs 32',
    ],
    ['has the factor 0', message(SIGNAL.replace('(1,', '(0,')), '2:6: M.S has the factor 0'],
    ['has a signal of no bits', message(SIGNAL.replace('|8@', '|0@')), '2:6: M.S has 0 bits'],
    ['has a signal without a message', SIGNAL, '1:6: S stands before the first message'],
    [
      'ends in a text',
      `${message(SIGNAL)}CM_ BO_ 1 "never closed`,
      '3:11: this text has no closing "',
    ],
    [
      'ends in a signal',
      'BO_ 1 M: 8 X\n SG_ S : 0|8',
      '2:13: the file ends where @ before the byte order belongs',
    ],
    [
      'has a word where a number belongs',
      message(SIGNAL.replace('0|8', 'x|8')),
      '2:10: "x" stands where the start bit belongs',
    ],
    [
      'has a byte order of 2',
      message(SIGNAL.replace('@1', '@2')),
      '2:14: the byte order is 0 (big) or 1 (little)',
    ],
    ['is something else', '#!/bin/sh\necho', '1:1: "#!/bin/sh" begins no DBC database'],
    [
      'is binary',
      '\x7fELF\x02\x01\0',
      '1:1: "\x7fELF\\u0002\\u0001\\u0000" begins no DBC database',
    ],
    ['is empty', ' \n', '2:1: the file is empty'],
    [
      'has a text without a number',
      `${message(SIGNAL)}VAL_ 1 S "x" ;`,
      '3:10: "\\"" stands where a number, or the name of a value table belongs',
    ],
  ])('%s', (_what, text, expected) => {
    const problems = problemsOf(text);
    expect(problems[0]).toContain(expected);
  });

  it('says all that is wrong, in the order of the file', () => {
    const text = `BO_ x M: 8 X\n${message(SIGNAL.replace('@1', '@9'), 'BO_ 2 N: 8 X')}VAL_ 2 S 1;\n`;
    expect(problemsOf(text).map((problem) => problem.split(':')[0])).toEqual(['1', '3', '4']);
  });
});
