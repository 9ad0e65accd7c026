/**
 * Points on NATS, read and written with a small codec of the tests' own, so that
 * one misreading cannot hide in the gateway and in its tests (docs/siot.md,
 * 1.1, 2.4, 4.3 and 4.5).
 */
import { siot } from '#proto/siot.js';

export type Generation = 1 | 2;

/** A point as SIOT itself reads it, with its lenient accessors (docs/siot.md, 1.1). */
export interface SiotPoint {
  readonly type: string;
  readonly key: string;
  /** ns since 1970. */
  readonly time: bigint;
  /** SIOT's reader extends short integers with zeros: a −40 in one byte is 216 to it. */
  readonly number: number;
  readonly text: string;
  /** Generation 2 only: 0 none, 1 float, 2 int, 3 string, 4 JSON. */
  readonly dataType: number | undefined;
  /** Bytes of the value, generation 2 only. */
  readonly length: number | undefined;
  readonly tombstone: number;
  readonly origin: string;
}

/** A value to be written; `undefined` is generation 2's dataType 0, generation 1's 0. */
export type Written = number | bigint | string | boolean | { readonly json: string } | undefined;

export interface WrittenPoint {
  readonly type: string;
  readonly key?: string;
  readonly time: bigint;
  readonly value: Written;
  readonly tombstone?: number;
  readonly origin?: string;
}

const NS_PER_S = 1_000_000_000n;

export function decodePoints(generation: Generation, payload: Uint8Array): SiotPoint[] {
  return generation === 1
    ? siot.Points.decode(payload).points.map((point) => fromMessage(point as siot.Point))
    : decodeCompact(Buffer.from(payload));
}

export function encodePoints(generation: Generation, points: readonly WrittenPoint[]): Uint8Array {
  if (generation === 2) return encodeCompact(points);
  return siot.Points.encode({ points: points.map(toMessage) }).finish();
}

export const pointSubject = (
  generation: Generation,
  nodeId: string,
  point: { readonly type: string; readonly key?: string },
): string =>
  generation === 1
    ? `p.${nodeId}`
    : `p.${nodeId}.${point.type}.${(point.key ?? '') === '' ? '0' : (point.key ?? '')}`;

export const edgeSubject = (generation: Generation, nodeId: string, parentId: string): string =>
  `${generation === 1 ? 'p' : 'ep'}.${nodeId}.${parentId}`;

export interface SiotNode {
  readonly id: string;
  readonly type: string;
  readonly parent: string;
  readonly points: readonly SiotPoint[];
  readonly edgePoints: readonly SiotPoint[];
}

/** Throws for an error reply. Zero bytes are no node. */
export function decodeNodes(payload: Uint8Array): SiotNode[] {
  const reply = siot.NodesReply.decode(payload);
  if (reply.error !== '') throw new Error(`the store replied: ${reply.error}`);
  return reply.nodes.map((given) => {
    // What is decoded has all its members, whatever the types of protobufjs say.
    const node = given as siot.Node;
    const read = (point: siot.Point.$Properties): SiotPoint => fromMessage(point as siot.Point);
    return {
      id: node.id,
      type: node.type,
      parent: node.parent,
      points: node.points.map(read),
      edgePoints: node.edgePoints.map(read),
    };
  });
}

/** Of a message of generation 1, or of a node's reply of either. */
function fromMessage(message: siot.Point): SiotPoint {
  const seconds = BigInt((message.time?.seconds ?? 0).toString());
  const bytes = Buffer.from(message.data);
  const compact = message.dataType !== 0 || bytes.length > 0;
  const value = compact
    ? readValue(message.dataType, bytes)
    : { number: message.value, text: message.text };
  return {
    type: message.type,
    key: message.key,
    time: seconds * NS_PER_S + BigInt(message.time?.nanos ?? 0),
    ...value,
    dataType: compact ? message.dataType : undefined,
    length: compact ? bytes.length : undefined,
    tombstone: message.tombstone,
    origin: message.origin,
  };
}

function readValue(dataType: number, data: Buffer): { number: number; text: string } {
  const text = dataType === 3 || dataType === 4 ? data.toString('utf8') : '';
  return { number: readNumber(dataType, data), text };
}

function readNumber(dataType: number, data: Buffer): number {
  if (dataType === 1 && data.length === 8) return data.readDoubleLE(0);
  if (dataType === 1 && data.length === 4) return data.readFloatLE(0);
  if (dataType !== 2) return 0;
  switch (data.length) {
    case 1:
    case 2:
    case 4:
      return data.readUIntLE(0, data.length);
    case 8:
      return Number(data.readBigInt64LE(0));
    default:
      return 0;
  }
}

function toMessage(point: WrittenPoint): siot.Point.$Properties {
  const { value, time } = point;
  const isText = typeof value === 'string' || typeof value === 'object';
  return {
    type: point.type,
    key: point.key ?? '',
    time: { seconds: Number(time / NS_PER_S), nanos: Number(time % NS_PER_S) },
    value: isText || value === undefined ? 0 : Number(value),
    text: typeof value === 'object' ? value.json : typeof value === 'string' ? value : '',
    tombstone: point.tombstone ?? 0,
    origin: point.origin ?? '',
  };
}

function decodeCompact(bytes: Buffer): SiotPoint[] {
  let at = 4;
  const counted = (): Buffer => {
    const length = bytes.readUInt16LE(at);
    at += 2 + length;
    if (at > bytes.length) throw new RangeError('a point ends behind its payload');
    return bytes.subarray(at - length, at);
  };
  return Array.from({ length: bytes.readUInt32LE(0) }, () => {
    const type = counted().toString('utf8');
    const key = counted().toString('utf8');
    const time = bytes.readBigInt64LE(at);
    const dataType = bytes.readUInt8(at + 8);
    at += 9;
    const data = counted();
    const tombstone = bytes.readInt32LE(at);
    at += 4;
    const origin = counted().toString('utf8');
    const value = readValue(dataType, data);
    return { type, key, time, ...value, dataType, length: data.length, tombstone, origin };
  });
}

function encodeCompact(points: readonly WrittenPoint[]): Uint8Array {
  const count = Buffer.alloc(4);
  count.writeUInt32LE(points.length);
  const counted = (field: Buffer): Buffer => {
    const length = Buffer.alloc(2);
    length.writeUInt16LE(field.length);
    return Buffer.concat([length, field]);
  };
  const encoded = points.map((point) => {
    const [dataType, data] = writeValue(point.value);
    const time = Buffer.alloc(8);
    time.writeBigInt64LE(point.time);
    const tombstone = Buffer.alloc(4);
    tombstone.writeInt32LE(point.tombstone ?? 0);
    return Buffer.concat([
      counted(Buffer.from(point.type)),
      counted(Buffer.from(point.key ?? '')),
      time,
      Buffer.of(dataType),
      counted(data),
      tombstone,
      counted(Buffer.from(point.origin ?? '')),
    ]);
  });
  return Uint8Array.from(Buffer.concat([count, ...encoded]));
}

function writeValue(value: Written): [dataType: number, data: Buffer] {
  const data = Buffer.alloc(8);
  if (value === undefined) return [0, Buffer.alloc(0)];
  if (typeof value === 'string') return [3, Buffer.from(value)];
  if (typeof value === 'object') return [4, Buffer.from(value.json)];
  if (typeof value === 'bigint') {
    data.writeBigInt64LE(value);
    return [2, data];
  }
  data.writeDoubleLE(Number(value));
  return [1, data];
}
