import * as protobuf from 'protobufjs/minimal.js';
import { siot } from '#proto/siot.js';
import { PayloadError } from '../../packet/payload.js';
import {
  canonicalKey,
  floatValue,
  numberOf,
  textOf,
  type Point,
  type PointValue,
} from '../../point/point.js';
import { toTime } from '../../point/time.js';
import { NS_PER_S } from '../../point/clock.js';
import { PIECE_POINTS, type DecodedPoints, type SiotWire } from './wire.js';

/**
 * SIOT up to 0.18: protobuf, several points a message.
 *
 * ```
 *  p.dev-1           points of node dev-1
 *  p.dev-1.root-1    its edge to parent root-1
 *
 *  0a 2b                                    point, 43 bytes
 *     12 04 74656d70                        type "temp"
 *     21 0000000000803740                   value 23.5
 *     2a 0c 08 a5ebdcca06 10 f2ebdcc302     time: seconds, nanos
 *     5a 01 30                              key "0"
 *     7a 09 616461707465722d31              origin "adapter-1"
 * ```
 */
export const generation1: SiotWire = {
  generation: 1,
  batch: 50,
  // Smaller than generation 2's: while points wait, batches get fuller. This store is fast
  // with full batches (docs/siot.md, 4.1).
  window: 16,
  pointSubject: (nodeId) => `p.${nodeId}`,
  edgeSubject: (nodeId, parentId) => `p.${nodeId}.${parentId}`,
  pointSubscription: (nodeId) => `p.${nodeId}`,
  edgeSubscription: (nodeId) => `p.${nodeId}.*`,
  encode: (points) => siot.Points.encode({ points: points.map(toMessage) }).finish(),
  decode,
  pieces,
};

/** Year 1, ns: the time of points that were made without a time. It means "now" (docs/siot.md, 1.1). */
export const UNSET_NS = -62_135_596_800n * NS_PER_S;

/** Maximum number of bytes of a text. It is generation 2's limit: a longer text could not be published there. */
const MAX_FIELD = 0xffff;

function toMessage(point: Point): siot.Point.$Properties {
  const text = textOf(point.value);
  if (text.length * 3 > MAX_FIELD && Buffer.byteLength(text) > MAX_FIELD) {
    throw new PayloadError(`text has ${String(Buffer.byteLength(text))} bytes; at most 65,535 fit`);
  }
  let seconds = point.time / NS_PER_S;
  let nanos = point.time % NS_PER_S;
  if (nanos < 0n) {
    seconds -= 1n;
    nanos += NS_PER_S;
  }
  const message: siot.Point.$Properties = {
    type: point.type,
    time: { seconds: Number(seconds), nanos: Number(nanos) },
    key: canonicalKey(point.key),
  };
  // Fields with their default value are left out, as protobuf demands.
  const value = numberOf(point.value);
  if (value !== 0) message.value = value;
  if (text !== '') message.text = text;
  if (point.tombstone !== 0) message.tombstone = point.tombstone;
  if (point.origin !== '') message.origin = point.origin;
  return message;
}

function decode(payload: Uint8Array): DecodedPoints | undefined {
  return isWhole(payload) ? decodePoints(bufferReader(payload)) : undefined;
}

function pieces(payload: Uint8Array): Iterable<DecodedPoints> | undefined {
  return isWhole(payload) ? eachPiece(bufferReader(payload)) : undefined;
}

function* eachPiece(reader: protobuf.Reader): Generator<DecodedPoints, undefined> {
  while (reader.pos < reader.len) yield decodePoints(reader, PIECE_POINTS);
}

function isWhole(payload: Uint8Array): boolean {
  try {
    const reader = bufferReader(payload);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag >>> 3 === 0) return false;
      reader.skipType(tag & 7);
    }
    return true;
  } catch {
    return false;
  }
}

// Each point is decoded alone, so that a broken point does not prevent the decoding of the others.
function decodePoints(reader: protobuf.Reader, most = Number.POSITIVE_INFINITY): DecodedPoints {
  const points: Point[] = [];
  let odd = 0;
  while (reader.pos < reader.len && points.length + odd < most) {
    const tag = reader.uint32();
    if (tag !== POINTS_TAG) {
      reader.skipType(tag & 7);
      continue;
    }
    const point = decodePoint(reader);
    if (point === undefined) odd += 1;
    else points.push(point);
  }
  return { points, odd };
}

const POINTS_TAG = (1 << 3) | 2;

/**
 * Decodes a point without a view of its bytes: a view would need more memory than the
 * point. `undefined`: the point is broken. Then the reader is at the end of it.
 */
function decodePoint(reader: protobuf.Reader): Point | undefined {
  const length = reader.uint32();
  const end = reader.pos + length;
  const { len } = reader;
  try {
    const message = siot.Point.decode(reader, length);
    return pointOf(message, valueOf(message));
  } catch {
    reader.pos = end;
    reader.len = len;
    return undefined;
  }
}

/** A reader that replaces invalid UTF-8 by U+FFFD: protobufjs does so only in a Buffer. */
export function bufferReader(bytes: Uint8Array): protobuf.Reader {
  return protobuf.Reader.create(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
}

/**
 * Makes a point of a message. It is one literal without a spread: V8 puts an object with a
 * spread into its old space, where many points fill the memory.
 */
export function pointOf(message: siot.Point, value: PointValue): Point {
  return {
    type: message.type,
    key: message.key,
    time: timeOf(message.time),
    value,
    tombstone: message.tombstone,
    origin: message.origin,
  };
}

/** The value of a message: a text, perhaps with a number beside it, or a number. */
export function valueOf(message: siot.Point): PointValue {
  if (message.text === '') return floatValue(message.value);
  return message.value === 0
    ? { kind: 'string', text: message.text }
    : { kind: 'string', text: message.text, number: message.value };
}

function timeOf(time: siot.Timestamp.$Properties | null | undefined): bigint {
  if (time === null || time === undefined) return 0n;
  const seconds = time.seconds ?? 0;
  const ns = BigInt(seconds.toString()) * NS_PER_S + BigInt(time.nanos ?? 0);
  if (ns === UNSET_NS) return ns;
  // A Timestamp reaches the year 9999. Devices, generation 2 and the outbox have 64 bits of
  // nanoseconds, which end in the year 2262. Later times become the last possible one.
  return toTime(ns);
}
