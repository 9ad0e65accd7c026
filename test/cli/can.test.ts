import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Cli, runCli } from '../support/cli.js';
import { tempDir } from '../support/temp-dir.js';

const DBC = 'test/signals/features.dbc';

function logFile(...lines: string[]): string {
  const file = join(tempDir(), 'candump.log');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

const decode = (...lines: string[]) => runCli(['can', 'decode', DBC, logFile(...lines)]);
const encode = (...words: string[]) => runCli(['can', 'encode', DBC, ...words]);

describe('siot-mcu can', () => {
  it.each([['decode'], ['encode']])('%s --help explains and gives an example', async (command) => {
    const { status, stdout } = await runCli(['can', command, '--help']);
    expect(status).toBe(0);
    expect(stdout).toContain(`Usage: siot-mcu can ${command}`);
    expect(stdout).toMatch(/Examples?:\n/);
  });
});

describe('siot-mcu can decode', () => {
  it('prints a line of JSON for each frame that the database knows', async () => {
    const { status, stdout, stderr } = await decode(
      '(0000000012.345678) can0 123#7D00F60BFFEFD280',
    );
    expect(stdout).toBe(
      '{"time":12.345678,"interface":"can0","id":291,"extended":false,"name":"Motor",' +
        '"signals":{"Speed":12.5,"Temperature":-45,"Gear":3,"Running":1,"Torque":-0.5,"Angle":80},' +
        '"raw":{"Speed":125,"Temperature":-10,"Gear":3,"Running":1,"Torque":-2,"Angle":80},' +
        '"text":{"Gear":"third","Running":"On"}}\n',
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('prints integers beyond 2^53 as text, and numbers with all their digits', async () => {
    const { stdout } = await decode(
      '(1.0) can0 00000123#FFFFFFFFFFFFFFFF',
      '(2.0) can0 200#7FFFFFFFFFFFFFFF',
      '(3.0) can0 201##0000080BF7FF8000000000000',
      '(4.0) can0 00000123#FFFFFFFFFFFF1F00',
    );
    const [counter, energy, floats, small] = stdout.split('\n');
    expect(counter).toContain('"signals":{"Counter":"18446744073709551615"}');
    expect(energy).toContain(
      '"signals":{"Energy":9223372036854775.807},"raw":{"Energy":"9223372036854775807"}',
    );
    expect(floats).toContain('"signals":{"Single":-1,"Double":"NaN"}');
    expect(small).toContain('"signals":{"Counter":9007199254740991}');
  });

  it('prints a zero of a float with its sign, as can encode takes it', async () => {
    const { stdout } = await decode('(1.0) can0 201##0000000808000000000000000');
    expect(stdout).toContain('"signals":{"Single":-0,"Double":1},"raw":{"Single":-0,"Double":-0}');
    expect((await encode('Floats', 'Single=-0', 'Double=1')).stdout).toMatch(/^201##100000080/);
  });

  it('reads stdin, and a last line without an end', async () => {
    const cli = new Cli(['can', 'decode', DBC], { stdin: '(1.5) can0 300#00' });
    expect(await cli.ended).toBe(0);
    expect(JSON.parse(cli.stdout)).toMatchObject({ time: 1.5, signals: { Page: 0 } });
  });

  it('goes on after bad lines, and counts identifiers that it does not know', async () => {
    const { status, stdout, stderr } = await decode(
      'rubbish',
      '(1.0) can0 7FF#00',
      '(2.0) can0 300#00',
      '(3.0) can0 7FF#00',
      '',
      '(4.0) can0 00000300#00',
      '(5.0) can0 300#R',
    );
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/candump\.log:1: no frame of candump: "rubbish"\n/);
    expect(stderr).toContain(
      'passed over 3 frames of ids that the database does not know (0x7FF: 2, 0x00000300 (extended): 1)',
    );
    expect(status).toBe(0);
  });

  it('skips lines that explain error frames', async () => {
    const { status, stdout, stderr } = await decode(
      '  can0  20000004   [8]  00 08 00 00 00 00 00 00   ERRORFRAME',
      '\tcontroller-problem{tx-error-warning}',
      '  can0  300   [1]  00',
    );
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('ends with 2 when no line of a log has a frame, with 0 when there is no line', async () => {
    const { status, stdout, stderr } = await decode('rubbish', 'more of it');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/candump\.log:2: no frame of candump: "more of it"\n/);
    expect(stderr).toMatch(/candump\.log has no frame in any line; is it what candump writes\?\n$/);
    expect((await decode('')).status).toBe(0);
  });

  it('says what is wrong with a database, and where', async () => {
    const file = join(tempDir(), 'bad.dbc');
    writeFileSync(file, 'BO_ 1 M: 1 X\n SG_ S : 4|8@1+ (1,0) [0|0] "" X\n');
    const { status, stdout, stderr } = await runCli(['can', 'decode', file, '--file', logFile('')]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/bad\.dbc:2:6: M\.S reaches into byte 1, but M has only byte 0/);
  });

  it.each([
    ['database', ['nowhere.dbc'], 'nowhere.dbc:1:1: does not exist; check the name\n'],
    ['log', [DBC, 'nowhere.log'], 'siot-mcu: nowhere.log does not exist; check'],
    [
      'log, named so',
      [DBC, '--file', 'nowhere.log'],
      'siot-mcu: nowhere.log does not exist; check',
    ],
    ['log, or another', [DBC, 'a.log', '--file', 'b.log'], 'siot-mcu: two logs: a.log and b.log; '],
    ['bus', [DBC, '--bus', 'X'], `${DBC}:1:1: there is no bus X`],
  ])('ends with 2 when the %s is not there', async (_what, args, said) => {
    const { status, stderr } = await runCli(['can', 'decode', ...args]);
    expect(stderr).toContain(said);
    expect(status).toBe(2);
  });

  it('ends without an error when nobody reads its output any more', async () => {
    const lines = Array.from({ length: 20_000 }, () => '(1.0) can0 123#7D00F60BFFEFD280');
    const cli = new Cli(['can', 'decode', DBC, '--file', logFile(...lines)]);
    cli.child.stdout?.destroy();
    expect(await cli.ended).toBe(0);
    expect(cli.stderr).toBe('');
  });
});

it('siot-mcu can decode takes what cansend takes, and says what is wrong with dates', async () => {
  const { status, stdout, stderr } = await decode(
    '123#7D00030000000000',
    ' (2024-05-01 12:34:56.123456)  can0  123   [1]  11',
  );
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ time: null, interface: null, name: 'Motor' });
  expect(stderr).toContain(':2: a date without its time zone; log with candump -L, -l or -t a: ');
});

describe('siot-mcu can encode', () => {
  it.each<[string, readonly string[], string]>([
    [
      'numbers and texts',
      [
        'Motor',
        'Speed=12.5',
        'Gear=third',
        'Running=On',
        'Temperature=-45',
        'Torque=-0.5',
        'Angle=80',
      ],
      '123#7D00F60BFFE00280',
    ],
    [
      'an extended id and 64 bits',
      ['MotorExtended', 'Counter=18446744073709551615'],
      '00000123#FFFFFFFFFFFFFFFF',
    ],
    ['all digits', ['Precise', 'Energy=9223372036854775.807'], '200#7FFFFFFFFFFFFFFF'],
    ['FD', ['Fd', 'Level=255'], '402##1FF00000000000000'],
    ['a multiplexer', ['Simple', 'Page=1', 'High=-257'], '300#01FEFF0000000000'],
    ['nested ones', ['Nested', 'Outer=3', 'Inner=1', 'Deep=5'], '301#0301050000000000'],
  ])('%s', async (_what, words, expected) => {
    expect(await encode(...words)).toEqual({ status: 0, stdout: `${expected}\n`, stderr: '' });
  });

  it.each([
    ['A=NaN', '0000C07F00000000'],
    ['A=inf', '0000807F00000000'],
    ['A=-Infinity', '000080FF00000000'],
    ['A=-0', '0000008000000000'],
    ['A=0', '0000000000000000'],
    ['B=-0', '0000000000000000'],
  ])('encodes what only floats have: %s', async (word, data) => {
    const file = join(tempDir(), 'float.dbc');
    writeFileSync(
      file,
      'BO_ 1 F: 8 X\n SG_ A : 0|32@1+ (1,0) [0|0] "" X\n SG_ B : 32|8@1- (1,0) [0|0] "" X\nSIG_VALTYPE_ 1 A : 1;\n',
    );
    const { status, stdout } = await runCli(['can', 'encode', file, 'F', word]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: `001#${data}\n` });
  });

  it.each(['B=NaN', 'B=-inf'])('%s is refused for an integer', async (word) => {
    const file = join(tempDir(), 'integer.dbc');
    writeFileSync(file, 'BO_ 1 F: 8 X\n SG_ B : 32|8@1- (1,0) [0|0] "" X\n');
    const { status, stderr } = await runCli(['can', 'encode', file, 'F', word]);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `siot-mcu: ${word}: give a number from -128 to 127\n`,
    });
  });

  it('says which value it had to round', async () => {
    const { status, stdout, stderr } = await encode('Motor', 'Speed=0.14');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '123#0100500000000000\n' });
    expect(stderr).toBe('Speed=0.14 lies between two codes; sent is 0.1\n');
  });

  it.each<[string, readonly string[], string]>([
    ['an unknown message', ['Moter'], 'the database has no message Moter; did you mean Motor?'],
    ['an unknown signal', ['Motor', 'Sped=1'], 'Motor has no signal Sped; did you mean Speed?'],
    ['a value outside the range', ['Motor', 'Speed=6554'], 'Speed=6554 is outside 0 to 6553.5 rpm'],
    ['a value outside the bits', ['Motor', 'Angle=512'], 'Angle=512 is outside 0 to 511 deg'],
    ['an unknown text', ['Motor', 'Gear=thrid'], 'Gear=thrid: no such text; did you mean third?'],
    [
      'a text without any',
      ['Motor', 'Speed=fast'],
      'Speed=fast: give a number from 0 to 6553.5 rpm',
    ],
    [
      'a missing multiplexer',
      ['Simple', 'Low=1'],
      'Page is missing: it says which signals the frame holds (0, 1)',
    ],
    [
      'one that selects others',
      ['Simple', 'Page=1', 'Low=1'],
      'Low is only in frames in which the code of Page is 0',
    ],
    [
      'a missing nested one',
      ['Nested', 'Outer=3'],
      'Inner is missing: it says which signals the frame holds (1)',
    ],
    ['no value', ['Motor', 'Speed'], '"Speed" is no SIGNAL=VALUE'],
    ['one twice', ['Motor', 'Gear=1', 'Gear=2'], 'Gear is given twice'],
  ])('%s is refused', async (_what, words, expected) => {
    const { status, stdout, stderr } = await encode(...words);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(`siot-mcu: ${expected}\n`);
  });

  it('refuses values of signals that share bits and differ', async () => {
    const file = join(tempDir(), 'shared.dbc');
    const signal = (name: string) => ` SG_ ${name} : 0|8@1+ (1,0) [0|0] "" X\n`;
    writeFileSync(file, `BO_ 1 M: 1 X\n${signal('A')}${signal('B')}`);
    const same = await runCli(['can', 'encode', file, 'M', 'A=1', 'B=1']);
    expect(same.stdout).toBe('001#01\n');
    const differ = await runCli(['can', 'encode', file, 'M', 'A=1', 'B=2']);
    expect(differ.status).toBe(2);
    expect(differ.stderr).toContain('A shares bits with another of the signals');
  });
});
