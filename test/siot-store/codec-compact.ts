/**
 * The compact point list of generation 2 (docs/siot.md, 2.4):
 *
 *     u32 count, then per point
 *     u16+type  u16+key  i64 time  u8 dataType  u16+data  i32 tombstone  u16+origin
 *
 * Little-endian throughout. Bytes after the last point are ignored.
 */
import type { StorePoint } from './point.js';
import { decodeText, encodeText } from './text.js';

/** The payload is not what this store's generation decodes; the text is the server's. */
export class UndecodableError extends Error {
  override readonly name = 'UndecodableError';
}

const MOST_POINTS = 10_000;

export function decodeCompact(payload: Uint8Array): StorePoint[] {
  if (payload.length < 4) throw new UndecodableError('DecodePoints: not enough data for count');
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const count = view.getUint32(0, true);
  if (count > MOST_POINTS) {
    throw new UndecodableError(`DecodePoints: count ${count} exceeds maximum`);
  }
  const points: StorePoint[] = [];
  let at = 4;
  const refuse = (why: string): never => {
    throw new UndecodableError(`DecodePoints: error at point ${points.length}: ${why}`);
  };
  const need = (bytes: number, what: string): void => {
    if (at + bytes > payload.length) refuse(`DecodePoint: not enough data for ${what}`);
  };
  const field = (decoder: string, what: string): Uint8Array => {
    if (at + 2 > payload.length) {
      refuse(`${decoder}: not enough data for length at offset ${at}`);
    }
    const length = view.getUint16(at, true);
    at += 2;
    if (at + length > payload.length) refuse(`${decoder}: not enough data${what} at offset ${at}`);
    at += length;
    return payload.subarray(at - length, at);
  };
  const text = (): string => decodeText(field('decodeString', ' for string'));
  while (points.length < count) {
    const type = text();
    const key = text();
    need(8, 'time');
    const time = view.getBigInt64(at, true);
    at += 8;
    need(1, 'dataType');
    const dataType = view.getUint8(at);
    at += 1;
    const data = Uint8Array.from(field('decodeBytes', ''));
    need(4, 'tombstone');
    const tombstone = view.getInt32(at, true);
    at += 4;
    const origin = text();
    points.push({ type, key, time, tombstone, origin, content: { kind: 'typed', dataType, data } });
  }
  return points;
}

export function encodeCompact(points: readonly StorePoint[]): Uint8Array {
  const count = Buffer.alloc(4);
  count.writeUInt32LE(points.length);
  return Buffer.concat([count, ...points.map(encodePoint)]);
}

function encodePoint(point: StorePoint): Buffer {
  if (point.content.kind !== 'typed') throw new TypeError('a point of the other generation');
  const { dataType, data } = point.content;
  const type = encodeText(point.type);
  const key = encodeText(point.key);
  const origin = encodeText(point.origin);
  const out = Buffer.allocUnsafe(21 + type.length + key.length + data.length + origin.length);
  let at = 0;
  const field = (bytes: Uint8Array): void => {
    at = out.writeUInt16LE(bytes.length, at);
    out.set(bytes, at);
    at += bytes.length;
  };
  field(type);
  field(key);
  at = out.writeBigInt64LE(BigInt.asIntN(64, point.time), at);
  at = out.writeUInt8(dataType, at);
  field(data);
  at = out.writeInt32LE(point.tombstone, at);
  field(origin);
  return out;
}
