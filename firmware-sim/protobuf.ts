import { numberIn, textIn, type McuPoint, type McuValue } from './points.js';

/**
 * Lists of points of generation 1 (docs/siot.md, 2.3): protobuf, repeated field
 * 1 = point, and in it 2 type, 4 value (float32), 8 text, 11 key, 12 tombstone,
 * 15 origin, 16 time (int64 ns). Defaults are left out.
 *
 * `0a0b | 1204 "temp" | 25 0000bc41`: temp = 23.5, time 0.
 */

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

function encode(points: readonly McuPoint[]): Uint8Array {
  return Uint8Array.from(points.flatMap((point) => field(1, encodePoint(point))));
}

function encodePoint(point: McuPoint): number[] {
  const number = numberIn(point.value);
  const float = Buffer.alloc(4);
  float.writeFloatLE(number);
  return [
    ...text(2, point.type),
    // −0 is not the default, and is written.
    ...(Object.is(number, 0) ? [] : [...tag(4, FIXED32), ...float]),
    ...text(8, textIn(point.value)),
    ...text(11, point.key),
    ...integer(12, BigInt(point.tombstone)),
    ...text(15, point.origin),
    ...integer(16, point.time),
  ];
}

const tag = (number: number, wire: number): number[] => varint(BigInt((number << 3) | wire));

const field = (number: number, bytes: readonly number[]): number[] => [
  ...tag(number, LENGTH),
  ...varint(BigInt(bytes.length)),
  ...bytes,
];

const text = (number: number, value: string): number[] =>
  value === '' ? [] : field(number, [...Buffer.from(value)]);

const integer = (number: number, value: bigint): number[] =>
  value === 0n ? [] : [...tag(number, VARINT), ...varint(value)];

/** Seven bits in each byte, lowest first; negative numbers have 64 bits. */
function varint(value: bigint): number[] {
  let rest = BigInt.asUintN(64, value);
  const out: number[] = [];
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return out;
}

/** The message is not valid. Thrown inside this file only. */
class Malformed extends Error {}

interface Field {
  readonly number: number;
  readonly wire: number;
  /** Of a varint; 0 otherwise. */
  readonly integer: bigint;
  /** Of a length-delimited or fixed field; empty otherwise. */
  readonly bytes: Buffer;
}

function decode(payload: Uint8Array): McuPoint[] | undefined {
  try {
    const points: McuPoint[] = [];
    for (const found of fieldsOf(Buffer.from(payload))) {
      if (found.number === 1 && found.wire === LENGTH) points.push(decodePoint(found.bytes));
    }
    return points;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

function decodePoint(message: Buffer): McuPoint {
  const point = { type: '', key: '', time: 0n, tombstone: 0, origin: '' };
  let number: number | undefined;
  let words = '';
  for (const { number: id, wire, integer: value, bytes } of fieldsOf(message)) {
    // A known field number with another wire type is skipped, as unknown fields are.
    switch ((id << 3) | wire) {
      case (2 << 3) | LENGTH:
        point.type = bytes.toString('utf8');
        break;
      case (4 << 3) | FIXED32:
        number = bytes.readFloatLE(0);
        break;
      case (8 << 3) | LENGTH:
        words = bytes.toString('utf8');
        break;
      case (11 << 3) | LENGTH:
        point.key = bytes.toString('utf8');
        break;
      case (12 << 3) | VARINT:
        point.tombstone = Number(BigInt.asIntN(32, value));
        break;
      case (15 << 3) | LENGTH:
        point.origin = bytes.toString('utf8');
        break;
      case (16 << 3) | VARINT:
        point.time = BigInt.asIntN(64, value);
        break;
    }
  }
  return { ...point, value: valueOf(number, words) };
}

function valueOf(number: number | undefined, words: string): McuValue {
  if (words === '') return number;
  return number === undefined || number === 0 ? words : { text: words, number };
}

function* fieldsOf(message: Buffer): Generator<Field> {
  let at = 0;
  const readVarint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) throw new Malformed('varint past the end');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Malformed('varint above 10 bytes');
  };
  const readBytes = (length: number): Buffer => {
    if (length > message.length - at) throw new Malformed('length past the end');
    return message.subarray(at, (at += length));
  };
  while (at < message.length) {
    const key = readVarint();
    const number = Number(key >> 3n);
    const wire = Number(key & 7n);
    if (number === 0 || number > 0x1fff_ffff) throw new Malformed('illegal field number');
    const none = Buffer.alloc(0);
    if (wire === VARINT) yield { number, wire, integer: readVarint(), bytes: none };
    else if (wire === FIXED64) yield { number, wire, integer: 0n, bytes: readBytes(8) };
    else if (wire === LENGTH)
      yield { number, wire, integer: 0n, bytes: readBytes(Number(readVarint())) };
    else if (wire === FIXED32) yield { number, wire, integer: 0n, bytes: readBytes(4) };
    else throw new Malformed('unknown wire type');
  }
}

/** The codec of generation 1. */
export const protobufPoints = { name: 'protobuf', encode, decode } as const;
