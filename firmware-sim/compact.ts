import type { McuPoint, McuValue } from './points.js';

/**
 * Lists of points of generation 2 (docs/siot.md, 2.4), little-endian:
 * u32 count, then for each point u16 length and type, u16 length and key, i64
 * time, u8 dataType, u16 length and data, i32 tombstone, u16 length and origin.
 *
 * `01000000 | 0400 "temp" | 0100 "0" | f2670d45f2ca8618 | 01 | 0800
 * 0000000000803740 | 00000000 | 0000`: temp/0 = 23.5.
 */

const MOST_POINTS = 10_000;
/** A point with four empty strings. */
const SMALLEST_POINT = 2 + 2 + 8 + 1 + 2 + 4 + 2;

const FLOAT = 1;
const INT = 2;
const STRING = 3;
const JSON_TEXT = 4;

function encode(points: readonly McuPoint[]): Uint8Array {
  const count = Buffer.alloc(4);
  count.writeUInt32LE(points.length);
  return Uint8Array.from(Buffer.concat([count, ...points.flatMap(encodePoint)]));
}

function encodePoint(point: McuPoint): Buffer[] {
  const [dataType, data] = encodeValue(point.value);
  const time = Buffer.alloc(8);
  time.writeBigInt64LE(point.time);
  const tombstone = Buffer.alloc(4);
  tombstone.writeInt32LE(point.tombstone);
  return [
    ...counted(Buffer.from(point.type)),
    ...counted(Buffer.from(point.key)),
    time,
    Buffer.of(dataType),
    ...counted(data),
    tombstone,
    ...counted(Buffer.from(point.origin)),
  ];
}

function counted(bytes: Buffer): Buffer[] {
  if (bytes.length > 0xffff) throw new RangeError('a field is longer than 65,535 bytes');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(bytes.length);
  return [length, bytes];
}

function encodeValue(value: McuValue): [dataType: number, data: Buffer] {
  const bytes = Buffer.alloc(8);
  if (value === undefined) return [0, Buffer.alloc(0)];
  if (typeof value === 'string') return [STRING, Buffer.from(value)];
  if (typeof value === 'number') {
    bytes.writeDoubleLE(value);
    return [FLOAT, bytes];
  }
  if (typeof value === 'bigint') {
    bytes.writeBigInt64LE(value);
    return [INT, bytes];
  }
  if ('float32' in value) {
    bytes.writeFloatLE(value.float32);
    return [FLOAT, bytes.subarray(0, 4)];
  }
  if ('int' in value) {
    bytes.writeBigUInt64LE(BigInt.asUintN(64, value.int));
    return [INT, bytes.subarray(0, value.bytes)];
  }
  if ('json' in value) return [JSON_TEXT, Buffer.from(value.json)];
  if ('text' in value) return [STRING, Buffer.from(value.text)];
  return [value.dataType, Buffer.from(value.data)];
}

function decode(payload: Uint8Array): McuPoint[] | undefined {
  const bytes = Buffer.from(payload);
  if (bytes.length < 4) return undefined;
  const count = bytes.readUInt32LE(0);
  if (count > MOST_POINTS || count * SMALLEST_POINT > bytes.length - 4) return undefined;
  let at = 4;
  /** The next `length` bytes, or all that is left when they are too few. */
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  const takeCounted = (): Buffer => {
    const length = take(2);
    return length.length < 2 ? length : take(length.readUInt16LE(0));
  };
  const points: McuPoint[] = [];
  for (let i = 0; i < count; i += 1) {
    const type = takeCounted().toString('utf8');
    const key = takeCounted().toString('utf8');
    const fixed = take(9);
    const data = takeCounted();
    const tombstone = take(4);
    const origin = takeCounted().toString('utf8');
    // Reading past the end gives short pieces, not an exception, and is checked here.
    if (at > bytes.length || fixed.length < 9 || tombstone.length < 4) return undefined;
    points.push({
      type,
      key,
      time: fixed.readBigInt64LE(0),
      value: decodeValue(fixed.readUInt8(8), data),
      tombstone: tombstone.readInt32LE(0),
      origin,
    });
  }
  return points;
}

function decodeValue(dataType: number, data: Buffer): McuValue {
  const bytes = data.length;
  if (dataType === 0 && bytes === 0) return undefined;
  if (dataType === FLOAT && bytes === 8) return data.readDoubleLE(0);
  if (dataType === FLOAT && bytes === 4) return { float32: data.readFloatLE(0) };
  if (dataType === INT && bytes === 8) return data.readBigInt64LE(0);
  if (dataType === INT && (bytes === 1 || bytes === 2 || bytes === 4)) {
    return { int: BigInt(data.readIntLE(0, bytes)), bytes };
  }
  if (dataType === STRING) return data.toString('utf8');
  if (dataType === JSON_TEXT) return { json: data.toString('utf8') };
  return { dataType, data: Uint8Array.from(data) };
}

/** The codec of generation 2. */
export const compactPoints = { name: 'compact', encode, decode } as const;
