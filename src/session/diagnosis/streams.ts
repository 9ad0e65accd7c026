/** Streams of bytes that are no COBS frames: packets without COBS or without delimiters, bare points, SLIP, Modbus. */
import { crc16Next, statedCrc } from '../../packet/crc.js';
import { ACK_SUBJECT, LOG_SUBJECT, PAYLOAD_AT } from '../../packet/packet.js';
import { modbusCrc } from './crc-variants.js';
import type { Finding } from './diagnosis.js';
import { isEmptyPayload, pointsIn, subjectIn } from './layouts.js';
import { isText } from './text.js';

/** So many independent hits are no chance. */
const ENOUGH = 2;
/** Part of a stream of lists that lists are. */
const ALMOST_ALL = 0.9;
/** Longest packet that is looked for, bytes: the work is limited. */
const LONGEST = 512;

const finding = (cause: Finding['cause'], what: string, hits: number): Finding | undefined =>
  hits === 0 ? undefined : { cause, what, conclusive: hits >= ENOUGH };

/** What else the bytes are, where they are no COBS frames. */
export function streamFinding(bytes: Uint8Array): Finding | undefined {
  const found = [
    finding(
      'noZero',
      'packets encoded by COBS, without a zero byte between them',
      endlessCobs(bytes),
    ),
    finding('slip', 'packets framed by SLIP (0xc0)', slipPackets(bytes)),
    finding('noCobs', 'packets that are not encoded by COBS', rawPackets(bytes)),
    finding('modbus', 'frames of Modbus RTU', modbusFrames(bytes)),
    finding('barePayload', 'points without any framing or packet', barePayloads(bytes)),
  ];
  return found.find((one) => one?.conclusive) ?? found.find((one) => one !== undefined);
}

/** Whether the bytes from the start of a packet on may be one: a subject that this wire has. */
const mayBePacket = (bytes: Uint8Array): boolean =>
  subjectIn(bytes, true) !== undefined && bytes[0] !== 0;

/** The end of a packet that begins here, with a right CRC and a sensible payload; 0: there is none. */
function packetEnd(bytes: Uint8Array): number {
  const subject = subjectIn(bytes, true);
  if (subject === undefined || subject === LOG_SUBJECT || bytes[0] === 0) return 0;
  const most = Math.min(bytes.length, LONGEST);
  let crc = 0;
  for (let end = 0; end < most; end++) {
    crc = crc16Next(crc, bytes[end] ?? 0);
    const payloadEnd = end - 1;
    if (crc !== 0 || payloadEnd < PAYLOAD_AT) continue;
    const payload = bytes.subarray(PAYLOAD_AT, payloadEnd);
    if (subject === ACK_SUBJECT || isEmptyPayload(payload) || pointsIn(payload) !== undefined) {
      return end + 1;
    }
  }
  return 0;
}

function rawPackets(bytes: Uint8Array): number {
  let hits = 0;
  let tries = 0;
  for (let at = 0; at + PAYLOAD_AT <= bytes.length && tries < 64; at++) {
    if (!mayBePacket(bytes.subarray(at))) continue;
    tries++;
    const length = packetEnd(bytes.subarray(at));
    if (length === 0) continue;
    hits++;
    at += length - 1;
  }
  return hits;
}

/** COBS without delimiters: a packet begins where decoding gives one. */
function endlessCobs(bytes: Uint8Array): number {
  if (bytes.includes(0)) return 0;
  let hits = 0;
  let tries = 0;
  for (let at = 0; at + PAYLOAD_AT <= bytes.length && tries < 64; at++) {
    const decoded = decodeWhole(bytes.subarray(at, at + LONGEST));
    if (!mayBePacket(decoded)) continue;
    tries++;
    const length = packetEnd(decoded);
    if (length === 0) continue;
    hits++;
    // Each code byte stands for a zero but the first; packets are shorter than a full block.
    at += length;
  }
  return hits;
}

/** Blocks one after another, as far as they go. */
function decodeWhole(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const code = bytes[at] ?? 0;
    if (code === 0) break;
    for (let i = at + 1; i < Math.min(at + code, bytes.length); i++) out.push(bytes[i] ?? 0);
    at += code;
    if (code < 0xff) out.push(0);
  }
  return Uint8Array.from(out);
}

const SLIP_END = 0xc0;
const SLIP_ESCAPE = 0xdb;

function slipPackets(bytes: Uint8Array): number {
  let hits = 0;
  let from = bytes.indexOf(SLIP_END);
  for (let to: number; from >= 0; from = to) {
    to = bytes.indexOf(SLIP_END, from + 1);
    if (to < 0) break;
    const frame = withoutSlip(bytes.subarray(from + 1, to));
    if (frame === undefined || frame.length === 0) continue;
    if (
      packetEnd(frame) === frame.length ||
      pointsIn(frame) !== undefined ||
      (frame.length > 4 && isText(frame))
    )
      hits++;
  }
  return hits;
}

function withoutSlip(bytes: Uint8Array): Uint8Array | undefined {
  const out: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte !== SLIP_ESCAPE) {
      out.push(byte);
      continue;
    }
    const next = bytes[++i];
    if (next === 0xdc) out.push(SLIP_END);
    else if (next === 0xdd) out.push(SLIP_ESCAPE);
    else return undefined;
  }
  return Uint8Array.from(out);
}

/** Requests of a master: address, function 1 … 6, four bytes, CRC-16/MODBUS. */
function modbusFrames(bytes: Uint8Array): number {
  let hits = 0;
  for (let at = 0; at + 8 <= bytes.length; at++) {
    const address = bytes[at] ?? 0;
    const operation = bytes[at + 1] ?? 0;
    if (address < 1 || address > 247 || operation < 1 || operation > 6) continue;
    if (modbusCrc(bytes.subarray(at, at + 6)) !== statedCrc(bytes, at + 6)) continue;
    hits++;
    at += 7;
  }
  return hits;
}

/** Lists of points, one after another. Each ends where the next one begins. */
function barePayloads(bytes: Uint8Array): number {
  const starts: number[] = [];
  for (let at = 0; at + 8 <= bytes.length; at++) {
    const compact =
      bytes[at + 1] === 0 &&
      bytes[at + 2] === 0 &&
      bytes[at + 3] === 0 &&
      bytes[at] !== 0 &&
      bytes[at + 5] === 0;
    const protobuf = bytes[at] === 0x0a && bytes[at + 2] === 0x12;
    if (compact || protobuf) starts.push(at);
    if (starts.length >= 32) break;
  }
  let hits = 0;
  let covered = 0;
  let firstAt = -1;
  let lastEnd = 0;
  for (let i = 0; i < starts.length; i++) {
    const from = starts[i] ?? 0;
    for (let j = i + 1; j <= starts.length; j++) {
      const to = starts[j] ?? bytes.length;
      if (pointsIn(bytes.subarray(from, to)) === undefined) continue;
      hits++;
      covered += to - from;
      if (firstAt < 0) firstAt = from;
      lastEnd = to;
      i = j - 1;
      break;
    }
  }
  // Packets have such lists in them as well, with something between.
  return covered >= ALMOST_ALL * (lastEnd - firstAt) ? hits : 0;
}
