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
  /** Of points that the store refused, by position; kept when another sender begins. */
  readonly retryStates: Map<number, RetryState>;
}

/** Hears what becomes of points. */
export interface PublishHost {
  /** The store may be gone, or be another one: it has to be looked for again. */
  suspect(why: Suspicion): void;
  /** Points were given up; `why` is for people. */
  dropped(nodeId: string, cause: DropCause, points: readonly Point[], why: string): void;
  /** Whether a point must not be published any more, though it was put into the outbox. Hot: asked for each point. */
  withholds(nodeId: string, point: Point): boolean;
}

/** Why a store is suspected to be gone, or to be another one. */
export type Suspicion = 'noResponders' | 'undecodable' | 'silence';

/** The point at a position, if it is there; one that is withheld is settled. Hot: called for each point. */
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
  /** Refusals between which the store took other points: only these can end in the point being dropped. */
  tries: number;
  /** {@link Totals.accepted} at the last refusal. */
  acceptedBefore: number;
  /** Earliest time of the next try, ms of the monotonic clock. */
  dueMs: number;
  /** Generation in which the store could not decode it; 0: it could. */
  undecodableAs: number;
}

/** Counts of all lanes, kept when another sender begins. */
export interface Totals {
  /** Messages that were confirmed by the store, or by NATS where there is none. */
  accepted: number;
}

/** Why a point was given up (docs/contract.md, "Delivered"). */
export type DropCause =
  /** Its type or key has a character that SIOT forbids. */
  | 'forbiddenCharacter'
  /** Refused too often, while the store took others. */
  | 'refusedByStore'
  /** NATS did not permit it too often, while it took others. */
  | 'notPermitted'
  /** It cannot be put on NATS at all: too large. */
  | 'unsendable'
  /** Somebody deleted its node. */
  | 'nodeDeleted';
