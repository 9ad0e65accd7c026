import { canonicalKey, type Point } from '../../point/point.js';
import type { Queue } from './queue.js';
import type { KeyGroup, KeyGroups } from './key-groups.js';
import type { PublishState, RetryState } from './publish-state.js';
import type { StatusSlot } from './status-points.js';

/** A point on its way to a store: of a lane, or a status point. */
export interface Entry {
  readonly source: LaneSource | { readonly kind: 'status'; readonly slot: StatusSlot };
  point: Point;
  /** Whether it has to be sent in a message of its own, since a message of several points was refused. */
  alone: boolean;
  done: boolean;
  /** A message with this point that was not answered in time. The answer may still come. */
  late: Message | undefined;
}

/** Where in a lane a point is. */
export interface LaneSource {
  readonly kind: 'lane';
  readonly track: Track;
  readonly group: KeyGroup;
  readonly position: number;
}

/** Points that were published together and are not answered yet. */
export interface Message {
  readonly entries: readonly Entry[];
  readonly subject: string;
  readonly sentMs: number;
  /** Bytes of the payload and of what NATS adds to it. */
  readonly bytes: number;
  /** Identifies its answers. */
  readonly token: number;
}

/** A lane in a {@link LaneRound}. */
export interface Track {
  readonly state: PublishState;
  readonly groups: KeyGroups;
  /** Points that are sent before those from the cursor on. */
  readonly ready: Queue<Entry>;
  /** Whether it is in the round, and waits to be served. */
  inRound: boolean;
}

/** The point at a position of a lane, to be sent. */
export function laneEntry(track: Track, group: KeyGroup, position: number, point: Point): Entry {
  return {
    source: { kind: 'lane', track, group, position },
    point,
    alone: false,
    done: false,
    late: undefined,
  };
}

/** The latest value of a status point, to be sent. */
export function statusEntry(slot: StatusSlot): Entry {
  return {
    source: { kind: 'status', slot },
    point: slot.point,
    alone: false,
    done: false,
    late: undefined,
  };
}

/** Type and key as one text. Points with equal texts must not share a message (docs/siot.md, 1.7). */
export function nameOf(point: Point): string {
  return point.type + canonicalKey(point.key);
}

/** Position of the point in its lane; -1 for a status point. */
export function positionOf(entry: Entry): number {
  return entry.source.kind === 'lane' ? entry.source.position : -1;
}

/** The node to which the point belongs. */
export function nodeIdOf({ source }: Entry): string {
  return source.kind === 'status' ? source.slot.nodeId : source.track.state.lane.nodeId;
}

/** `undefined`: the store has not refused the point. */
export function retryStateOf({ source }: Entry): RetryState | undefined {
  return source.kind === 'status'
    ? source.slot.retryState
    : source.track.state.retryStates.get(source.position);
}

/** As {@link retryStateOf}, but makes the state if there is none. */
export function ensureRetryState(entry: Entry): RetryState {
  const known = retryStateOf(entry);
  if (known !== undefined) return known;
  const retryState = { failures: 0, tries: 0, acceptedBefore: 0, dueMs: 0, undecodableAs: 0 };
  const { source } = entry;
  if (source.kind === 'status') source.slot.retryState = retryState;
  else source.track.state.retryStates.set(source.position, retryState);
  return retryState;
}
