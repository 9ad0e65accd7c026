import { describe, expect, it } from 'vitest';
import { crc16 } from '../../src/packet/crc.js';
import { buildPacket, parsePacket } from '../../src/packet/packet.js';
import { fromHex, loadVectors, toHex } from '../firmware-sim/vectors.js';

const vectors = loadVectors();
const packets = vectors
  .filter(({ kind }) => kind === 'serial-packet')
  .map((vector) => [vector.name, vector] as const);

describe('packets (docs/siot.md, 2.2)', () => {
  it('the CRC of 123456789 is 0x2189', () => {
    const check = vectors.find(({ name }) => name === 'crc-check')!;
    expect(crc16(fromHex(check.hex))).toBe(0x2189);
    expect(crc16(fromHex(`${check.hex}ffff`), 9)).toBe(0x2189);
    expect(crc16(new Uint8Array())).toBe(0);
  });

  it.each(packets)('%s is read', (_, { hex, decoded }) => {
    const packet = parsePacket(fromHex(hex));
    if (typeof packet === 'string') throw new Error(packet);
    expect(packet.sequence).toBe(decoded.seq);
    expect(packet.subject).toBe(decoded.subject);
    expect(toHex(packet.payload)).toBe(decoded.payload_hex);
  });

  it.each(packets)('%s is written byte for byte', (_, { hex, decoded }) => {
    const bytes = buildPacket(
      decoded.seq ?? 0,
      decoded.subject ?? '',
      fromHex(decoded.payload_hex ?? ''),
    );
    expect(toHex(bytes)).toBe(hex);
  });

  it('19 bytes at least, 17 for log', () => {
    for (let length = 0; length < 19; length += 1) {
      expect(parsePacket(new Uint8Array(length))).toBe('short');
    }
    expect(parsePacket(new Uint8Array(19))).toMatchObject({ sequence: 0, subject: '' });
    const log = buildPacket(1, 'log', new Uint8Array());
    expect(log).toHaveLength(17);
    expect(parsePacket(log)).toMatchObject({ subject: 'log' });
    expect(parsePacket(log.subarray(0, 16))).toBe('short');
  });

  it('every single-bit error is a wrong CRC', () => {
    const whole = fromHex(vectors.find(({ name }) => name === 'g2-two-points-text-and-key')!.hex);
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      const bytes = Uint8Array.from(whole);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(parsePacket(bytes)).toBe('crc');
    }
  });

  it('NULs are trimmed at both ends of the subject, which may fill its 16 bytes', () => {
    expect(parsePacket(buildPacket(1, '\0\0proto', new Uint8Array()))).toMatchObject({
      subject: 'proto',
    });
    const full = 'abcdefghijklmnop';
    expect(parsePacket(buildPacket(255, full, new Uint8Array(1)))).toMatchObject({
      sequence: 255,
      subject: full,
    });
    expect(() => buildPacket(1, `${full}q`, new Uint8Array())).toThrow(RangeError);
  });
});
