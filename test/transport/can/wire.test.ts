import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FD_LENGTHS, type CanFrame } from '../../../src/transport/frame.js';
import { decodeCanFrame, encodeCanFrame, encodeFilters } from '../../../src/transport/can/wire.js';

const plain = { extended: false, fd: false, bitRateSwitch: false, remote: false, error: false };
const frame = (id: number, data: number[], rest: Partial<CanFrame> = {}): CanFrame => ({
  ...plain,
  id,
  data: Uint8Array.from(data),
  ...rest,
});

describe('struct can_frame and canfd_frame (linux/can.h)', () => {
  it.each([
    ['11 bits', frame(0x123, [10, 11]), '23010000020000000a0b000000000000'],
    ['29 bits', frame(0x123, [], { extended: true }), '23010080000000000000000000000000'],
    [
      'FD with the higher rate',
      frame(0x7ff, [1], { fd: true, bitRateSwitch: true }),
      `ff07000001010000${'01'.padEnd(128, '0')}`,
    ],
  ])('%s', (_, given, hex) => {
    expect(encodeCanFrame(given).toString('hex')).toBe(hex);
    expect(decodeCanFrame(Buffer.from(hex, 'hex'))).toEqual({
      ...given,
      data: Buffer.from(given.data),
    });
  });

  it('remote and error frames', () => {
    const remote = Buffer.from('23010040080000000000000000000000', 'hex');
    expect(decodeCanFrame(remote)).toMatchObject({
      id: 0x123,
      remote: true,
      data: Buffer.alloc(0),
    });
    const busOff = Buffer.from('40000020080000000000000000000000', 'hex');
    expect(decodeCanFrame(busOff)).toMatchObject({ id: 0x40, error: true, extended: false });
  });

  it('a length that says more than a classic frame has is cut', () => {
    const bytes = Buffer.from('230100000f0000000102030405060708', 'hex');
    expect(decodeCanFrame(bytes).data).toHaveLength(8);
    // Also when another frame lies behind it, as in the ring of the reading thread.
    const ring = Buffer.concat([bytes, bytes]);
    expect(decodeCanFrame(ring.subarray(0, 16)).data).toEqual(bytes.subarray(8));
    // Linux' len8_dlc: the DLC as it was on the bus, beside the length.
    const raw = Buffer.from('230100000800000f0102030405060708', 'hex');
    expect(decodeCanFrame(raw).data).toHaveLength(8);
  });

  it('any frame is read as it was written', () => {
    const any = fc
      .record({
        id: fc.nat(0x7ff),
        extended: fc.boolean(),
        fd: fc.boolean(),
        bitRateSwitch: fc.boolean(),
        data: fc
          .constantFrom(...FD_LENGTHS)
          .chain((n) => fc.uint8Array({ minLength: n, maxLength: n })),
      })
      .map(({ data, fd, bitRateSwitch, ...rest }) => ({
        ...rest,
        fd,
        bitRateSwitch: fd && bitRateSwitch,
        remote: false,
        error: false,
        data: Buffer.from(fd ? data : data.subarray(0, 8)),
      }));
    fc.assert(
      fc.property(any, (given) => {
        expect(decodeCanFrame(encodeCanFrame(given))).toEqual(given);
      }),
    );
  });

  it('filters tell 11 from 29 bits, and keep remote frames out', () => {
    const filters = encodeFilters([
      { id: 0x123, mask: 0x7ff, extended: false },
      { id: 0x123, mask: 0x1fffffff, extended: true },
    ]);
    expect(filters.toString('hex')).toBe('23010000ff0700c0' + '23010080ffffffdf');
  });
});
