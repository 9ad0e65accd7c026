import { canonicalKey, type Point } from '../../point/point.js';
import type { Fifo } from './fifo.js';
import type { KeyGroup, KeyGroups } from './key-groups.js';
import type { LaneBook, Trouble } from './lane-book.js';
import type { StatusSlot } from './status-book.js';

/** A point on its way to a store: of a lane, or a status point. */
export interface Entry {
  readonly source:
    | {
        readonly kind: 'lane';
        readonly track: Track;
        readonly group: KeyGroup;
        readonly position: number;
      }
    | { readonly kind: 'status'; readonly slot: StatusSlot };
  point: Point;
  /** In a message of its own, since a message of several was refused. */
  alone: boolean;
  done: boolean;
  /** The message that got no answer in time, while it may still come. */
  late: Message | undefined;
}

export interface Message {
  readonly entries: readonly Entry[];
  readonly sentMs: number;
  /** On the line. */
  readonly bytes: number;
  token: number;
}

/** What a sender knows of a lane. */
export interface Track {
  readonly book: LaneBook;
  readonly groups: KeyGroups;
  /** To be sent before what the cursor has not reached. */
  readonly ready: Fifo<Entry>;
  inRing: boolean;
}

export function laneEntry(track: Track, group: KeyGroup, position: number, point: Point): Entry {
  return {
    source: { kind: 'lane', track, group, position },
    point,
    alone: false,
    done: false,
    late: undefined,
  };
}

export function statusEntry(slot: StatusSlot): Entry {
  return {
    source: { kind: 'status', slot },
    point: slot.point,
    alone: false,
    done: false,
    late: undefined,
  };
}

/** Points of which this is the same must not share a message (docs/siot.md, 1.7). */
export function nameOf(point: Point): string {
  return point.type + canonicalKey(point.key);
}

export function positionOf(entry: Entry): number {
  return entry.source.kind === 'lane' ? entry.source.position : -1;
}

export function nodeIdOf({ source }: Entry): string {
  return source.kind === 'status' ? source.slot.nodeId : source.track.book.lane.nodeId;
}

export function troubleOf({ source }: Entry): Trouble | undefined {
  return source.kind === 'status'
    ? source.slot.trouble
    : source.track.book.troubles.get(source.position);
}

/** The trouble that there is, or a new one. */
export function makeTrouble(entry: Entry): Trouble {
  const known = troubleOf(entry);
  if (known !== undefined) return known;
  const trouble = { failures: 0, tries: 0, acceptedBefore: 0, dueMs: 0, undecodableAs: 0 };
  const { source } = entry;
  if (source.kind === 'status') source.slot.trouble = trouble;
  else source.track.book.troubles.set(source.position, trouble);
  return trouble;
}
