import { canonicalKey, type Point } from '../../point/point.js';
import type { RetryState } from './publish-state.js';

/** The latest value of a status point that is not delivered yet. */
export interface StatusSlot {
  readonly nodeId: string;
  readonly key: string;
  point: Point;
  retryState: RetryState | undefined;
}

/**
 * Points of which only the latest value counts: `connected` and the statistics.
 * They overtake the outbox and are kept in memory only (docs/contract.md, "Delivered").
 */
export class StatusPoints {
  readonly #slots = new Map<string, StatusSlot>();
  /** Nodes whose points have to wait. */
  readonly #held: ReadonlySet<string>;
  /** Slots to be sent, in order of their first change. */
  readonly #changed = new Set<StatusSlot>();

  constructor(held: ReadonlySet<string>) {
    this.#held = held;
  }

  get size(): number {
    return this.#slots.size;
  }

  put(nodeId: string, point: Point): void {
    const key = point.type + canonicalKey(point.key);
    const id = `${nodeId} ${point.type} ${canonicalKey(point.key)}`;
    let slot = this.#slots.get(id);
    if (slot === undefined) {
      slot = { nodeId, key, point, retryState: undefined };
      this.#slots.set(id, slot);
    } else {
      slot.point = point;
    }
    this.#changed.add(slot);
  }

  /**
   * Takes up to `most` slots of one node, out of those to be sent. No two of them have the
   * same type+key as a joined text.
   */
  take(most: number, ready: (slot: StatusSlot) => boolean): StatusSlot[] {
    const taken: StatusSlot[] = [];
    for (const slot of this.#changed) {
      if (taken.length === most) break;
      const first = taken[0];
      if (first !== undefined && first.nodeId !== slot.nodeId) continue;
      if (this.#held.has(slot.nodeId)) continue;
      if (taken.some((other) => other.key === slot.key) || !ready(slot)) continue;
      taken.push(slot);
    }
    for (const slot of taken) this.#changed.delete(slot);
    return taken;
  }

  /** A point is delivered, or given up. */
  settle(slot: StatusSlot, point: Point): void {
    slot.retryState = undefined;
    if (slot.point === point) this.#remove(slot);
  }

  /** The point has to be sent once more. */
  again(slot: StatusSlot): void {
    if (this.#slots.get(idOf(slot)) === slot) this.#changed.add(slot);
  }

  /** Another sender begins: all points have to be sent once more. */
  restart(): void {
    for (const slot of this.#slots.values()) {
      if (slot.retryState !== undefined) slot.retryState.dueMs = 0;
      this.#changed.add(slot);
    }
  }

  /** Gives up the points of a node. */
  drop(nodeId: string): void {
    for (const slot of this.#slots.values()) if (slot.nodeId === nodeId) this.#remove(slot);
  }

  has(nodeId: string): boolean {
    for (const slot of this.#slots.values()) if (slot.nodeId === nodeId) return true;
    return false;
  }

  #remove(slot: StatusSlot): void {
    this.#slots.delete(idOf(slot));
    this.#changed.delete(slot);
  }
}

function idOf(slot: StatusSlot): string {
  return `${slot.nodeId} ${slot.point.type} ${canonicalKey(slot.point.key)}`;
}
