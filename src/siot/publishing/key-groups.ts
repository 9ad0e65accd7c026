import { Queue } from './queue.js';

/** Points of one lane whose type+key are equal texts, in their order. */
export interface KeyGroup {
  readonly name: string;
  /** Position of the latest point that has entered. */
  last: number;
  /** Number of points that are sent and not answered, or about to be sent. */
  onTheWay: number;
  /** Positions that wait for the points on the way. */
  waiting: Queue<number>;
  /** Position that the store refused: nothing of the group is sent until it is settled. */
  refused: number | undefined;
  /** Whether a point of the group was answered. */
  answered: boolean;
}

/** A group whose points would wait longer than this has as many on the way at once as it needs, ms. */
const LONGEST_WAIT_MS = 5;
const MOST_TOGETHER = 32;
/** When too many positions wait, a group with a refused one keeps only so many. The rest are read again later. */
const BEHIND_REFUSED = 256;

/**
 * Keeps points in order: the next point of the same type+key is sent when the point before
 * it was answered. So a newer point cannot overtake a point that is refused or lost.
 *
 * Where many wait, or the store is distant, that is too slow: a device waits for its
 * acknowledgement, and the points go to disk. Then several points of a group are sent together,
 * but only after one reply: a busy store and a dead store both look slow. If one of these
 * points is refused or lost, later ones may overtake it. SIOT then ignores the older one.
 *
 * A group's name is type+key without a separator: two points whose names are equal
 * must not share a message either (docs/siot.md, 1.7).
 */
export class KeyGroups {
  readonly #groups = new Map<string, KeyGroup>();
  #waiting = 0;
  /** Groups that keep only some of their positions. #cutFrom: the first position that was left out. */
  readonly #cut = new Set<KeyGroup>();
  #cutFrom = Number.POSITIVE_INFINITY;

  /** `quickestMs`: the store's quickest answer so far; 0: there was none. */
  constructor(private readonly quickestMs: () => number) {}

  /** Number of positions that wait, in all groups. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Returns the group if this point may be sent now. Otherwise the position waits, or is
   * read again later. May be called again for the same position.
   */
  enter(name: string, position: number): KeyGroup | undefined {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = {
        name,
        last: position,
        onTheWay: 1,
        waiting: new Queue(),
        refused: undefined,
        answered: false,
      };
      this.#groups.set(name, group);
      return group;
    }
    if (position <= group.last || this.#cut.has(group)) return undefined;
    group.last = position;
    group.waiting.push(position);
    this.#waiting += 1;
    return undefined;
  }

  /**
   * Drops positions that wait far behind a refused point, so that points of other groups
   * can be read: the refused point may take minutes. False: there are no such positions.
   */
  cut(): boolean {
    let found = false;
    for (const group of this.#groups.values()) {
      if (group.refused === undefined || group.waiting.length <= BEHIND_REFUSED) continue;
      found = true;
      this.#cut.add(group);
      const kept = new Queue<number>();
      this.#waiting += BEHIND_REFUSED - group.waiting.length;
      for (let i = 0; i < BEHIND_REFUSED; i++) kept.push(group.waiting.shift() ?? 0);
      const first = group.waiting.shift() ?? 0;
      this.#cutFrom = Math.min(this.#cutFrom, first);
      group.last = first - 1;
      group.waiting = kept;
    }
    return found;
  }

  /**
   * Position from which the lane has to be read again, since a refused point was settled
   * and positions behind it had been dropped. `undefined`: there is none.
   */
  takeBack(): number | undefined {
    if (this.#cut.size === 0) return undefined;
    for (const { refused } of this.#cut) {
      if (refused !== undefined) continue;
      const from = this.#cutFrom;
      this.#cut.clear();
      this.#cutFrom = Number.POSITIVE_INFINITY;
      return from;
    }
    return undefined;
  }

  /** Positions that may be sent now: after one was settled, or after more have come to wait. */
  release(group: KeyGroup): number[] {
    const released: number[] = [];
    while (group.waiting.length > 0 && group.onTheWay < this.#most(group)) {
      const position = group.waiting.shift();
      if (position === undefined) break;
      this.#waiting -= 1;
      group.onTheWay += 1;
      released.push(position);
    }
    if (group.onTheWay === 0 && group.waiting.length === 0) this.#groups.delete(group.name);
    return released;
  }

  /** That position is delivered or given up. Returns the positions that may be sent now. */
  leave(group: KeyGroup, position: number): number[] {
    group.onTheWay -= 1;
    group.answered = true;
    if (group.refused === position) group.refused = undefined;
    return this.release(group);
  }

  get(name: string): KeyGroup | undefined {
    return this.#groups.get(name);
  }

  #most(group: KeyGroup): number {
    if (group.refused !== undefined) return 0;
    const waitMs = (group.onTheWay + group.waiting.length) * this.quickestMs();
    return group.answered ? Math.min(MOST_TOGETHER, Math.ceil(waitMs / LONGEST_WAIT_MS) || 1) : 1;
  }
}
