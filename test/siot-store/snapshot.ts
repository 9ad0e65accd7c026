/** What tests see of the store's inside. */
import type { NodeEdge } from './codec-protobuf.js';
import { TOMBSTONE } from './database.js';
import { find, numberOf, textOf, type StorePoint } from './point.js';

export interface PointSnapshot {
  readonly type: string;
  readonly key: string;
  /** As the store reads it: short integers are zero-extended, and text is 0 (docs/siot.md, 1.1). */
  readonly number: number;
  /** `""` for numbers. */
  readonly text: string;
  /** Of generation 2; `undefined` in generation 1. */
  readonly dataType: number | undefined;
  readonly data: Uint8Array | undefined;
  /** ns since 1970. */
  readonly time: bigint;
  readonly tombstone: number;
  readonly origin: string;
}

export interface NodeSnapshot {
  readonly id: string;
  readonly type: string;
  readonly parent: string;
  readonly deleted: boolean;
  readonly points: readonly PointSnapshot[];
  readonly edgePoints: readonly PointSnapshot[];
}

export function snapshotOfPoint(point: StorePoint): PointSnapshot {
  const { type, key, time, tombstone, origin, content } = point;
  const typed = content.kind === 'typed' ? content : undefined;
  return {
    type,
    key,
    number: numberOf(point),
    text: textOf(point),
    dataType: typed?.dataType,
    data: typed?.data,
    time,
    tombstone,
    origin,
  };
}

export function snapshotOfNode({ id, type, parent, points, edgePoints }: NodeEdge): NodeSnapshot {
  const tombstone = find(edgePoints, TOMBSTONE);
  return {
    id,
    type,
    parent,
    deleted: tombstone !== undefined && numberOf(tombstone) === 1,
    points: points.map(snapshotOfPoint),
    edgePoints: edgePoints.map(snapshotOfPoint),
  };
}
