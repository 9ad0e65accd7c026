import { textOf } from '../../point/point.js';
import { laneEntry, nameOf, type Entry, type LaneSource, type Track } from './entry.js';
import { KeyGroups, type KeyGroup } from './key-groups.js';
import { readDue, type PublishState } from './publish-state.js';
import { Queue } from './queue.js';
import type { RetryList } from './retry-list.js';
import { BATCH_BYTES, type SenderOptions } from './sender.js';

/** Points of a lane that may wait for others of their type+key: more would bring the lane into memory. */
const LOOK_AHEAD = 4_096;
/** The same where only the newest points are kept: those on their way are not replaced. */
const CLAIM_AHEAD = 64;
/** Positions of a lane that are read before other lanes are served. */
const LOOK_AT_ONCE = 2_048;

/**
 * Reads the lanes round robin, from their cursors on, and puts together which points
 * are sent next. Points of one type+key stay in order ({@link KeyGroups}).
 */
export class LaneRound {
  readonly #tracks = new Map<PublishState, Track>();
  readonly #round = new Queue<Track>();

  constructor(
    private readonly options: Pick<SenderOptions, 'wire' | 'clock' | 'host'>,
    /** Gets the points that are not to be tried again yet. */
    private readonly retries: RetryList,
    /** See {@link KeyGroups}. */
    private readonly isDistant: () => boolean,
    /** Reading goes on of a lane that was interrupted for others. */
    private readonly onMore: () => void,
  ) {}

  /** The lane has new points, or need not wait any more. */
  add(state: PublishState): void {
    let track = this.#tracks.get(state);
    if (track === undefined) {
      track = {
        state,
        groups: new KeyGroups(this.isDistant),
        ready: new Queue(),
        inRound: false,
      };
      this.#tracks.set(state, track);
    }
    this.#enqueue(track);
  }

  /** Forgets a lane. Returns what was known of it, if anything. */
  forget(state: PublishState): Track | undefined {
    const track = this.#tracks.get(state);
    if (track === undefined) return undefined;
    this.#tracks.delete(state);
    while (track.ready.shift() !== undefined);
    return track;
  }

  /** Points of one lane for the next message; `undefined`: no lane has any. */
  next(): Entry[] | undefined {
    for (let track = this.#round.shift(); track !== undefined; track = this.#round.shift()) {
      const entries = this.#nextOf(track);
      if (entries !== undefined) {
        this.#round.push(track);
        return entries;
      }
      track.inRound = false;
    }
    return undefined;
  }

  /** The point is to be sent once more. */
  again(track: Track, entry: Entry): void {
    track.ready.push(entry);
    this.#enqueue(track);
  }

  /** The point is delivered, or given up: the next ones of its type+key may follow. */
  settle({ track, group, position }: LaneSource): void {
    track.state.retryStates.delete(position);
    track.state.lane.settle(position);
    this.#release(track, group, track.groups.leave(group, position));
  }

  #enqueue(track: Track): void {
    if (track.inRound) return;
    track.inRound = true;
    this.#round.push(track);
  }

  #nextOf(track: Track): Entry[] | undefined {
    const first = this.#takeEntry(track);
    if (first === undefined) return undefined;
    const { batch } = this.options.wire;
    const entries = [first];
    if (batch === 1 || first.alone) return entries;
    const names = new Set([nameOf(first.point)]);
    let bytes = textOf(first.point.value).length;
    while (entries.length < batch && bytes < BATCH_BYTES) {
      const entry = this.#takeEntry(track);
      if (entry === undefined) break;
      if (entry.alone || names.has(nameOf(entry.point))) {
        track.ready.unshift(entry);
        break;
      }
      names.add(nameOf(entry.point));
      bytes += textOf(entry.point.value).length;
      entries.push(entry);
    }
    return entries;
  }

  #takeEntry(track: Track): Entry | undefined {
    for (let ready = track.ready.shift(); ready !== undefined; ready = track.ready.shift()) {
      if (!ready.done) return ready;
    }
    const { state, groups } = track;
    for (let looked = 0; ; looked++) {
      state.cursor = Math.min(state.cursor, groups.takeBack() ?? state.cursor);
      // What is sent next counts as on its way: it is not replaced by a newer point.
      if (state.cursor >= state.lane.claimed) state.lane.claimBefore(state.lane.next);
      if (state.cursor >= state.lane.next) return undefined;
      const lookAhead = state.lane.claimed === Number.POSITIVE_INFINITY ? LOOK_AHEAD : CLAIM_AHEAD;
      if (groups.waiting >= lookAhead && !groups.cut()) return undefined;
      if (looked >= LOOK_AT_ONCE) {
        this.#lookOn(track);
        return undefined;
      }
      const position = state.cursor;
      state.cursor += 1;
      const point = readDue(state, position, this.options.host);
      if (point === undefined) continue;
      const name = nameOf(point);
      const group = groups.enter(name, position);
      if (group === undefined) {
        const crowd = groups.get(name);
        if (crowd !== undefined) this.#release(track, crowd, groups.release(crowd));
        const ready = track.ready.shift();
        if (ready !== undefined) return ready;
        continue;
      }
      const entry = laneEntry(track, group, position, point);
      const retryState = state.retryStates.get(position);
      if (retryState === undefined) return entry;
      entry.alone = true;
      if (retryState.dueMs <= this.options.clock.monotonicMs()) return entry;
      group.refused = position;
      this.retries.add(entry, retryState.dueMs);
    }
  }

  /** Serves other lanes before this one is read further. */
  #lookOn(track: Track): void {
    this.options.clock.setTimer(0, () => {
      this.#enqueue(track);
      this.onMore();
    });
  }

  #release(track: Track, group: KeyGroup, positions: readonly number[]): void {
    for (const position of positions) {
      const point = readDue(track.state, position, this.options.host);
      if (point !== undefined) track.ready.push(laneEntry(track, group, position, point));
      else this.#release(track, group, track.groups.leave(group, position));
    }
    if (positions.length > 0) this.#enqueue(track);
  }
}
