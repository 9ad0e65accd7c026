/**
 * The compact payload of generation 2, on serial links and on NATS alike
 * (docs/siot.md, 2.4). All little-endian, no padding:
 *
 * ```
 *  u32 count, then for each point
 *  u16 n  type[n]   u16 n  key[n]   i64 time (ns)
 *  u8 dataType      u16 n  data[n]  i32 tombstone   u16 n  origin[n]
 *
 *  01000000  0400 74656d70 "temp"  0100 30 "0"  f2670d45f2ca8618 time
 *  01 float  0800 0000000000803740 23.5   00000000   0900 616461707465722d31 "adapter-1"
 * ```
 */
import { NO_VALUE, type Point, type PointValue } from '../point/point.js';
import { PayloadError, type DecodedPayload, type PayloadCodec } from './payload.js';
import { isMended, readText, textLength, writeText } from './text.js';

/** Most points of a payload that SIOT accepts. */
const MAX_COMPACT_POINTS = 10_000;

/** Longest type, key, data or origin, bytes: their length is a u16. */
export const MAX_COMPACT_FIELD = 0xffff;

/** Bytes of a point whose type, key, data and origin are all empty. */
const SMALLEST_POINT = 2 + 2 + 8 + 1 + 2 + 4 + 2;

/** After the count. */
const FIRST_POINT_AT = 4;

const DATA_TYPES = ['none', 'float', 'int', 'string', 'json'] as const;

/** The compact payload (docs/siot.md, 2.4). */
export const compactCodec: PayloadCodec = {
  name: 'compact',
  encode: encodeCompact,
  decode: decodeCompact,
  asDeviceSees: (point) =>
    point.value.kind === 'string' && point.value.number !== undefined
      ? { ...point, value: { kind: 'string', text: point.value.text } }
      : point,
  ackPayload: new Uint8Array(4),
};

/**
 * Whether a payload is compact: a count of at most 10,000, and exactly that many
 * points. No protobuf payload is (docs/siot.md, 6).
 */
export function isCompact(payload: Uint8Array): boolean {
  return read(payload, undefined) === payload.length;
}

/**
 * Decodes a payload. `undefined`: a count or a length in it is wrong. Bytes after the
 * last point are ignored. Integers of 1, 2, 4 and 8 bytes are two's complement, as
 * SIOT writes them; only SIOT's own reader misreads the short forms (docs/siot.md, 1.1).
 */
export function decodeCompact(payload: Uint8Array): DecodedPayload | undefined {
  const into: Into = { points: [], oddValues: 0, mendedTexts: 0 };
  return read(payload, into) === undefined ? undefined : into;
}

/**
 * As {@link decodeCompact}, in pieces of at most `most` points, each decoded when it
 * is taken. `undefined` is returned before the first piece.
 */
export function compactPieces(
  payload: Uint8Array,
  most: number,
): Iterable<DecodedPayload> | undefined {
  return read(payload, undefined) === undefined ? undefined : eachPiece(payload, most);
}

function* eachPiece(bytes: Uint8Array, most: number): Generator<DecodedPayload, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let left = view.getUint32(0, true);
  for (let at: number | undefined = FIRST_POINT_AT; left > 0 && at !== undefined;) {
    const count = Math.min(left, most);
    const into: Into = { points: [], oddValues: 0, mendedTexts: 0 };
    at = readPoints(bytes, view, at, count, into);
    left -= count;
    yield into;
  }
}

/** What is decoded, as it grows. */
interface Into {
  readonly points: Point[];
  oddValues: number;
  mendedTexts: number;
}

/** Offset behind the last point; `undefined`: a count or a length is wrong. Without `into` only lengths are read. */
function read(bytes: Uint8Array, into: Into | undefined): number | undefined {
  const end = bytes.length;
  if (end < FIRST_POINT_AT) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, end);
  const count = view.getUint32(0, true);
  if (count > MAX_COMPACT_POINTS || FIRST_POINT_AT + count * SMALLEST_POINT > end) return undefined;
  return readPoints(bytes, view, FIRST_POINT_AT, count, into);
}

/** As {@link read}, of `count` points from `from` on. */
function readPoints(
  bytes: Uint8Array,
  view: DataView,
  from: number,
  count: number,
  into: Into | undefined,
): number | undefined {
  const end = bytes.length;
  let at = from;
  for (let i = 0; i < count; i++) {
    if (at + SMALLEST_POINT > end) return undefined;
    const typeLength = view.getUint16(at, true);
    const typeAt = at + 2;
    at = typeAt + typeLength;
    if (at + SMALLEST_POINT - 2 > end) return undefined;
    const keyLength = view.getUint16(at, true);
    const keyAt = at + 2;
    at = keyAt + keyLength;
    if (at + SMALLEST_POINT - 4 > end) return undefined;
    const timeAt = at;
    const dataType = bytes[at + 8] ?? 0;
    const dataLength = view.getUint16(at + 9, true);
    const dataAt = at + 11;
    at = dataAt + dataLength;
    if (at + 6 > end) return undefined;
    const tombstone = view.getInt32(at, true);
    const originLength = view.getUint16(at + 4, true);
    const originAt = at + 6;
    at = originAt + originLength;
    if (at > end) return undefined;
    if (into === undefined) continue;

    const value = readValue(bytes, view, dataType, dataAt, dataLength);
    if (value === undefined) {
      into.oddValues += 1;
      continue;
    }
    const type = readText(bytes, typeAt, typeLength);
    const key = readText(bytes, keyAt, keyLength);
    const origin = readText(bytes, originAt, originLength);
    if (isMended(type, bytes, typeAt, typeLength)) into.mendedTexts += 1;
    if (isMended(key, bytes, keyAt, keyLength)) into.mendedTexts += 1;
    if (isMended(origin, bytes, originAt, originLength)) into.mendedTexts += 1;
    if (
      (value.kind === 'string' || value.kind === 'json') &&
      isMended(value.text, bytes, dataAt, dataLength)
    ) {
      into.mendedTexts += 1;
    }
    into.points.push({
      type,
      key,
      time: view.getBigInt64(timeAt, true),
      value,
      tombstone,
      origin,
    });
  }
  return at;
}

