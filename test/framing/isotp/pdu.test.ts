import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  PduWriter,
  parsePdu,
  readStMin,
  singleCapacity,
  stMinCode,
  type IsoTpPdu,
} from '../../../src/framing/isotp/pdu.js';
import { fromHex, toHex } from '../../firmware-sim/vectors.js';

const hex = (text: string): Uint8Array => fromHex(text.replaceAll(' ', ''));
const count = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (at + 1) & 0xff);

/** As text, so that a failure shows the bytes. */
function shown(pdu: IsoTpPdu | string): unknown {
  if (typeof pdu === 'string') return pdu;
  return 'data' in pdu ? { ...pdu, data: toHex(pdu.data) } : pdu;
}
const read = (frame: string, address?: number): unknown => shown(parsePdu(hex(frame), address));

describe('frames as the standard has them (ISO 15765-2:2016, 9.6)', () => {
  it.each([
    ['single', '03 0a 0b 0c', { kind: 'single', data: '0a0b0c' }],
    ['single, padded', '02 0a 0b cc cc cc cc cc', { kind: 'single', data: '0a0b' }],
    ['single, full', '07 01 02 03 04 05 06 07', { kind: 'single', data: '01020304050607' }],
    ['single of FD', `00 0a ${'11'.repeat(10)}`, { kind: 'single', data: '11'.repeat(10) }],
    [
      'first',
      '10 14 01 02 03 04 05 06',
      { kind: 'first', length: 20, data: '010203040506', frameLength: 8 },
    ],
    [
      'first, longest of 12 bits',
      '1f ff 01 02 03 04 05 06',
      { kind: 'first', length: 4095, data: '010203040506', frameLength: 8 },
    ],
    [
      'first, shortest with the escape length',
      '10 00 00 00 10 00 01 02',
      { kind: 'first', length: 4096, data: '0102', frameLength: 8 },
    ],
    [
      'first, longest with the escape length',
      '10 00 ff ff ff ff 01 02',
      { kind: 'first', length: 4294967295, data: '0102', frameLength: 8 },
    ],
    [
      'consecutive',
      '2f 07 08',
      { kind: 'consecutive', sequence: 15, data: '0708', frameLength: 3 },
    ],
    ['go on', '30 08 0a', { kind: 'flowControl', status: 'continue', blockSize: 8, stMin: 10 }],
    [
      'go on, 0.9 ms, padded',
      '30 00 f9 55 55 55 55 55',
      { kind: 'flowControl', status: 'continue', blockSize: 0, stMin: 0.9 },
    ],
    ['wait', '31 00 00', { kind: 'flowControl', status: 'wait', blockSize: 0, stMin: 0 }],
    ['overflow', '32 00 00', { kind: 'flowControl', status: 'overflow', blockSize: 0, stMin: 0 }],
    [
      'a status that means nothing',
      '33 00 00',
      { kind: 'flowControl', status: 'reserved', blockSize: 0, stMin: 0 },
    ],
  ])('%s', (_, frame, expected) => {
    expect(read(frame)).toEqual(expected);
    // The same behind an address.
    const addressed = read(`a7 ${frame}`, 0xa7);
    if (hex(frame).length < 8)
      expect(addressed).toEqual({ ...expected, ...lengthOneMore(expected) });
    expect(read(`a6 ${frame}`, 0xa7)).toBe('foreign');
  });

  const lengthOneMore = (expected: object): object =>
    'frameLength' in expected ? { frameLength: (expected.frameLength as number) + 1 } : {};

  it('first frame behind an address', () => {
    expect(read('a7 10 14 01 02 03 04 05', 0xa7)).toEqual({
      kind: 'first',
      length: 20,
      data: '0102030405',
      frameLength: 8,
    });
  });

  it.each([
    ['nothing', ''],
    ['a single frame of no bytes', '00'],
    ['a single frame of no bytes, padded', '00 03 01 02 03 00 00 00'],
    ['a single frame with fewer bytes than it says', '04 01 02 03'],
    ['a single frame that says more than fits', '0f 01 02 03 04 05 06 07'],
    ['the short length in a long frame', `07 ${'11'.repeat(11)}`],
    // Only the escape is valid above 8 bytes (ISO 15765-2, 9.6.2.2), as for Linux' isotp.c.
    ['the short length in a long frame, whatever follows', `07 05 ${'11'.repeat(10)}`],
    // The escape is for what a frame of 8 bytes does not carry (9.6.2.1).
    ['the escape for 7 bytes', `00 07 ${'11'.repeat(10)}`],
    ['the escape for one byte in a frame of 64', `00 01 ${'11'.repeat(62)}`],
    ['the escape in a frame of 8 bytes', '00 05 11 11 11 11 11 11'],
    ['a long single frame with fewer bytes than it says', `00 0b ${'11'.repeat(10)}`],
    ['a first frame that is not full', '10 14 01 02 03 04 05'],
    ['a first frame of what fits into one', '10 07 01 02 03 04 05 06'],
    ['a first frame of FD of what fits into one', `10 3e ${'11'.repeat(62)}`],
    ['the escape length where 12 bits would do', '10 00 00 00 0f ff 01 02'],
    ['a consecutive frame without bytes', '21'],
    ['flow control without block size', '30'],
    ['flow control without STmin', '30 00'],
    ['a PCI that means nothing', '40 00 00 00 00 00 00 00'],
    ['a PCI that means nothing', 'ff ff ff ff ff ff ff ff'],
  ])('%s is malformed', (_, frame) => {
    expect(read(frame)).toBe('malformed');
  });

  it('what fits into one frame behind an address is one byte less', () => {
    expect(read('a7 10 07 01 02 03 04 05', 0xa7)).toMatchObject({ kind: 'first', length: 7 });
    expect(read('a7 10 06 01 02 03 04 05', 0xa7)).toBe('malformed');
    expect(read(`a7 00 07 ${'11'.repeat(9)}`, 0xa7)).toEqual({
      kind: 'single',
      data: '11'.repeat(7),
    });
    expect(read(`a7 00 06 ${'11'.repeat(9)}`, 0xa7)).toBe('malformed');
    expect(read('a7', 0xa7)).toBe('malformed');
    expect(read('', 0xa7)).toBe('malformed');
  });

  it('random bytes never throw, and what is read lies inside the frame', () => {
    const frame = fc.uint8Array({ maxLength: 64 });
    fc.assert(
      fc.property(frame, fc.option(fc.nat(255), { nil: undefined }), (bytes, address) => {
        const pdu = parsePdu(bytes, address);
        if (typeof pdu === 'object' && 'data' in pdu) {
          expect(pdu.data.length).toBeGreaterThan(0);
          expect(pdu.data.length).toBeLessThan(bytes.length);
        }
      }),
    );
  });
});

