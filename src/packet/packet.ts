/**
 * The packet inside a frame (docs/siot.md, 2.2):
 *
 * ```
 *  offset  size  field
 *  0       1     sequence
 *  1       16    subject, NUL padded
 *  17      n     payload
 *  17+n    2     CRC-16/KERMIT of all before, little-endian; absent for `log`
 *
 *  0a 61636b00000000000000000000000000 ed77        sequence 10, `ack`, no payload
 *  01 6c6f6700000000000000000000000000 4869        sequence 1, `log`, "Hi", no CRC
 * ```
 */
import { crc16, statedCrc } from './crc.js';
import { readPadded } from './text.js';

/** Offset of the subject in a packet. */
export const SUBJECT_AT = 1;
const SUBJECT_LENGTH = 16;
/** Offset of the payload in a packet. */
export const PAYLOAD_AT = SUBJECT_AT + SUBJECT_LENGTH;
/** Bytes of the checksum at its end. */
export const CRC_LENGTH = 2;

/** Subject of points for a device; its own points have this subject or a blank one. */
export const POINTS_SUBJECT = 'proto';
/** Subject of an acknowledgement. */
export const ACK_SUBJECT = 'ack';
/** Subject of a text without CRC. */
export const LOG_SUBJECT = 'log';
/** Subject of high-rate points (docs/siot.md, 2.5). */
export const HIGH_RATE_SUBJECT = 'phr';
/** Subject of a file block (docs/siot.md, 2.6). */
export const FILE_SUBJECT = 'file';

/** A packet with a good CRC. */
export interface Packet {
  /** 0 … 255 */
  readonly sequence: number;
  /** Without NULs at its ends. */
  readonly subject: string;
  /** Shares its memory with the frame. */
  readonly payload: Uint8Array;
  /** All bytes of the packet. */
  readonly frame: Uint8Array;
}

/**
 * Why a frame is no packet.
 * - `short`: fewer bytes than a packet has
 * - `crc`: its checksum is wrong
 */
export type PacketDiscard = 'short' | 'crc';

/** Parses a decoded frame. Never throws. */
export function parsePacket(frame: Uint8Array): Packet | PacketDiscard {
  if (frame.length < PAYLOAD_AT) return 'short';
  const subject = readPadded(frame, SUBJECT_AT, SUBJECT_LENGTH);
  let end = frame.length;
  if (subject !== LOG_SUBJECT) {
    end -= CRC_LENGTH;
    if (end < PAYLOAD_AT) return 'short';
    if (crc16(frame, end) !== statedCrc(frame, end)) return 'crc';
  }
  return { sequence: frame[0] ?? 0, subject, payload: frame.subarray(PAYLOAD_AT, end), frame };
}

/** The bytes of a packet. `sequence`: 0 … 255; `subject`: ASCII, at most 16 bytes, else throws a `RangeError`. */
export function buildPacket(sequence: number, subject: string, payload: Uint8Array): Uint8Array {
  const withCrc = subject !== LOG_SUBJECT;
  const end = PAYLOAD_AT + payload.length;
  const bytes = Buffer.alloc(end + (withCrc ? CRC_LENGTH : 0));
  bytes[0] = sequence;
  if (bytes.write(subject, SUBJECT_AT, SUBJECT_LENGTH, 'latin1') !== subject.length) {
    throw new RangeError(`subject ${JSON.stringify(subject)} has more than 16 bytes`);
  }
  bytes.set(payload, PAYLOAD_AT);
  if (withCrc) bytes.writeUInt16LE(crc16(bytes, end), end);
  return bytes;
}
