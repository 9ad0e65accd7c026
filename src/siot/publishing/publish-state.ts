import type { OutboxLane } from '../../outbox/outbox.js';
import type { Point } from '../../point/point.js';

/** What the publisher knows of one lane of the outbox. */
export interface PublishState {
  readonly lane: OutboxLane;
  /** Nothing is sent until the node has been read. */
  held: boolean;
  /** Somebody deleted the node: everything is dropped. */
  discarded: boolean;
  /** First position that was not looked at since publishing began anew. */
  cursor: number;
  /** Points that the store refused, by position; kept when publishing begins anew. */
  readonly retryStates: Map<number, RetryState>;
}

/** Whoever hears what becomes of points. */
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

/** How often a point was refused. */
export interface RetryState {
  failures: number;
  /** Refusals between which the store took others: only these count against the point. */
  tries: number;
  /** {@link Totals.accepted} at the last refusal. */
  acceptedBefore: number;
  /** Not before then, in ms of the monotonic clock. */
  dueMs: number;
  /** Generation in which the store could not decode it; 0: it could. */
  undecodableAs: number;
}

/** Counts over all lanes, kept when publishing begins anew. */
export interface Totals {
  /** Messages that the store took. */
  accepted: number;
}

export type DropCause =
  /** Its type or key has a character that SIOT forbids. */
  | 'forbiddenCharacter'
  /** Too often refused while others were taken. */
  | 'refusedByStore'
  /** Too often not permitted by NATS while it took others. */
  | 'notPermitted'
  /** It cannot be put on NATS at all: too large. */
  | 'unsendable'
  /** Somebody deleted its node. */
  | 'nodeDeleted';
