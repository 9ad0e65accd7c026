import { siot } from '#proto/siot.js';
import { readCompactValue } from '../../packet/compact.js';
import { isTrue, stringValue, floatValue, NO_VALUE } from '../../point/point.js';
import type { Point, PointValue } from '../../point/point.js';
import type { Generation } from '../wire/wire.js';
import { bufferReader, pointOf, valueOf } from '../wire/generation1.js';

/** A node under one of its parents, as a store knows it (docs/siot.md, 4.5). */
export interface StoredNode {
  readonly id: string;
  readonly type: string;
  readonly parent: string;
  readonly points: readonly Point[];
  readonly edgePoints: readonly Point[];
}

/** A decoded reply of the store to a query of nodes. */
export type NodesReply =
  | {
      readonly kind: 'nodes';
      readonly nodes: readonly StoredNode[];
      /** Number of points that are left out, since they could not be decoded. */
      readonly odd: number;
      /** The generation of the store, as its points and hashes show it; `undefined`: they do not. */
      readonly generation: Generation | undefined;
    }
  | { readonly kind: 'error'; readonly text: string }
  | { readonly kind: 'broken' };

/** Whether somebody deleted the node under this parent (docs/siot.md, 1.3). */
export function isDeletedEdge(node: StoredNode): boolean {
  const tombstone = edgeTombstone(node);
  return tombstone !== undefined && isTrue(tombstone.value);
}

/** The point of the node's edge that says whether it is deleted; `undefined`: it has none. */
export const edgeTombstone = ({ edgePoints }: StoredNode): Point | undefined =>
  edgePoints.find(({ type }) => type === 'tombstone');

const TAG = { nodes: 0x0a, error: 0x12 };
const NODE_TAG = { id: 0x0a, type: 0x12, points: 0x1a, hash: 0x20, parent: 0x32, edges: 0x3a };

/**
 * Decodes a reply to `nodes.*`. A reply without bytes has no nodes. A store returns
 * whatever was put into it. So each point is decoded alone, and a broken one does not
 * prevent the decoding of the others.
 *
 * @param asked generation of the store, if known: in generation 1 a point without a value is 0
 */
export function decodeNodes(payload: Uint8Array, asked?: Generation): NodesReply {
  const nodes: StoredNode[] = [];
  const signs: Signs = { asked, odd: 0, dataTypes: 0, values: 0, hashes: 0 };
  let error = '';
  try {
    const reader = bufferReader(payload);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === TAG.nodes) nodes.push(decodeNode(reader.bytes(), signs));
      else if (tag === TAG.error) error = reader.string();
      else reader.skipType(tag & 7);
    }
  } catch {
    return { kind: 'broken' };
  }
  if (error !== '') return { kind: 'error', text: error.trim() };
  const generation = signs.dataTypes > 0 ? 2 : signs.values > 0 || signs.hashes > 0 ? 1 : undefined;
  return { kind: 'nodes', nodes, odd: signs.odd, generation };
}

interface Signs {
  /** The generation of the store that was asked, if known. */
  readonly asked: Generation | undefined;
  odd: number;
  dataTypes: number;
  values: number;
  hashes: number;
}

function decodeNode(bytes: Uint8Array, signs: Signs): StoredNode {
  let id = '';
  let type = '';
  let parent = '';
  let hash = 0;
  const points: Uint8Array[] = [];
  const edgePoints: Uint8Array[] = [];
  const reader = bufferReader(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    switch (tag) {
      case NODE_TAG.id:
        id = reader.string();
        break;
      case NODE_TAG.type:
        type = reader.string();
        break;
      case NODE_TAG.parent:
        parent = reader.string();
        break;
      case NODE_TAG.hash:
        hash = reader.int32();
        break;
      case NODE_TAG.points:
        points.push(reader.bytes());
        break;
      case NODE_TAG.edges:
        edgePoints.push(reader.bytes());
        break;
      default:
        reader.skipType(tag & 7);
    }
  }
  if (hash !== 0) signs.hashes += 1;
  const read = (raw: Uint8Array): Point[] => {
    const point = decodePoint(raw, hash !== 0, signs);
    if (point !== undefined) return [point];
    signs.odd += 1;
    return [];
  };
  return { id, type, parent, points: points.flatMap(read), edgePoints: edgePoints.flatMap(read) };
}

function decodePoint(raw: Uint8Array, hashed: boolean, signs: Signs): Point | undefined {
  try {
    const message = siot.Point.decode(bufferReader(raw));
    const value = readValue(message, hashed, signs);
    return value && pointOf(message, value);
  } catch {
    return undefined;
  }
}

function readValue(message: siot.Point, hashed: boolean, signs: Signs): PointValue | undefined {
  if (message.dataType !== 0) {
    signs.dataTypes += 1;
    return readCompactValue(message.dataType, message.data);
  }
  if (message.value !== 0 || message.text !== '') {
    signs.values += 1;
    return valueOf(message);
  }
  // The point has no kind (docs/siot.md, 1.1). Generation 1 omits a 0. Generation 2a sends
  // a 0 as 8 zero bytes, and an empty text as no bytes. Generation 2b, which has no hash,
  // sends no bytes for no value.
  if (message.data.length === 8 && message.data.every((byte) => byte === 0)) return floatValue(0);
  if (message.data.length > 0) return undefined;
  if (signs.asked === 1) return floatValue(0);
  return hashed ? stringValue('') : NO_VALUE;
}
