import type { OutboxLane } from '../../outbox/outbox.js';
import type { Point } from '../../point/point.js';

/** How far one lane of the outbox is published. */
export interface PublishState {
  readonly lane: OutboxLane;
  /** Its points wait until the node has been read. */
  held: boolean;
  /** Somebody deleted the node in SIOT: its points are dropped. */
  discarded: boolean;
  /** The next position to look at, since the current sender began. */
  cursor: number;
  /** States of points that the store refused, by position. They are kept when another sender begins. */
  readonly retryStates: Map<number, RetryState>;
}

/** Is told what happens to points. */
export interface PublishHost {
  /** The store may be gone, or be another one. It has to be looked for again. */
  suspect(why: Suspicion): void;
  /** Points were given up; `why` is for people. */
  dropped(nodeId: string, cause: DropCause, points: readonly Point[], why: string): void;
  /** Whether a point must not be published any more, although it is in the outbox. Hot: called for each point. */
  withholds(nodeId: string, point: Point): boolean;
}

/** Who knows the names of nodes. */
export interface NodeNames {
  /** Name of the node's link; `undefined`: it has none, or none any more. */
  linkOf(nodeId: string): string | undefined;
}

/** Why a store is suspected to be gone, or to be another one. */
export type Suspicion = 'noResponders' | 'undecodable' | 'silence';

/**
 * The point at a position, if there is one that may be published. A point that is withheld
 * is settled. Hot: called for each point.
 */
export function readDue(
  { lane }: PublishState,
  position: number,
  host: PublishHost,
): Point | undefined {
  const point = lane.read(position);
  if (point === undefined || !host.withholds(lane.nodeId, point)) return point;
  lane.settle(position);
  return undefined;
}

/** A point that was refused, and when it is tried again. */
export interface RetryState {
  failures: number;
  /** Number of refusals between which the store took other points. Only these count for dropping the point. */
  tries: number;
  /** {@link Totals.accepted} at the last refusal. */
  acceptedBefore: number;
  /** Earliest time of the next try, ms of the monotonic clock. */
  dueMs: number;
  /** Generation in which the store could not decode the point; 0: there is none. */
  undecodableAs: number;
}

/** Counts of all lanes, kept when another sender begins. */
export interface Totals {
  /** Number of messages that the store has confirmed, or NATS if there is no store. */
  accepted: number;
}

/** Why a point was given up (docs/contract.md, "Delivered"). */
export type DropCause =
  /** Its type or key has a character that SIOT forbids. */
  | 'forbiddenCharacter'
  /** The store refused it too often, and took others meanwhile. */
  | 'refusedByStore'
  /** NATS denied it too often, and took others meanwhile. */
  | 'notPermitted'
  /** It cannot be put on NATS at all: too large. */
  | 'unsendable'
  /** Somebody deleted its node. */
  | 'nodeDeleted';
