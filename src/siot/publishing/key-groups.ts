import { Queue } from './queue.js';

/** Points of one lane whose type+key reads the same, in their order. */
export interface KeyGroup {
  readonly name: string;
  /** Position of the latest that has entered. */
  last: number;
  /** Sent and not answered, or about to be sent. */
  onTheWay: number;
  /** Positions that wait for those on the way. */
  waiting: Queue<number>;
  /** Position that the store refused: until it is settled nothing of the group is sent. */
  refused: number | undefined;
  /** One of them has been answered: the store is there. */
  flows: boolean;
}

/** Waiting points of a group above which several of it are sent without waiting for the first. */
const CROWDED = 32;
const MOST_TOGETHER = 32;
/** Positions that wait behind a refused one when there are too many in all; others are come back for. */
const BEHIND_REFUSED = 256;

/**
 * Keeps each point in order: the next of the same type+key is sent when the one
 * before it is answered, so that a refused or lost one is not overtaken by newer
 * ones.
 *
 * Where that is too slow, since the store is distant, and points crowd behind
 * one, several go together, once one of them was answered: a store that is busy
 * looks distant, and one that has gone must not be taken for it. Should one of
 * these be refused or lost, later ones may have gone before.
 *
 * The name is type+key without anything between: two points that read the same
 * so are kept out of one message as well (docs/siot.md, 1.7).
 */
export class KeyGroups {
  readonly #groups = new Map<string, KeyGroup>();
  #waiting = 0;
  /** Groups of which not all that was seen waits, and the first position that does not. */
  readonly #cut = new Set<KeyGroup>();
  #cutFrom = Number.POSITIVE_INFINITY;

  /** `isDistant`: even the quickest answer of the store takes long. */
  constructor(private readonly isDistant: () => boolean) {}

  /** Positions that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * The group, if this point may be sent now; otherwise the position waits, or
   * is come back for. Harmless for a position that has entered already.
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
        flows: false,
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
   * Lets go of what waits far behind refused points: that may be for minutes,
   * and meanwhile others are to be found. False: there is nothing of the kind.
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

  /** From where on to look once more, since a point is no longer refused behind which others were let go. */
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

  /** Positions that may be sent after one was settled or after the crowd grew. */
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

  /** That position is delivered or given up. */
  leave(group: KeyGroup, position: number): number[] {
    group.onTheWay -= 1;
    group.flows = true;
    if (group.refused === position) group.refused = undefined;
    return this.release(group);
  }

  get(name: string): KeyGroup | undefined {
    return this.#groups.get(name);
  }

  #most(group: KeyGroup): number {
    if (group.refused !== undefined) return 0;
    const crowded = group.onTheWay + group.waiting.length > CROWDED;
    return crowded && group.flows && this.isDistant() ? MOST_TOGETHER : 1;
  }
}
