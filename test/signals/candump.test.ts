import { describe, expect, it } from 'vitest';
import {
  cansendText,
  isDated,
  isErrorDetail,
  parseCandumpLine,
} from '../../src/signals/candump.js';
import type { CanFrame } from '../../src/transport/frame.js';

const frame = (given: Partial<CanFrame>): CanFrame => ({
  id: 0x44,
  extended: false,
  data: new Uint8Array(0),
  fd: false,
  bitRateSwitch: false,
  remote: false,
  error: false,
  ...given,
});
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

describe('a line of candump', () => {
  it.each<[string, Partial<CanFrame>]>([
    ['(1436509052.249713) vcan0 044#2A366C2BBA', { data: bytes('2a366c2bba') }],
    ['(1436509052.249713) vcan0 044#', {}],
    ['(1436509052.249713) vcan0 00000044#00', { extended: true, data: bytes('00') }],
    [
      '(1436509052.249713) vcan0 1FFFFFFF#00 R',
      { id: 0x1fffffff, extended: true, data: bytes('00') },
    ],
    ['(1436509052.249713) vcan0 044##0', { fd: true }],
    [
      '(1436509052.249713) vcan0 044##1112233445566778899AABBCC',
      { fd: true, bitRateSwitch: true, data: bytes('112233445566778899aabbcc') },
    ],
    ['(1436509052.249713) vcan0 044#R', { remote: true }],
    ['(1436509052.249713) vcan0 044#R8', { remote: true }],
    ['(1436509052.249713) vcan0 044#1122334455667788_F', { data: bytes('1122334455667788') }],
    [
      '(1436509052.249713) vcan0 20000004#0004000000000000',
      { id: 4, error: true, data: bytes('0004000000000000') },
    ],
    ['  (1436509052.249713)  vcan0  044   [3]  11 22 33', { data: bytes('112233') }],
    ["  (1436509052.249713)  vcan0  044   [2]  41 42   'AB'", { data: bytes('4142') }],
    ['  (1436509052.249713)  vcan0  RX - -  044   [2]  41 42', { data: bytes('4142') }],
    ['  (1436509052.249713)  vcan0  044  [03]  11 22 33', { fd: true, data: bytes('112233') }],
    ['  (1436509052.249713)  vcan0  044   [0]  remote request', { remote: true }],
    [
      '  (1436509052.249713)  vcan0  044   {E}  11 22 33 44 55 66 77 88',
      { data: bytes('1122334455667788') },
    ],
    ['  (1436509052.249713)  vcan0  044   [3]  33`22`11', { data: bytes('112233') }],
    ['  (1436509052.249713)  vcan0  044   [2]  00100010`00010001', { data: bytes('1122') }],
    ['  (1436509052.249713)  vcan0  044   [2]  42`41   `BA`', { data: bytes('4142') }],
    [
      ' \u001b[1m\u001b[34m (1436509052.249713)  vcan0  044   [1]  11\u001b[0m',
      { data: bytes('11') },
    ],
    [
      ' (1436509052.249713)  \u001b[1m\u001b[31mvcan0\u001b[0m  044   [1]  11',
      { data: bytes('11') },
    ],
    [
      '  (1436509052.249713)  vcan0  20000004   [8]  00 08 00 00 00 00 00 00   ERRORFRAME',
      { id: 4, error: true, data: bytes('0008000000000000') },
    ],
  ])('%s', (line, expected) => {
    expect(parseCandumpLine(line)).toEqual({
      time: '1436509052.249713',
      interface: 'vcan0',
      frame: frame(expected),
    });
  });

  it('has a time with the digits of the log, as JSON writes numbers, or none', () => {
    expect(parseCandumpLine('(0000000012.345678) can0 044#')?.time).toBe('12.345678');
    expect(parseCandumpLine('(0000000000.100000) can0 044#')?.time).toBe('0.100000');
    expect(parseCandumpLine('  can0  044   [1]  11')?.time).toBeUndefined();
  });

  it.each([
    '',
    'hello',
    '(12.3) can0 44#00',
    '(12.3) can0 0044#00',
    '(12.3) can0 844#00',
    '(12.3) can0 044#0',
    '(12.3) can0 044#0G',
    '(12.3) can0 044#112233445566778899',
    '(12.3) can0 044##0112233445566778899',
    '(12.3) can0 044##',
    '(12.3) can0 E0000044#00',
    '(x) can0 044#00',
    '  can0  044   [3]  11 22',
    '  can0  044   [3]  22`11',
  ])('%j is no frame', (line) => {
    expect(parseCandumpLine(line)).toBeUndefined();
  });

  it.each<[string, Partial<CanFrame>]>([
    ['044#2A36', { data: bytes('2a36') }],
    ['00000044##1', { extended: true, fd: true, bitRateSwitch: true }],
    ['044#R', { remote: true }],
  ])('may be what cansend takes, without time and interface: %s', (line, expected) => {
    expect(parseCandumpLine(line)).toEqual({ frame: frame(expected) });
  });

  it('with a date has no time in seconds, and is distinguished from other lines', () => {
    const line = '  (2024-05-01 12:34:56.123456)  can0  123   [1]  11';
    expect(parseCandumpLine(line)).toBeUndefined();
    expect(isDated(line)).toBe(true);
    expect(isDated('  (1714566896.123456)  can0  123   [1]  11')).toBe(false);
  });

  it('may explain an error frame', () => {
    expect(isErrorDetail('\tcontroller-problem{rx-error-warning}')).toBe(true);
    expect(isErrorDetail('\terror-counter-tx-rx{{0}{96}}\u001b[0m')).toBe(true);
    expect(isErrorDetail('rubbish')).toBe(false);
  });

  it('may end as on another system', () => {
    const line = '  vcan0  044   [2]  2A 36';
    expect(parseCandumpLine(`${line}\r`)).toEqual(parseCandumpLine(line));
  });

  it('with its bytes in bits is not taken for one in digits', () => {
    const read = (line: string) =>
      Buffer.from(parseCandumpLine(line)?.frame.data ?? '').toString('hex');
    expect(read('  can0  123   [2]  00000001 11000010')).toBe('01c2');
    expect(read("  can0  123   [1]  00000001   '.'")).toBe('01');
    expect(read(' (1.5)  can0  402  [08]  10000000' + ' 00000000'.repeat(7))).toBe(
      `80${'00'.repeat(7)}`,
    );
    expect(parseCandumpLine('  can0  123   [2]  00000001 0000001')).toBeUndefined();
    expect(parseCandumpLine('  can0  123   [2]  00000001')).toBeUndefined();
    expect(parseCandumpLine('  can0  123   [2]  00 01  00000001')).toBeDefined();
  });

  it('is what cansend takes, too', () => {
    const data = bytes('00ff');
    expect(cansendText(frame({ data }))).toBe('044#00FF');
    expect(cansendText(frame({ data, extended: true }))).toBe('00000044#00FF');
    expect(cansendText(frame({ data, fd: true }))).toBe('044##000FF');
    expect(cansendText(frame({ data, fd: true, bitRateSwitch: true }))).toBe('044##100FF');
  });
});
