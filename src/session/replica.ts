/** What the gateway knows of a node's points, newest of each (design.md, "Words"). */
import { NS_PER_S } from '../point/clock.js';
import { PointMap } from '../point/point-map.js';
import { canonicalKey, sameValue, type Point } from '../point/point.js';

interface Entry {
  /** Newest by time, as it went to the outbox; undefined until the first one did. */
  newest: Point | undefined;
  /** Key as the device spells it: "" or "0". */
  spelling: string | undefined;
  /** Latest time that the gateway itself gave this point. */
  givenNs: bigint;
}

/** Room for distinct points; links share the gateway's. */
export class PointBudget {
  #used = 0;
  constructor(
    /** May change: what has its room keeps it. */
    public limit: number,
  ) {}

  take(): boolean {
    if (this.#used >= this.limit) return false;
    this.#used += 1;
    return true;
  }

  release(count: number): void {
    this.#used -= count;
  }
}

export class Replica {
  readonly #entries = new PointMap<Entry>();

  constructor(
    /** Most distinct points of this link. */
    private readonly maxPoints: number,
    private readonly shared: PointBudget,
  ) {}

  newest(type: string, key: string): Point | undefined {
    return this.#entries.get(type, key)?.newest;
  }

  /** The key as the device spells it; undefined when it has never reported the point. */
  spelling(type: string, key: string): string | undefined {
    return this.#entries.get(type, key)?.spelling;
  }

  /** Makes room for a point; false: one more distinct point than allowed. */
  admit(type: string, key: string): boolean {
    if (this.#entries.get(type, key) !== undefined) return true;
    if (this.#entries.size >= this.maxPoints || !this.shared.take()) return false;
    this.#entries.set(type, key, { newest: undefined, spelling: undefined, givenNs: 0n });
    return true;
  }

  /**
   * Gives an admitted point a time: `wishNs`, or later, so that its times always
   * increase, also behind a time of the device's own that is slightly ahead.
   */
  giveTime(type: string, key: string, wishNs: bigint): bigint {
    const entry = this.#entries.get(type, key);
    if (entry === undefined) return wishNs;
    let last = entry.givenNs;
    const newest = entry.newest?.time ?? 0n;
    if (newest > last && newest <= wishNs + NS_PER_S) last = newest;
    entry.givenNs = wishNs > last ? wishNs : last + 1n;
    return entry.givenNs;
  }

  /** The very same point is the newest already. */
  has(point: Point): boolean {
    const newest = this.newest(point.type, point.key);
    return (
      newest !== undefined &&
      newest.time === point.time &&
      newest.tombstone === point.tombstone &&
      sameValue(newest.value, point.value)
    );
  }

  /** Takes an admitted point that goes out. `spelling`: the device's key, for its own reports. */
  merge(point: Point, spelling?: string): void {
    const entry = this.#entries.get(point.type, point.key);
    if (entry === undefined) return;
    if (spelling !== undefined) entry.spelling = spelling;
    if (entry.newest === undefined || point.time >= entry.newest.time) entry.newest = point;
  }

  /** The newest of each point. */
  *points(): Generator<Point, undefined> {
    for (const { newest } of this.#entries.values()) if (newest !== undefined) yield newest;
    return undefined;
  }

  /** Gives its room back; the replica is not used after this. */
  release(): void {
    this.shared.release(this.#entries.size);
    this.#entries.clear();
  }
}

/** A device's point as it goes to SIOT: blank origin, the key as stores keep it. */
export function asOwner(point: Point, time: bigint): Point {
  return {
    type: point.type,
    key: canonicalKey(point.key),
    time,
    value: point.value,
    tombstone: point.tombstone,
    origin: '',
  };
}
