import { Fifo } from './fifo.js';

/** Points of one lane whose type+key reads the same, in their order. */
export interface KeyGroup {
  readonly name: string;
  /** Sent and not answered, or about to be sent. */
  onTheWay: number;
  /** Positions that wait for those on the way. */
  readonly waiting: Fifo<number>;
  /** Position that the store refused: until it is settled nothing of the group is sent. */
  refused: number | undefined;
}

/** Waiting points of a group above which several of it are sent without waiting for the first. */
const CROWDED = 32;
const MOST_TOGETHER = 32;

/**
 * Keeps each point in order: the next of the same type+key is sent when the one
 * before it is answered, so that a refused or lost one is not overtaken by newer
 * ones.
 *
 * Where that is too slow, since the store is distant, and points crowd behind
 * one, several go together; should one of these be refused or lost, later ones
 * may have gone before.
 *
 * The name is type+key without anything between: two points that read the same
 * so are kept out of one message as well (siot-interop.md, 1.7).
 */
export class KeyGroups {
  readonly #groups = new Map<string, KeyGroup>();

  /** `isDistant`: even the quickest answer of the store takes long. */
  constructor(private readonly isDistant: () => boolean) {}

  /** The group, if this point may be sent now; otherwise the position waits. */
  enter(name: string, position: number): KeyGroup | undefined {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { name, onTheWay: 1, waiting: new Fifo(), refused: undefined };
      this.#groups.set(name, group);
      return group;
    }
    group.waiting.push(position);
    return undefined;
  }

  /** Positions that may be sent after one was settled or after the crowd grew. */
  release(group: KeyGroup): number[] {
    const released: number[] = [];
    while (group.waiting.length > 0 && group.onTheWay < this.#most(group)) {
      const position = group.waiting.shift();
      if (position === undefined) break;
      group.onTheWay += 1;
      released.push(position);
    }
    if (group.onTheWay === 0 && group.waiting.length === 0) this.#groups.delete(group.name);
    return released;
  }

  /** That position is delivered or given up. */
  leave(group: KeyGroup, position: number): number[] {
    group.onTheWay -= 1;
    if (group.refused === position) group.refused = undefined;
    return this.release(group);
  }

  get(name: string): KeyGroup | undefined {
    return this.#groups.get(name);
  }

  #most(group: KeyGroup): number {
    if (group.refused !== undefined) return 0;
    const crowded = group.onTheWay + group.waiting.length > CROWDED;
    return crowded && this.isDistant() ? MOST_TOGETHER : 1;
  }
}
