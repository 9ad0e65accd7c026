/**
 * Protobuf on NATS: the points of generation 1 (docs/siot.md, 4.3), and the
 * replies to queries of both generations (4.5).
 */
import { UndecodableError } from './codec-compact.js';
import type { StorePoint } from './point.js';
import { BYTES, FIXED64, Reader, VARINT, Writer } from './protobuf.js';
import { isClean } from './text.js';

const NS_PER_S = 1_000_000_000n;
/** A Timestamp is of the years 1 to 9999; any other rejects the payload. */
const FIRST_S = -62_135_596_800n;
const END_S = 253_402_300_800n;

/** A node below one parent, as replies and the stand-in's snapshots have it. */
export interface NodeEdge {
  readonly id: string;
  readonly type: string;
  readonly parent: string;
  readonly points: readonly StorePoint[];
  readonly edgePoints: readonly StorePoint[];
  /** int32; 0 = absent. */
  readonly hash: number;
}

/** A point without a Timestamp rejects the whole payload (1.5). */
export function decodeProtobuf(payload: Uint8Array): StorePoint[] {
  const blocks: PartialPoint[] = [];
  const reader = new Reader(payload);
  reader.fields((field, wire) => {
    if (field !== 1 || wire !== BYTES) return false;
    blocks.push(decodePoint(reader.block()));
    return true;
  });
  return blocks.map(({ seconds, nanos, value, text, ...point }) => {
    if (seconds === undefined) throw new UndecodableError('timestamp: nil Timestamp');
    if (seconds < FIRST_S || seconds >= END_S || nanos < 0 || nanos >= 1e9) {
      throw new UndecodableError(`timestamp: seconds:${seconds.toString()} is out of range`);
    }
    return {
      ...point,
      time: seconds * NS_PER_S + BigInt(nanos),
      content: { kind: 'pair', value, text },
    };
  });
}

interface PartialPoint {
  type: string;
  key: string;
  tombstone: number;
  origin: string;
  value: number;
  text: string;
  seconds: bigint | undefined;
  nanos: number;
}

function decodePoint(bytes: Uint8Array): PartialPoint {
  const point: PartialPoint = {
    type: '',
    key: '',
    tombstone: 0,
    origin: '',
    value: 0,
    text: '',
    seconds: undefined,
    nanos: 0,
  };
  const reader = new Reader(bytes);
  reader.fields((field, wire) => {
    if (wire === FIXED64 && field === 4) point.value = reader.double();
    else if (wire === VARINT && field === 12) point.tombstone = reader.int32();
    else if (wire !== BYTES) return false;
    else if (field === 2) point.type = reader.text();
    else if (field === 5) decodeTimestamp(reader.block(), point);
    else if (field === 8) point.text = reader.text();
    else if (field === 11) point.key = reader.text();
    else if (field === 15) point.origin = reader.text();
    else return false;
    return true;
  });
  return point;
}

function decodeTimestamp(bytes: Uint8Array, point: PartialPoint): void {
  point.seconds ??= 0n;
  const reader = new Reader(bytes);
  reader.fields((field, wire) => {
    if (wire !== VARINT) return false;
    if (field === 1) point.seconds = reader.int64();
    else if (field === 2) point.nanos = reader.int32();
    else return false;
    return true;
  });
}

export function encodeProtobuf(points: readonly StorePoint[]): Uint8Array {
  const out = new Writer();
  for (const point of points) out.message(1, encodePoint(point));
  return out.done();
}

/**
 * A reply to a query; zero bytes when nothing was found. `undefined`: a text in
 * it is not UTF-8, and the server sends no reply at all.
 */
export function encodeNodes(nodes: readonly NodeEdge[], error = ''): Uint8Array | undefined {
  const out = new Writer();
  if (!isClean(error)) return undefined;
  for (const node of nodes) {
    for (const { type, key, origin } of [...node.points, ...node.edgePoints]) {
      if (!isClean(type) || !isClean(key) || !isClean(origin)) return undefined;
    }
    if (!isClean(node.type)) return undefined;
    out.message(1, encodeNode(node));
  }
  out.text(2, error);
  return out.done();
}

function encodeNode(node: NodeEdge): Uint8Array {
  const out = new Writer();
  out.text(1, node.id);
  out.text(2, node.type);
  for (const point of node.points) out.message(3, encodePoint(point));
  out.int(4, node.hash);
  out.text(6, node.parent);
  for (const point of node.edgePoints) out.message(7, encodePoint(point));
  return out.done();
}

function encodePoint(point: StorePoint): Uint8Array {
  const out = new Writer();
  const { content } = point;
  out.text(2, point.type);
  if (content.kind === 'pair') out.double(4, content.value);
  out.message(5, encodeTimestamp(point.time));
  if (content.kind === 'pair') out.text(8, content.text);
  out.text(11, point.key);
  out.int(12, point.tombstone);
  if (content.kind === 'typed') out.data(14, content.data);
  out.text(15, point.origin);
  if (content.kind === 'typed') out.int(16, content.dataType);
  return out.done();
}

function encodeTimestamp(time: bigint): Uint8Array {
  const out = new Writer();
  const nanos = ((time % NS_PER_S) + NS_PER_S) % NS_PER_S;
  out.int(1, (time - nanos) / NS_PER_S);
  out.int(2, nanos);
  return out.done();
}
