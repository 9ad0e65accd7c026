/** What the gateway knows of a node's points, the newest of each (docs/contract.md, "Words"). */
import { NS_PER_S } from '../../point/clock.js';
import { PointMap } from '../../point/point-map.js';
import { canonicalKey, hashValue, sameValue, textOf, type Point } from '../../point/point.js';
import { laterTime } from '../../point/time.js';
import { replyBytes, type PointQuota, type QuotaProblem } from './point-quota.js';

/** In which form a device reports a point. */
export type ReportedKind = 'number' | 'text';

/** What is known of one point. */
export class PointRecord {
  /** The newest by time that went to the outbox; `undefined` before the first. */
  newest: Point | undefined;
  /** Key as the device spells it, if it has ever reported the point: "" or "0". */
  spelling: string | undefined;
  /** How the device reports its value, if it has since the gateway started (reported-kinds.ts). */
  reported: ReportedKind | undefined;
  /** Bytes that it may take in a reply of SIOT (point-quota.ts). */
  bytes = 0;
  /** The round of reports in which the device has reported it last: report-round.ts. */
  round = -1;
  #recent: RecentPoints | undefined;

  constructor(
    /** The latest time that the gateway itself gave this point, also before its last start. */
    private givenNs: bigint,
  ) {}

  /**
   * Gives the point a time: `wishNs`, or later, so that its times always increase, also
   * after a time of the device's own that is slightly ahead. At the largest time they
   * stay there.
   */
  giveTime(wishNs: bigint): bigint {
    let last = this.givenNs;
    const newest = this.newest?.time ?? 0n;
    if (newest > last && newest <= wishNs + NS_PER_S) last = newest;
    this.givenNs = laterTime(wishNs, last);
    return this.givenNs;
  }

  /** The point has had this time before: it gets later ones from now on. */
  givenBefore(ns: bigint): void {
    if (ns > this.givenNs) this.givenNs = ns;
  }

  /** The very same point is the newest already, or one of the last before it. */
  has(point: Point): boolean {
    const { newest } = this;
    if (newest === undefined || point.time > newest.time) return false;
    const isNewest =
      point.time === newest.time &&
      point.tombstone === newest.tombstone &&
      sameValue(point.value, newest.value);
    return isNewest || this.#recent?.has(point) === true;
  }

  /** Takes a point that goes to SIOT. `dated`: its time is a real one, and the device's. */
  merge(point: Point, dated: boolean): void {
    if (dated) {
      this.#recent ??= new RecentPoints();
      this.#recent.add(point);
    }
    if (this.newest === undefined || point.time >= this.newest.time) this.newest = point;
  }
}

/** Points of one name that are remembered: more than a packet of 1,024 bytes holds. */
const RECENT_POINTS = 32;

/** The last points of one type and key, as times and hashes: some 400 bytes. */
class RecentPoints {
  readonly #times = new BigInt64Array(RECENT_POINTS);
  readonly #hashes = new Int32Array(RECENT_POINTS);
  #next = 0;

  add(point: Point): void {
    this.#times[this.#next] = point.time;
    this.#hashes[this.#next] = hashOf(point);
    this.#next = (this.#next + 1) % RECENT_POINTS;
  }

  has(point: Point): boolean {
    const hash = hashOf(point);
    for (let i = 0; i < RECENT_POINTS; i++) {
      if (this.#hashes[i] === hash && this.#times[i] === point.time) return true;
    }
    return false;
  }
}

const hashOf = (point: Point): number => hashValue(point.value) ^ point.tombstone;

/** The points of one node, by type and key. */
export class Replica {
  readonly #records = new PointMap<PointRecord>();
  /** The latest known times of points that have no record yet. */
  readonly #before = new PointMap<bigint>();
  #allBeforeNs = 0n;

  constructor(private readonly quota: PointQuota) {}

  /**
   * SIOT may have these points already, with these times: the gateway gives them later
   * ones, whatever its clock says now.
   */
  givenBefore(points: Iterable<Pick<Point, 'type' | 'key' | 'time'>>): void {
    for (const { type, key, time } of points) {
      const record = this.#records.get(type, key);
      if (record !== undefined) record.givenBefore(time);
      else if (time > (this.#before.get(type, key) ?? 0n)) this.#before.set(type, key, time);
    }
  }

  /** SIOT may have any of the points with a time up to this one. Called before any has a record. */
  allGivenBefore(ns: bigint): void {
    this.#allBeforeNs = ns;
  }

  find(type: string, key: string): PointRecord | undefined {
    return this.#records.get(type, key);
  }

  /**
   * Makes room for a point that the device reports; or says why there is none. `known`: its
   * record as {@link find} has just returned it, so that it is looked up once. Hot.
   */
  admit(point: Point, known: PointRecord | undefined): PointRecord | QuotaProblem {
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
