import * as protobuf from 'protobufjs/minimal.js';
import { siot } from '#proto/siot.js';
import { PayloadError } from '../packet/payload.js';
import {
  canonicalKey,
  floatValue,
  numberOf,
  textOf,
  type Point,
  type PointValue,
} from '../point/point.js';
import { NS_PER_S } from '../point/clock.js';
import type { DecodedPoints, SiotWire } from './wire.js';

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
  // Fewer than generation 2's: what waits then goes into fuller batches, which
  // is what this store is fast with (siot-interop.md, 4.1).
  window: 16,
  pointSubject: (nodeId) => `p.${nodeId}`,
  edgeSubject: (nodeId, parentId) => `p.${nodeId}.${parentId}`,
  pointSubscription: (nodeId) => `p.${nodeId}`,
  edgeSubscription: (nodeId) => `p.${nodeId}.*`,
  encode: (points) => siot.Points.encode({ points: points.map(toMessage) }).finish(),
  decode,
};

/** Year 1: "now", as whoever makes points without a time says it (siot-interop.md, 1.1). */
export const UNSET_NS = -62_135_596_800n * NS_PER_S;

/** Generation 2's limit; a longer text of generation 1 could not be passed on. */
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
  // Members at their default are left out, as every encoder of protobuf does.
  const value = numberOf(point.value);
  if (value !== 0) message.value = value;
  if (text !== '') message.text = text;
  if (point.tombstone !== 0) message.tombstone = point.tombstone;
  if (point.origin !== '') message.origin = point.origin;
  return message;
}

// Cut by hand to the single point, so that a broken one costs only itself.
function decode(payload: Uint8Array): DecodedPoints | undefined {
  const points: Point[] = [];
  let odd = 0;
  try {
    const reader = bufferReader(payload);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag >>> 3 === 0) return undefined;
      if (tag !== POINTS_TAG) {
        reader.skipType(tag & 7);
        continue;
      }
      const point = decodePoint(reader.bytes());
      if (point === undefined) odd += 1;
      else points.push(point);
    }
  } catch {
    return undefined;
  }
  return { points, odd };
}

const POINTS_TAG = (1 << 3) | 2;

function decodePoint(bytes: Uint8Array): Point | undefined {
  try {
    const message = siot.Point.decode(bufferReader(bytes));
    return { ...frameOf(message), value: valueOf(message) };
  } catch {
    return undefined;
  }
}

/** Text that is not UTF-8 is mended with U+FFFD only when read from a Buffer. */
export function bufferReader(bytes: Uint8Array): protobuf.Reader {
  return protobuf.Reader.create(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
}

/** All of a point but its value. */
export function frameOf(message: siot.Point): Omit<Point, 'value'> {
  return {
    type: message.type,
    key: message.key,
    time: timeOf(message.time),
    tombstone: message.tombstone,
    origin: message.origin,
  };
}

/** Text beside which a number stands, or a number. */
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
  // A Timestamp reaches the year 9999. Devices, generation 2 and the outbox have 64 bits
  // of nanoseconds, to the year 2262: a setting from beyond is one from the end of time.
  if (ns > MOST_NS) return MOST_NS;
  return ns < LEAST_NS ? LEAST_NS : ns;
}

const MOST_NS = 2n ** 63n - 1n;
const LEAST_NS = -(2n ** 63n);