describe('STmin (9.6.5.4)', () => {
  it('is 0 … 127 ms, or 100 … 900 µs; reserved codes are the longest', () => {
    expect([0, 1, 127].map(readStMin)).toEqual([0, 1, 127]);
    expect([0xf1, 0xf5, 0xf9].map(readStMin)).toEqual([0.1, 0.5, 0.9]);
    expect([0x80, 0xf0, 0xfa, 0xff].map(readStMin)).toEqual([127, 127, 127, 127]);
  });

  it('is written as it is read', () => {
    const valid = Array.from({ length: 256 }, (_, code) => code).filter(
      (code) => code <= 0x7f || (code >= 0xf1 && code <= 0xf9),
    );
    expect(valid.map((code) => stMinCode(readStMin(code)))).toEqual(valid);
  });
});

describe('frames that go out', () => {
  const classic = new PduWriter(undefined, undefined, 8);
  const padded = new PduWriter(undefined, 0x55, 8);
  const addressed = new PduWriter(0xa7, 0xaa, 8);
  const fd = new PduWriter(undefined, undefined, 64);

  it.each([
    ['as short as they can be', classic.single(count(3)), '03 01 02 03'],
    ['padded', padded.single(count(3)), '03 01 02 03 55 55 55 55'],
    ['behind an address', addressed.single(count(3)), 'a7 03 01 02 03 aa aa aa'],
    ['first', classic.first(count(20)).frame, '10 14 01 02 03 04 05 06'],
    ['first behind an address', addressed.first(count(20)).frame, 'a7 10 14 01 02 03 04 05'],
    ['first with the escape length', classic.first(count(4096)).frame, '10 00 00 00 10 00 01 02'],
    ['consecutive', classic.consecutive(15, count(2)), '2f 01 02'],
    ['consecutive, padded', padded.consecutive(0, count(2)), '20 01 02 55 55 55 55 55'],
    ['flow control', classic.flowControl('continue', 8, 0.3), '30 08 f3'],
    ['overflow, padded', padded.flowControl('overflow', 0, 0), '32 00 00 55 55 55 55 55'],
    [
      'a single frame of FD, in the next length there is',
      fd.single(count(8)),
      '00 08 0102030405060708 cc cc',
    ],
    ['a single frame of FD, 8 bytes or less', fd.single(count(7)), '07 01 02 03 04 05 06 07'],
  ])('%s', (_, frame, expected) => {
    expect(toHex(frame)).toBe(expected.replaceAll(' ', ''));
  });

  it('have only lengths that CAN FD has, and are read as they were meant', () => {
    const lengths = new Set([1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64]);
    for (const address of [undefined, 0x12]) {
      for (const padding of [undefined, 0]) {
        const writer = new PduWriter(address, padding, 64);
        for (let length = 1; length <= writer.singleCapacity; length += 1) {
          const frame = writer.single(count(length));
          expect(lengths).toContain(frame.length);
          expect(shown(parsePdu(frame, address))).toEqual({
            kind: 'single',
            data: toHex(count(length)),
          });
        }
        for (let length = 1; length <= writer.consecutiveCapacity; length += 1) {
          expect(lengths).toContain(writer.consecutive(1, count(length)).length);
        }
      }
    }
  });

  it('hold as much as the standard says', () => {
    expect([8, 12, 64].map((length) => singleCapacity(length, 0))).toEqual([7, 10, 62]);
    expect([8, 12, 64].map((length) => singleCapacity(length, 1))).toEqual([6, 9, 61]);
  });
});
