/** What the gateway knows of a node's points, newest of each (docs/contract.md, "Words"). */
import { NS_PER_S } from '../../point/clock.js';
import { PointMap } from '../../point/point-map.js';
import { canonicalKey, hashValue, sameValue, textOf, type Point } from '../../point/point.js';
import { laterTime } from '../../point/time.js';
import { replyBytes, type PointQuota, type QuotaProblem } from './point-quota.js';

/** In which form a device reports a point. */
export type ReportedKind = 'number' | 'text';

/** What is known of one point. */
export class PointRecord {
  /** Newest by time, as it went to the outbox; undefined until the first one did. */
  newest: Point | undefined;
  /** Key as the device spells it, if it has ever reported the point: "" or "0". */
  spelling: string | undefined;
  /** How the device reports its value, as far as it has in this life (reported-kinds.ts). */
  reported: ReportedKind | undefined;
  /** That it has room for in a reply of SIOT. */
  bytes = 0;
  /** Of reports, in which the device has reported it last: see report-round.ts. */
  round = -1;
  #recent: Traces | undefined;

  constructor(
    /** Latest time that the gateway itself gave this point, in this life or before. */
    private givenNs: bigint,
  ) {}

  /**
   * A time for the point: `wishNs`, or later, so that its times always increase,
   * also behind a time of the device's own that is slightly ahead. Behind the last
   * time that there is they stay there.
   */
  giveTime(wishNs: bigint): bigint {
    let last = this.givenNs;
    const newest = this.newest?.time ?? 0n;
    if (newest > last && newest <= wishNs + NS_PER_S) last = newest;
    this.givenNs = laterTime(wishNs, last);
    return this.givenNs;
  }

  /** That time was given before: those to come are later. */
  givenBefore(ns: bigint): void {
    if (ns > this.givenNs) this.givenNs = ns;
  }

  /** The very same point is the newest already, or was among the last that came before it. */
  has(point: Point): boolean {
    const { newest } = this;
    if (newest === undefined || point.time > newest.time) return false;
    const isNewest =
      point.time === newest.time &&
      point.tombstone === newest.tombstone &&
      sameValue(point.value, newest.value);
    return isNewest || this.#recent?.has(point) === true;
  }

  /** Takes a point that goes out. `dated`: with a real time of the device's own. */
  merge(point: Point, dated: boolean): void {
    if (dated) {
      this.#recent ??= new Traces();
      this.#recent.add(point);
    }
    if (this.newest === undefined || point.time >= this.newest.time) this.newest = point;
  }
}

/** Points that a device may send once more together: more than a packet of 1,024 bytes holds. */
const TRACES = 32;

/** By which the last points of one type and key are known again, in some 400 bytes. */
class Traces {
  readonly #times = new BigInt64Array(TRACES);
  readonly #hashes = new Int32Array(TRACES);
  #next = 0;

  add(point: Point): void {
    this.#times[this.#next] = point.time;
    this.#hashes[this.#next] = hashOf(point);
    this.#next = (this.#next + 1) % TRACES;
  }

  has(point: Point): boolean {
    const hash = hashOf(point);
    for (let i = 0; i < TRACES; i++) {
      if (this.#hashes[i] === hash && this.#times[i] === point.time) return true;
    }
    return false;
  }
}

const hashOf = (point: Point): number => hashValue(point.value) ^ point.tombstone;

export class Replica {
  readonly #records = new PointMap<PointRecord>();
  /** Latest times from before, of points that have no record yet. */
  readonly #before = new PointMap<bigint>();
  #allBeforeNs = 0n;

  constructor(private readonly quota: PointQuota) {}

  /**
   * Somebody may have these points already, with these times: the gateway gives
   * them later ones, whatever its clock says now.
   */
  givenBefore(points: Iterable<Pick<Point, 'type' | 'key' | 'time'>>): void {
    for (const { type, key, time } of points) {
      const record = this.#records.get(type, key);
      if (record !== undefined) record.givenBefore(time);
      else if (time > (this.#before.get(type, key) ?? 0n)) this.#before.set(type, key, time);
    }
  }

  /** Somebody may have any of the points with a time up to that one. Before the first of them. */
  allGivenBefore(ns: bigint): void {
    this.#allBeforeNs = ns;
  }

  find(type: string, key: string): PointRecord | undefined {
    return this.#records.get(type, key);
  }

  /** Makes room for a point that the device reports; or says why there is none. */
  admit(point: Point): PointRecord | QuotaProblem {
    const known = this.#records.get(point.type, point.key);
    // Numbers are all of one size: only a text can need more than before.
    if (known !== undefined && textOf(point.value) === '') return known;
    const bytes = replyBytes({ ...point, origin: '' });
    if (known !== undefined && bytes <= known.bytes) return known;
    const problem = this.quota.admit(point, bytes);
    if (problem !== undefined) return problem;
    const record = known ?? this.own(point.type, point.key);
    record.bytes = bytes;
    return record;
  }

  /** The record of a point that the gateway makes: there is always room for it. */
  own(type: string, key: string): PointRecord {
    let record = this.#records.get(type, key);
    if (record === undefined) {
      record = new PointRecord(this.#allBeforeNs);
      record.givenBefore(this.#before.get(type, key) ?? 0n);
      this.#before.delete(type, key);
      this.#records.set(type, key, record);
    }
    return record;
  }

  /** The newest of each point. */
  *points(): Generator<Point, undefined> {
    for (const { newest } of this.#records.values()) if (newest !== undefined) yield newest;
    return undefined;
  }

  /** It is not used after this. */
  release(): void {
    this.#records.clear();
    this.#before.clear();
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
