/**
 * Packets (docs/siot.md, 2.2), before COBS:
 *
 * | offset | size | field                                              |
 * |--------|------|----------------------------------------------------|
 * | 0      | 1    | sequence                                           |
 * | 1      | 16   | subject, filled up with NUL                        |
 * | 17     | n    | payload                                            |
 * | 17 + n | 2    | CRC of all before, little-endian; not with `log`   |
 *
 * `0a 61636b00000000000000000000000000 ed77`: sequence 10, `ack`, no payload.
 */

/** A packet; for `decodePacket` with a good CRC. */
export interface McuPacket {
  /** 0 … 255. */
  readonly sequence: number;
  /** At most 16 bytes: `proto` or blank, `ack`, `log`, `phr`, `file` … */
  readonly subject: string;
  readonly payload: Uint8Array;
}

/** Why bytes are no packet. */
type PacketProblem = 'short' | 'crc';

const SUBJECT_BYTES = 16;
/** Sequence and subject, before the payload. */
export const HEADER_BYTES = 1 + SUBJECT_BYTES;
const CRC_BYTES = 2;

/** CRC-16/KERMIT, bit by bit: reflected 0x8408, start 0; of "123456789" 0x2189. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x8408 : crc >>> 1;
  }
  return crc;
}

/** The bytes of a packet, before COBS. Throws a RangeError: subject above 16 bytes, or sequence out of range. */
export function encodePacket(packet: McuPacket): Uint8Array {
  const subject = Buffer.from(packet.subject, 'utf8');
  if (subject.length > SUBJECT_BYTES) {
    throw new RangeError(
      `subject "${packet.subject}" is longer than ${String(SUBJECT_BYTES)} bytes`,
    );
  }
  if (!Number.isInteger(packet.sequence) || packet.sequence < 0 || packet.sequence > 255) {
    throw new RangeError(`sequence ${String(packet.sequence)} is not 0 to 255`);
  }
  const body = Buffer.alloc(HEADER_BYTES + packet.payload.length);
  body[0] = packet.sequence;
  subject.copy(body, 1);
  body.set(packet.payload, HEADER_BYTES);
  if (packet.subject === 'log') return Uint8Array.from(body);
  const crc = crc16(body);
  return Uint8Array.from([...body, crc & 0xff, crc >>> 8]);
}

/** Parses a decoded frame. Never throws. */
export function decodePacket(bytes: Uint8Array): McuPacket | PacketProblem {
  if (bytes.length < HEADER_BYTES) return 'short';
  const subject = Buffer.from(bytes.subarray(1, HEADER_BYTES))
    .toString('latin1')
    .replace(/^\0+|\0+$/g, '');
  const sequence = bytes[0] ?? 0;
  if (subject === 'log') return { sequence, subject, payload: bytes.slice(HEADER_BYTES) };
  if (bytes.length < HEADER_BYTES + CRC_BYTES) return 'short';
  const end = bytes.length - CRC_BYTES;
  const crc = (bytes[end] ?? 0) | ((bytes[end + 1] ?? 0) << 8);
  if (crc16(bytes.subarray(0, end)) !== crc) return 'crc';
  return { sequence, subject, payload: bytes.slice(HEADER_BYTES, end) };
}
