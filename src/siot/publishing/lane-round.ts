import { textOf } from '../../point/point.js';
import { laneEntry, nameOf, type Entry, type LaneSource, type Track } from './entry.js';
import { KeyGroups, type KeyGroup } from './key-groups.js';
import { readDue, type PublishState } from './publish-state.js';
import { Queue } from './queue.js';
import type { RetryList } from './retry-list.js';
import { BATCH_BYTES, type SenderOptions } from './sender.js';

/**
 * Maximum number of points of a lane that wait for others of their type+key. Without a limit the whole
 * lane would be read into memory.
 */
const LOOK_AHEAD = 4_096;
/** The same for lanes that keep only the newest points: points on their way are not replaced by newer ones. */
const CLAIM_AHEAD = 64;
/** Positions of a lane that are read before other lanes are served. */
const LOOK_AT_ONCE = 2_048;

/**
 * Reads the lanes in round-robin order, from their cursors on, and selects the points that
 * are sent next. Points of one type+key stay in order ({@link KeyGroups}).
 */
export class LaneRound {
  readonly #tracks = new Map<PublishState, Track>();
  readonly #round = new Queue<Track>();

  constructor(
    private readonly options: Pick<SenderOptions, 'wire' | 'clock' | 'host'>,
    /** Gets points that were refused, and whose next try is not due yet. */
    private readonly retries: RetryList,
    /** See {@link KeyGroups}. */
    private readonly quickestMs: () => number,
    /** Called when a lane whose reading was interrupted for others can be read further. */
    private readonly onMore: () => void,
  ) {}

  /** The lane has new points, or does not have to wait any more. */
  add(state: PublishState): void {
    let track = this.#tracks.get(state);
    if (track === undefined) {
      track = {
        state,
        groups: new KeyGroups(this.quickestMs),
        ready: new Queue(),
        inRound: false,
      };
      this.#tracks.set(state, track);
    }
    this.#enqueue(track);
  }

  /** Forgets a lane. Returns its track, if there was one. */
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

  /** The point has to be sent once more. */
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
      // The points that are sent next count as on their way: they are not replaced by newer ones.
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

  /** Lets other lanes be served before this one is read further. */
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
