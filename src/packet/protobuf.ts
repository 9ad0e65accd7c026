/**
 * The protobuf payload of generation 1 firmware (siot-interop.md, 2.3;
 * proto/serial.proto).
 *
 * ```
 *  0a19            a point of 25 bytes
 *  12 04 74656d70  type "temp"        25 0000bc41   value 23.5 (single precision)
 *  5a 01 30        key "0"            8001 f2cfb5a8a4deb2c318   time, ns
 * ```
 */
import { serial } from '#proto/serial.js';
import type { Point, PointValue } from '../point/point.js';
import { numberOf, textOf } from '../point/point.js';
import type { DecodedPayload, PayloadCodec } from './payload.js';

type Long = Exclude<serial.Point['time'], number>;

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
      value: numberOf(point.value),
      text: textOf(point.value),
      key: point.key,
      tombstone: point.tombstone,
      origin: point.origin,
      time: longFrom(point.time),
    })),
  }).finish();
}

function decodeProtobuf(payload: Uint8Array): DecodedPayload | undefined {
  let decoded: serial.Points;
  try {
    // A Buffer, since its reader mends text that is not UTF-8 with U+FFFD.
    decoded = serial.Points.decode(Buffer.from(payload.buffer, payload.byteOffset, payload.length));
  } catch {
    return undefined;
  }
  let mendedTexts = 0;
  const points = decoded.points.map((raw): Point => {
    const type = raw.type ?? '';
    const key = raw.key ?? '';
    const text = raw.text ?? '';
    const origin = raw.origin ?? '';
    // A device that really sends U+FFFD is counted too: the bytes are gone here.
    for (const field of [type, key, text, origin]) if (field.includes('\ufffd')) mendedTexts += 1;
    return {
      type,
      key,
      time: timeFrom(raw.time ?? 0),
      value: valueFrom(raw.value ?? 0, text),
      tombstone: raw.tombstone ?? 0,
      origin,
    };
  });
  return { points, oddValues: 0, mendedTexts };
}

/** Generation 1 cannot tell 0 from no value, nor "" from no text: both are the number 0. */
function valueFrom(number: number, text: string): PointValue {
  if (text === '') return { kind: 'float', number };
  return number === 0 ? { kind: 'string', text } : { kind: 'string', text, number };
}

function longFrom(time: bigint): Long {
  // The encoder reads nothing of a Long but its two halves.
  return { low: Number(BigInt.asIntN(32, time)), high: Number(time >> 32n) } as Long;
}

function timeFrom(time: number | Long): bigint {
  if (typeof time === 'number') return BigInt(time);
  return (BigInt(time.high) << 32n) | BigInt(time.low >>> 0);
}
