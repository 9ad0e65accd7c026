/** What is wrong with a frame: its COBS decodes, and it should be a packet. */
import { crc32 } from 'node:zlib';
import { crc16, statedCrc } from '../../packet/crc.js';
import {
  ACK_SUBJECT,
  FILE_SUBJECT,
  HIGH_RATE_SUBJECT,
  LOG_SUBJECT,
  PAYLOAD_AT,
} from '../../packet/packet.js';
import type { PayloadCodecName } from '../../packet/payload.js';
import { isOneBitOff } from './bit-error.js';
import { crcVariants } from './crc-variants.js';
import type { DiagnosisCause } from './diagnosis.js';
import { isEmptyPayload, oldLayoutIn, payloadElsewhere, pointsIn, subjectIn } from './layouts.js';
import { isText, quoted } from './text.js';

/**
 * What a frame is.
 * - `good`: a packet; `codec`: that of its points, if it has any
 * - `damaged`: it begins as a packet does, and fits no mistake that firmware makes
 * - `unknown`: nothing is recognised
 * - else the mistake, with what it was found by. Two frames agree if both are the same
 */
export type FrameVerdict = GoodFrame | { readonly kind: 'damaged' | 'unknown' } | Mistake;

export interface GoodFrame {
  readonly kind: 'good';
  readonly codec?: PayloadCodecName;
}

export interface Mistake {
  readonly kind: 'mistake';
  readonly cause: DiagnosisCause;
  readonly what: string;
  readonly sample?: string;
}

const mistake = (cause: DiagnosisCause, what: string, sample?: string): FrameVerdict => ({
  kind: 'mistake',
  cause,
  what,
  ...(sample === undefined ? {} : { sample }),
});

/** Shortest packet but a log. */
const SHORTEST = PAYLOAD_AT + 2;

/** All that may be wrong with a frame, the likeliest first. Never empty. */
export function verdictsOf(frame: Uint8Array): FrameVerdict[] {
  if (frame.length > 1 && isText(frame)) {
    return [mistake('framedText', 'frames of text', quotedBytes(frame))];
  }
  const subject = subjectIn(frame);
  if (subject === LOG_SUBJECT) {
    const text = quotedBytes(frame.subarray(PAYLOAD_AT));
    return [mistake('onlyLogs', 'log packets and no others', text)];
  }
  return subject === undefined ? [withoutSubject(frame)] : withSubject(frame, subject);
}

function withSubject(frame: Uint8Array, subject: string): FrameVerdict[] {
  const end = frame.length - 2;
  const afterSubject = frame.subarray(PAYLOAD_AT);
  if (end >= PAYLOAD_AT) {
    const payload = frame.subarray(PAYLOAD_AT, end);
    const stated = statedCrc(frame, end);
    const right = crc16(frame, end);
    if (right === stated) return [payloadVerdict(payload, subject)];
    // An all-zero frame has the CRC 0 in many variants.
    const variants = [...crcVariants(frame)];
    if (variants.length > 0 && isWellFormed(payload, subject)) {
      return variants.map(({ cause, name }) =>
        mistake(cause, `packets whose CRC is wrong: ${name}`, crcPair(stated, right)),
      );
    }
    const other = otherTail(frame);
    if (other !== undefined) return [other];
    if (isWellFormed(payload, subject) && !isWellFormed(afterSubject, subject)) {
      if (isOneBitOff(right ^ stated, end)) return [{ kind: 'damaged' }];
      return [
        mistake('crcWrong', 'packets of the right form whose CRC is wrong', crcPair(stated, right)),
      ];
    }
  }
  const isWhole = afterSubject.length === 0 || pointsIn(afterSubject) !== undefined;
  if (isWhole) return [mistake('crcMissing', 'packets without a CRC')];
  return [{ kind: 'damaged' }];
}

const hex = (value: number): string => `0x${value.toString(16).padStart(4, '0')}`;

const crcPair = (stated: number, right: number): string =>
  `it says ${hex(stated)}, and ${hex(right)} is right`;

function payloadVerdict(payload: Uint8Array, subject: string): FrameVerdict {
  if (isWellFormed(payload, subject)) {
    const codec = pointsIn(payload)?.codec;
    return codec === undefined ? { kind: 'good' } : { kind: 'good', codec };
  }
  const sample = isText(payload)
    ? quotedBytes(payload)
    : `${String(payload.length)} bytes, ${hexOf(payload)}`;
  return mistake('payload', 'packets with a right CRC whose payload is no list of points', sample);
}

const quotedBytes = (bytes: Uint8Array): string => quoted(Buffer.from(bytes).toString('utf8'));

/** In hex, the first bytes. */
const hexOf = (bytes: Uint8Array): string =>
  `${Buffer.from(bytes.subarray(0, 12)).toString('hex')}${bytes.length > 12 ? '…' : ''}`;

function isWellFormed(payload: Uint8Array, subject: string): boolean {
  if ([ACK_SUBJECT, HIGH_RATE_SUBJECT, FILE_SUBJECT].includes(subject)) return true;
  return isEmptyPayload(payload) || pointsIn(payload) !== undefined;
}

/** A checksum of another length. */
function otherTail(frame: Uint8Array): FrameVerdict | undefined {
  const end4 = frame.length - 4;
  if (end4 >= PAYLOAD_AT) {
    const crc = crc32(frame.subarray(0, end4));
    const stated = Buffer.from(frame.subarray(end4));
    if (stated.readUInt32LE() === crc || stated.readUInt32BE() === crc) {
      return mistake('crcAlgorithm', 'packets whose CRC is wrong: it is CRC-32, of four bytes');
    }
  }
  const end1 = frame.length - 1;
  if (end1 > PAYLOAD_AT && pointsIn(frame.subarray(PAYLOAD_AT, end1)) !== undefined) {
    return mistake('crcAlgorithm', 'packets whose CRC is wrong: it has one byte');
  }
  return undefined;
}

function withoutSubject(frame: Uint8Array): FrameVerdict {
  const old = oldLayoutIn(frame);
  if (old !== undefined) {
    return mistake(
      'oldArduino',
      'packets in the layout of SIOT’s older Arduino examples: sequence, protobuf { subject, points }, CRC',
      `${quoted(old.types.slice(0, 3).join(', '))}${OLD_CRC[old.crc]}`,
    );
  }
  const end = frame.length - 2;
  const rightCrc = end > 0 && crc16(frame, end) === statedCrc(frame, end);
  for (const to of rightCrc ? [end] : [frame.length, end]) {
    if (pointsIn(frame.subarray(0, to)) !== undefined) {
      return mistake(
        'barePayload',
        'points in COBS frames, without sequence, subject and CRC of a packet',
      );
    }
    const at = payloadElsewhere(frame, to);
    if (at !== undefined) {
      return mistake(
        'subjectLength',
        `packets whose payload begins at byte ${String(at)} in place of ${String(PAYLOAD_AT)}`,
      );
    }
  }
  if (rightCrc && frame.length >= SHORTEST) {
    return mistake('subjectLength', 'packets with a right CRC, whose bytes 1 to 16 are no subject');
  }
  // A slower baud rate makes many frames of a byte.
  if (frame.length > 1 && frame.length < SHORTEST) {
    return mistake(
      'tooShort',
      'frames that are too short for a packet',
      `${String(frame.length)} bytes, ${hexOf(frame)}`,
    );
  }
  return { kind: 'unknown' };
}

const OLD_CRC = {
  right: '',
  short: '; the CRC is wrong as well: the firmware computes it with a length of 8 bits',
  wrong: '; the CRC is wrong as well',
  absent: '; without a CRC',
} as const;
