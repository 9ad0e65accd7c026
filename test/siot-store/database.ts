/** What lies behind the subjects: one implementation for each kind of store. */
import type { NodeEdge } from './codec-protobuf.js';
import type { StorePoint } from './point.js';

export interface NodeQuery {
  readonly parent: string;
  readonly id: string;
  /** `""`: of any type. */
  readonly type: string;
  readonly deleted: boolean;
}

export interface Database {
  /** The instance's root node; an edge to the parent `root` changes it (4.9). */
  readonly rootId: string;
  /** All write and query methods throw a {@link RefusedError} for what the store refuses. */
  nodePoints(id: string, points: readonly StorePoint[]): void;
  edgePoints(id: string, parent: string, points: readonly StorePoint[]): void;
  /** Points that another instance wrote (4.8); only stores that know the header have it. */
  remote?: {
    nodePoints(id: string, points: readonly StorePoint[], instance: string): void;
    edgePoints(id: string, parent: string, points: readonly StorePoint[], instance: string): void;
  };
  query(query: NodeQuery): NodeEdge[];
  /** Parents of a node, live ones or all. */
  ups(id: string, deleted: boolean): string[];
  /** Nodes of the users with these credentials that live below the root (4.11). */
  users(email: string, pass: string): NodeEdge[];
  /** Every edge there is, deleted ones too, for snapshots; never throws. */
  all(): NodeEdge[];
  /** The points of a node, with or without an edge; never throws. */
  points(id: string): StorePoint[];
  /** The first stored of these; never throws. */
  point(id: string, type: string, key: string): StorePoint | undefined;
}

/** The text is the server's, and goes out as the reply. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

export const TOMBSTONE = 'tombstone';
export const NODE_TYPE = 'nodeType';
export const ROOT = 'root';

export const NEEDS_TYPE = 'node type must be sent with new edges';
export const NO_ROOT_DELETION = "error, can't delete root node";
const NO_PARENT = 'parent must be set to valid ID, or all';
const NO_COMBINATION = 'invalid combination of parent and id';

export function refuseSelfParent(id: string, parent: string): void {
  if (id === parent) throw new RefusedError(`error: edgePoints nodeID=parentID=${id}`);
}

/** Table of docs/siot.md, 4.5: what cannot be asked. */
export function refuseQuery({ parent, id }: NodeQuery): void {
  if (parent === 'none') throw new RefusedError(NO_PARENT);
  if (parent === 'all' && id === 'all') throw new RefusedError(NO_COMBINATION);
}
