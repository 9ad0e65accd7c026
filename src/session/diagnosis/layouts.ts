/** What bytes mean besides the layout of a packet: subjects, points, the older layout of SIOT's examples. */
import { crc16, statedCrc } from '../../packet/crc.js';
import { detectCodec } from '../../packet/codecs.js';
import {
  ACK_SUBJECT,
  FILE_SUBJECT,
  HIGH_RATE_SUBJECT,
  LOG_SUBJECT,
  PAYLOAD_AT,
  POINTS_SUBJECT,
  SUBJECT_AT,
} from '../../packet/packet.js';
import type { PayloadCodecName } from '../../packet/payload.js';
import type { Point } from '../../point/point.js';

const KNOWN_SUBJECTS = [
  '',
  POINTS_SUBJECT,
  ACK_SUBJECT,
  LOG_SUBJECT,
  HIGH_RATE_SUBJECT,
  FILE_SUBJECT,
];

const isPrintable = (byte: number): boolean => byte >= 0x20 && byte < 0x7f;

/**
 * The subject at the start of a packet: text of ASCII, padded with zeros. `undefined`:
 * these bytes are no subject. `strict`: only subjects that this wire has.
 */
export function subjectIn(frame: Uint8Array, strict = false): string | undefined {
  if (frame.length < PAYLOAD_AT) return undefined;
  let end = SUBJECT_AT;
  while (end < PAYLOAD_AT && isPrintable(frame[end] ?? 0)) end++;
  for (let i = end; i < PAYLOAD_AT; i++) if (frame[i] !== 0) return undefined;
  const subject = latin1(frame.subarray(SUBJECT_AT, end));
  return !strict || KNOWN_SUBJECTS.includes(subject) ? subject : undefined;
}

/** Points that a payload has. */
interface PointsFound {
  readonly codec: PayloadCodecName;
  readonly points: readonly Point[];
}

/**
 * The points of a payload, if it has at least one and each type is text, so that
 * bytes that decode by chance are none.
 */
export function pointsIn(payload: Uint8Array): PointsFound | undefined {
  if (payload.length === 0) return undefined;
  const codec = detectCodec(payload);
  // The decoder skips fields that it does not know; a chance hit is full of them.
  if (codec.name === 'protobuf' && fieldsOf(payload)?.every(isListed) !== true) return undefined;
  const points = codec.decode(payload)?.points ?? [];
  if (points.length === 0 || !points.every(isPlausible)) return undefined;
  return { codec: codec.name, points };
}

const isListed = ({ number, bytes }: Field): boolean => number === 1 && bytes !== undefined;

const isType = (text: string): boolean => /^[\x21-\x7e]{1,64}$/.test(text);

const isPlausible = ({ type, key, origin }: Point): boolean =>
  isType(type) && /^[\x20-\x7e]{0,64}$/.test(key) && /^[\x20-\x7e]*$/.test(origin);

/** A packet without points is well-formed: an ack, a hello. */
export const isEmptyPayload = (payload: Uint8Array): boolean =>
  payload.length === 0 || (payload.length === 4 && payload.every((byte) => byte === 0));

/** Where the payload begins in a frame whose subject has another length than 16; `undefined`: not found. */
export function payloadElsewhere(frame: Uint8Array, end: number): number | undefined {
  for (let at = 0; at <= Math.min(2 * PAYLOAD_AT, end - 4); at++) {
    if (at !== PAYLOAD_AT && pointsIn(frame.subarray(at, end)) !== undefined) return at;
  }
  return undefined;
}

/** The layout of SIOT's Arduino examples up to February 2023 (docs/siot.md, 2.11), as a frame has it. */
interface OldLayout {
  readonly types: readonly string[];
  /** How its CRC was computed; `short`: over so many bytes as the lowest 8 bits of the length say. */
  readonly crc: 'right' | 'short' | 'wrong' | 'absent';
}

const OLD_SUBJECT = 1;
const OLD_POINTS = 2;

/** `sequence, protobuf { 1: subject, 2: repeated point }, CRC`; `undefined`: the frame is no such packet. */
export function oldLayoutIn(frame: Uint8Array): OldLayout | undefined {
  const end = frame.length - 2;
  const types = end > 1 ? oldPoints(frame.subarray(1, end)) : undefined;
  if (types === undefined) {
    // Firmware that was begun from it may leave the CRC out.
    const withoutCrc = oldPoints(frame.subarray(1));
    return withoutCrc === undefined ? undefined : { types: withoutCrc, crc: 'absent' };
  }
  const stated = statedCrc(frame, end);
  if (crc16(frame, end) === stated) return { types, crc: 'right' };
  return { types, crc: crc16(frame, end & 0xff) === stated ? 'short' : 'wrong' };
}

/** The types of the points, of which there is at least one. */
function oldPoints(message: Uint8Array): string[] | undefined {
  const types: string[] = [];
  let subjects = 0;
  for (const field of fieldsOf(message) ?? []) {
    if (field.bytes === undefined) return undefined;
    if (field.number === OLD_SUBJECT) {
      const isSubject = /^[\x20-\x7e]{1,63}$/.test(latin1(field.bytes));
      if (!isSubject || subjects++ > 0) return undefined;
      continue;
    }
    const type = field.number === OLD_POINTS ? oldPoint(field.bytes) : undefined;
    if (type === undefined) return undefined;
    types.push(type);
  }
  return types.length === 0 ? undefined : types;
}

/** The point's type. */
function oldPoint(message: Uint8Array): string | undefined {
  // type, value, text, key, tombstone, index, and time, which some had.
  const known = new Set([2, 4, 8, 11, 12, 13, 16]);
  let type: string | undefined;
  for (const field of fieldsOf(message) ?? []) {
    if (!known.has(field.number)) return undefined;
    if (field.number === 2 && field.bytes !== undefined) type = latin1(field.bytes);
  }
  return type !== undefined && isType(type) ? type : undefined;
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

interface Field {
  readonly number: number;
  /** Of wire type 2. */
  readonly bytes?: Uint8Array;
}

/** The fields of a protobuf message; `undefined`: it is none. */
function fieldsOf(message: Uint8Array): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number | undefined => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) return undefined;
      if (shift < 28) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  const lengths: Readonly<Record<number, () => number | undefined>> = {
    0: () => (varint() === undefined ? undefined : 0),
    1: () => 8,
    2: varint,
    5: () => 4,
  };
  while (at < message.length) {
    const tag = varint() ?? 0;
    const length = lengths[tag & 7]?.();
    if (tag < 8 || length === undefined || length < 0 || at + length > message.length) {
      return undefined;
    }
    const bytes = message.subarray(at, at + length);
    at += length;
    fields.push((tag & 7) === 2 ? { number: tag >>> 3, bytes } : { number: tag >>> 3 });
  }
  return fields;
}
