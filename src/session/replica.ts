/** What the gateway knows of a node's points, newest of each (design.md, "Words"). */
import { NS_PER_S } from '../point/clock.js';
import { PointMap } from '../point/point-map.js';
import { canonicalKey, sameValue, type Point } from '../point/point.js';

/** What is known of one point. */
export class PointRecord {
  /** Newest by time, as it went to the outbox; undefined until the first one did. */
  newest: Point | undefined;
  /** Key as the device spells it, if it has ever reported the point: "" or "0". */
  spelling: string | undefined;
  /** Latest time that the gateway itself gave this point. */
  #givenNs = 0n;

  /**
   * A time for the point: `wishNs`, or later, so that its times always increase,
   * also behind a time of the device's own that is slightly ahead.
   */
  giveTime(wishNs: bigint): bigint {
    let last = this.#givenNs;
    const newest = this.newest?.time ?? 0n;
    if (newest > last && newest <= wishNs + NS_PER_S) last = newest;
    this.#givenNs = wishNs > last ? wishNs : last + 1n;
    return this.#givenNs;
  }

  /** The very same point is the newest already. */
  isNewest(point: Point): boolean {
    const { newest } = this;
    return (
      newest !== undefined &&
      newest.time === point.time &&
      newest.tombstone === point.tombstone &&
      sameValue(newest.value, point.value)
    );
  }

  /** Takes a point that goes out. */
  merge(point: Point): void {
    if (this.newest === undefined || point.time >= this.newest.time) this.newest = point;
  }
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
  readonly #records = new PointMap<PointRecord>();

  constructor(
    /** Most distinct points of this link. */
    private readonly maxPoints: number,
    private readonly shared: PointBudget,
  ) {}

  find(type: string, key: string): PointRecord | undefined {
    return this.#records.get(type, key);
  }

  /** Makes room for a point; `undefined`: one more distinct point than allowed. */
  admit(type: string, key: string): PointRecord | undefined {
    const known = this.#records.get(type, key);
    if (known !== undefined) return known;
    if (this.#records.size >= this.maxPoints || !this.shared.take()) return undefined;
    const record = new PointRecord();
    this.#records.set(type, key, record);
    return record;
  }

  /** The newest of each point. */
  *points(): Generator<Point, undefined> {
    for (const { newest } of this.#records.values()) if (newest !== undefined) yield newest;
    return undefined;
  }

  /** Gives its room back; the replica is not used after this. */
  release(): void {
    this.shared.release(this.#records.size);
    this.#records.clear();
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
