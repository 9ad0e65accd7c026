/**
 * The protobuf payload of generation 1 firmware (docs/siot.md, 2.3;
 * proto/serial.proto).
 *
 * ```
 *  0a19            a point of 25 bytes
 *  12 04 74656d70  type "temp"        25 0000bc41   value 23.5 (single precision)
 *  5a 01 30        key "0"            8001 f2cfb5a8a4deb2c318   time, ns
 * ```
 */
import { serial } from '#proto/serial.js';
import protobuf from 'protobufjs/minimal.js';
import type { Point, PointValue } from '../point/point.js';
import { numberOf, textOf } from '../point/point.js';
import type { DecodedPayload, PayloadCodec } from './payload.js';
import { isMended, readText } from './text.js';

type Long = Exclude<serial.Point['time'], number>;

/** The protobuf payload (docs/siot.md, 2.3). */
export const protobufCodec: PayloadCodec = {
  name: 'protobuf',
  encode: encodeProtobuf,
  decode: decodeProtobuf,
  asDeviceSees: (point) => ({
    ...point,
    value: valueFrom(Math.fround(numberOf(point.value)), textOf(point.value)),
  }),
  ackPayload: new Uint8Array(0),
};

function encodeProtobuf(points: readonly Point[]): Uint8Array {
  return serial.Points.encode({
    points: points.map((point) => ({
      type: point.type,
      // Rounded here, so that a number that rounds to 0 is left out as 0 is.
      value: Math.fround(numberOf(point.value)),
      text: textOf(point.value),
      key: point.key,
      tombstone: point.tombstone,
      origin: point.origin,
      time: longFrom(point.time),
    })),
  }).finish();
}

function decodeProtobuf(payload: Uint8Array): DecodedPayload | undefined {
  const reader = new MendingReader(payload);
  let decoded: serial.Points;
  try {
    decoded = serial.Points.decode(reader);
  } catch {
    return undefined;
  }
  const points = decoded.points.map((raw): Point => ({
    type: raw.type ?? '',
    key: raw.key ?? '',
    time: timeFrom(raw.time ?? 0),
    value: valueFrom(raw.value ?? 0, raw.text ?? ''),
    tombstone: raw.tombstone ?? 0,
    origin: raw.origin ?? '',
  }));
  return { points, oddValues: 0, mendedTexts: reader.mended };
}

/** Replaces bytes that are not UTF-8. The generated code would refuse the whole message. */
class MendingReader extends protobuf.Reader {
  mended = 0;

  override stringVerify(): string {
    const length = this.uint32();
    const start = this.pos;
    if (length > this.len - start) throw new RangeError('text reaches past the end');
    this.pos = start + length;
    const text = readText(this.buf, start, length);
    if (isMended(text, this.buf, start, length)) this.mended += 1;
    return text;
  }
}

/** Generation 1 writes no value, the number 0 and the text "" alike: all are read as the number 0. */
function valueFrom(number: number, text: string): PointValue {
  if (text === '') return { kind: 'float', number };
  return number === 0 ? { kind: 'string', text } : { kind: 'string', text, number };
}

function longFrom(time: bigint): Long {
  // The encoder reads only the two halves of a Long.
  return { low: Number(BigInt.asIntN(32, time)), high: Number(time >> 32n) } as unknown as Long;
}

function timeFrom(time: number | Long): bigint {
  if (typeof time === 'number') return BigInt(time);
  return (BigInt(time.high) << 32n) | BigInt(time.low >>> 0);
}
