import { describe, expect, it } from 'vitest';
import { parseCanInterface } from '../../../src/transport/can/interface-info.js';
import { LibcError } from '../../../src/linux/libc.js';

const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
};
const u32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32LE(value, index * 4));
  return bytes;
};
const attribute = (type: number, ...values: Buffer[]): Buffer => {
  const value = Buffer.concat(values);
  const bytes = Buffer.concat([u16(value.length + 4), u16(type), value]);
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
};
const message = (type: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(body.length + 16), u16(type), u16(0), u32(1, 1), body]);
};
const NEWLINK = 16;
const ERROR = 2;
/** `struct ifinfomsg`. */
const info = (type: number, index: number, flags: number): Buffer =>
  Buffer.concat([u16(0), u16(type), u32(index, flags, 0)]);
const stats = Buffer.alloc(24 * 8);
[10n, 5n, 80n, 20n].forEach((value, index) => stats.writeBigUInt64LE(value, index * 8));

describe('an answer to RTM_GETLINK (linux/rtnetlink.h, can/netlink.h)', () => {
  it('a controller', () => {
    const data = attribute(
      2 | 0x8000,
      attribute(1, u32(500_000, 875, 125, 6, 7, 2, 1, 2)),
      attribute(4, u32(2)),
      attribute(8, u16(128), u16(3)),
      attribute(9, u32(2_000_000, 750)),
    );
    const answer = message(
      NEWLINK,
      info(280, 7, 0x10001),
      attribute(3, Buffer.from('can0\0')),
      attribute(4, u32(16)),
      attribute(23, stats),
      attribute(18 | 0x8000, attribute(1, Buffer.from('can\0')), data),
    );
    expect(parseCanInterface(answer)).toEqual({
      index: 7,
      up: true,
      fd: false,
      frames: 15n,
      bytes: 100n,
      state: 'error-passive',
      errors: { tx: 128, rx: 3 },
      bitRate: 500_000,
      dataBitRate: 2_000_000,
    });
  });

  it('a virtual one, down, which takes CAN FD', () => {
    const answer = message(
      NEWLINK,
      info(280, 3, 0),
      attribute(4, u32(72)),
      attribute(18, attribute(1, Buffer.from('vcan\0'))),
    );
    expect(parseCanInterface(answer)).toEqual({
      index: 3,
      up: false,
      fd: true,
      frames: 0n,
      bytes: 0n,
    });
  });

  it('one of CAN XL takes CAN FD as well', () => {
    expect(parseCanInterface(message(NEWLINK, info(280, 3, 1), attribute(4, u32(2060))))?.fd).toBe(
      true,
    );
  });

  it('is nothing where there is no such interface, or it is no CAN', () => {
    expect(parseCanInterface(message(ERROR, u32(0x1_0000_0000 - 19)))).toBeUndefined();
    expect(parseCanInterface(message(NEWLINK, info(1, 2, 1)))).toBeUndefined();
  });

  it('any other error is one', () => {
    expect(() => parseCanInterface(message(ERROR, u32(0x1_0000_0000 - 1)))).toThrow(LibcError);
  });

  it('an attribute of length 0 does not block the parser', () => {
    const answer = message(NEWLINK, info(280, 3, 1), u16(0), u16(4), u32(16));
    expect(parseCanInterface(answer)).toMatchObject({ index: 3, fd: false });
  });
});
