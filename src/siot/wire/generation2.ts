import {
  compactHead,
  compactPieces,
  compactTailLength,
  decodeCompact,
  encodeCompact,
  writeCompactTail,
} from '../../packet/compact.js';
import type { DecodedPayload } from '../../packet/payload.js';
import type { Point } from '../../point/point.js';
import { canonicalKey } from '../../point/point.js';
import { PIECE_POINTS, type DecodedPoints, type SiotWire } from './wire.js';

/**
 * SIOT from 0.19: compact points (src/packet/compact.ts), one a message.
 *
 * ```
 *  p.dev-1.temp.0     points of node dev-1
 *  ep.dev-1.root-1    its edge to parent root-1
 * ```
 */
export const generation2: SiotWire = {
  generation: 2,
  // The store would accept several points, but not two whose type+key are equal texts. SIOT
  // itself publishes one message for each point (docs/siot.md, 1.7).
  batch: 1,
  window: 128,
  pointSubject: (nodeId, first) => `p.${nodeId}.${first.type}.${canonicalKey(first.key)}`,
  edgeSubject: (nodeId, parentId) => `ep.${nodeId}.${parentId}`,
  pointSubscription: (nodeId) => `p.${nodeId}.>`,
  edgeSubscription: (nodeId) => `ep.${nodeId}.*`,
  encode: (points) => encodeCompact(points.some(isBlank) ? points.map(withKey) : points),
  single: {
    head: ({ type, key }) => compactHead(type, canonicalKey(key)),
    tailLength: compactTailLength,
    writeTail: writeCompactTail,
  },
  decode: (payload) => {
    const decoded = decodeCompact(payload);
    return decoded && asPoints(decoded);
  },
  pieces: (payload) => {
    const pieces = compactPieces(payload, PIECE_POINTS);
    return pieces && mapped(pieces);
  },
};

function* mapped(pieces: Iterable<DecodedPayload>): Generator<DecodedPoints, undefined> {
  for (const piece of pieces) yield asPoints(piece);
}

const asPoints = ({ points, oddValues }: DecodedPayload): DecodedPoints => ({
  points,
  odd: oddValues,
});

const isBlank = ({ key }: Point): boolean => key === '';

function withKey(point: Point): Point {
  return point.key === '' ? { ...point, key: '0' } : point;
}