/** `undefined`: an unknown dataType, or a length that it does not have. */
function readValue(
  bytes: Uint8Array,
  view: DataView,
  dataType: number,
  at: number,
  length: number,
): PointValue | undefined {
  switch (DATA_TYPES[dataType]) {
    case 'none':
      return NO_VALUE;
    case 'float':
      if (length === 8) return { kind: 'float', number: view.getFloat64(at, true) };
      if (length === 4) return { kind: 'float', number: view.getFloat32(at, true) };
      return undefined;
    case 'int':
      if (length === 8) return { kind: 'int', integer: view.getBigInt64(at, true) };
      if (length === 4) return { kind: 'int', integer: BigInt(view.getInt32(at, true)) };
      if (length === 2) return { kind: 'int', integer: BigInt(view.getInt16(at, true)) };
      if (length === 1) return { kind: 'int', integer: BigInt(view.getInt8(at)) };
      return undefined;
    case 'string':
      return { kind: 'string', text: readText(bytes, at, length) };
    case 'json':
      return { kind: 'json', text: readText(bytes, at, length) };
    default:
      return undefined;
  }
}

/** A value from its dataType and data, as in a store's node reply (docs/siot.md, 4.5). `undefined`: they do not fit. */
export function readCompactValue(dataType: number, data: Uint8Array): PointValue | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return readValue(data, view, dataType, 0, data.length);
}

/** Encodes points; integers in 8 bytes, the only form whose sign SIOT reads. Throws a {@link PayloadError}. */
export function encodeCompact(points: readonly Point[]): Uint8Array {
  if (points.length > MAX_COMPACT_POINTS) {
    throw new PayloadError(`${String(points.length)} points; at most 10,000 fit one payload`);
  }
  let size = FIRST_POINT_AT;
  for (const point of points) {
    size += 4 + fieldLength('type', point.type) + fieldLength('key', point.key);
    size += compactTailLength(point);
  }
  const bytes = Buffer.allocUnsafe(size);
  // A DataView, since Buffer's writeBigInt64LE makes more BigInts.
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  view.setUint32(0, points.length, true);
  let at = FIRST_POINT_AT;
  for (const point of points) {
    at = writeField(bytes, view, at, point.type);
    at = writeField(bytes, view, at, point.key);
    at = writeCompactTail(bytes, view, at, point);
  }
  return bytes;
}

/** What all payloads with one point of this type and key begin with. Throws a {@link PayloadError}. */
export function compactHead(type: string, key: string): Uint8Array {
  const bytes = Buffer.allocUnsafe(
    FIRST_POINT_AT + 4 + fieldLength('type', type) + fieldLength('key', key),
  );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setUint32(0, 1, true);
  writeField(bytes, view, writeField(bytes, view, FIRST_POINT_AT, type), key);
  return bytes;
}

/** Bytes of a point behind its type and key. Throws a {@link PayloadError}. */
export function compactTailLength({ value, origin }: Point): number {
  return SMALLEST_POINT - 4 + valueLength(value) + fieldLength('origin', origin);
}

/** Writes what {@link compactTailLength} counts. Returns the end. */
export function writeCompactTail(
  bytes: Buffer,
  view: DataView,
  start: number,
  point: Point,
): number {
  view.setBigInt64(start, point.time, true);
  const at = writeValue(bytes, view, start + 8, point.value);
  view.setInt32(at, point.tombstone, true);
  return writeField(bytes, view, at + 4, point.origin);
}

function fieldLength(name: string, text: string): number {
  const length = textLength(text);
  if (length > MAX_COMPACT_FIELD) {
    throw new PayloadError(`${name} has ${String(length)} bytes; at most 65,535 fit`);
  }
  return length;
}

function valueLength(value: PointValue): number {
  switch (value.kind) {
    case 'none':
      return 0;
    case 'float':
    case 'int':
      return 8;
    case 'string':
    case 'json':
      return fieldLength('text', value.text);
  }
}

function writeField(bytes: Buffer, view: DataView, at: number, text: string): number {
  const length = textLength(text);
  view.setUint16(at, length, true);
  writeText(bytes, at + 2, text, length);
  return at + 2 + length;
}

function writeValue(bytes: Buffer, view: DataView, at: number, value: PointValue): number {
  bytes[at] = DATA_TYPES.indexOf(value.kind);
  switch (value.kind) {
    case 'none':
      view.setUint16(at + 1, 0, true);
      return at + 3;
    case 'float':
      view.setUint16(at + 1, 8, true);
      view.setFloat64(at + 3, value.number, true);
      return at + 11;
    case 'int':
      view.setUint16(at + 1, 8, true);
      view.setBigInt64(at + 3, value.integer, true);
      return at + 11;
    case 'string':
    case 'json':
      return writeField(bytes, view, at + 1, value.text);
  }
}
