/**
 * Which points of a node the device has not reported for longer than their `maxAge`
 * (docs/contract.md, "What points are"). One timer, whatever the number of points.
 *
 * An age counts from the last report, also of an earlier run of the gateway. A type with
 * a `maxAge` of which nothing has been reported yet counts from the start.
 */
import { NS_PER_S, type Clock, type Timer } from '../../point/clock.js';
import { firstOf } from '../../point/excerpt.js';
import type { Log } from '../../point/log.js';
import { pointName, pointTarget } from '../../point/point-info.js';
import { canonicalKey, type Point } from '../../point/point.js';
import type { Counters } from './counters.js';
import type { KnownTarget, PointInfosListener } from './point-infos.js';

/** Points that are watched: each one may become a point of the node in SIOT. */
export const MOST_WATCHED = 500;
/** After its start the gateway gives devices so long to report what had been old before. */
const GRACE_MS = 30_000;
/** The ages are looked at no more often. */
const LOOK_APART_MS = 100;
/** Names in a line of the log, and of the advice. */
const MOST_NAMES = 5;

/** Hears of changes. */
export interface PointAgesHost {
  /** A point has become stale, or is not any more; `name`: `TYPE` or `TYPE/KEY`. */
  staleChanged(name: string): void;
}

/** What is kept of a point over restarts of the gateway. */
export interface AgeRecord {
  /** Wall time of its last report, s since 1970. */
  readonly at: number;
  readonly stale?: boolean | undefined;
  /** A type of which nothing was reported yet. */
  readonly unreported?: boolean | undefined;
}

/** One point; or a type of which nothing was reported yet. */
interface Watched {
  readonly name: string;
  maxAgeMs: number;
  /** Monotonic ms of its last report, or from which its age counts. */
  lastMs: number;
  isStale: boolean;
}

/** Everything with one type. */
interface WatchedType {
  /** `maxAge` by the key, ms; `undefined`: of all other keys. */
  readonly limits: ReadonlyMap<string | undefined, number>;
  /** `undefined`: nothing of the type was reported yet. */
  readonly points: Map<string | undefined, Watched>;
}

/** Watches the ages of the points of one node. */
export class PointAges implements PointInfosListener {
  readonly #types = new Map<string, WatchedType>();
  /** Of an earlier run, until the point is watched. */
  readonly #before: Map<string, AgeRecord>;
  /** Each name that was ever stale, and whether it is now. */
  readonly #stale = new Map<string, boolean>();
  readonly #startMs: number;
  #count = 0;
  #timer: Timer | undefined;
  #timerMs = Number.POSITIVE_INFINITY;
  #tooManySaid = false;
  #stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly counters: Pick<Counters, 'notice'>,
    private readonly log: Log,
    private readonly host: PointAgesHost,
    before: Readonly<Record<string, AgeRecord>>,
  ) {
    this.#startMs = clock.monotonicMs();
    this.#before = new Map(Object.entries(before));
  }

  /** Each name that was ever stale, and whether it is now. */
  get stale(): ReadonlyMap<string, boolean> {
    return this.#stale;
  }

  /** What a person should know of; `undefined`: nothing is stale. */
  get advice(): string | undefined {
    const names = [...this.#stale].filter(([, isStale]) => isStale).map(([name]) => name);
    return names.length === 0
      ? undefined
      : `not reported for longer than maxAge: ${firstOf(names, MOST_NAMES)}`;
  }

  infoChanged(type: string, known: Iterable<KnownTarget>): void {
    const limits = new Map<string | undefined, number>();
    for (const { key, info } of known) {
      if (info.maxAge !== undefined) limits.set(key, info.maxAge * 1000);
    }
    const points = this.#types.get(type)?.points ?? new Map<string | undefined, Watched>();
    for (const [key, point] of points) {
      const maxAgeMs = limits.get(key) ?? limits.get(undefined);
      if (maxAgeMs === undefined) this.#forget(points, key, point);
      else point.maxAgeMs = maxAgeMs;
    }
    if (limits.size === 0) {
      this.#types.delete(type);
      return;
    }
    this.#types.set(type, { limits, points });
    this.#watchBefore(type);
    for (const key of limits.keys()) {
      const isWatched = key === undefined ? points.size > 0 : points.has(key);
      if (!isWatched) this.#watch(type, key);
    }
    this.#arm();
  }

  /** The device has reported these points. Hot. */
  reported(taken: readonly { readonly point: Point }[], nowMs: number): void {
    if (this.#types.size === 0) return;
    for (const { point } of taken) this.pointReported(point.type, point.key, nowMs);
  }

  /** As {@link reported}. Hot. */
  pointReported(type: string, key: string, nowMs: number): void {
    const watched = this.#types.get(type);
    if (watched === undefined) return;
    const { limits, points } = watched;
    const own = canonicalKey(key);
    const point = points.get(own) ?? (limits.has(undefined) ? this.#watch(type, own) : undefined);
    if (point === undefined) return;
    point.lastMs = nowMs;
    if (point.isStale) this.#fresh(point);
  }

  record(): Readonly<Record<string, AgeRecord>> {
    const nowMs = this.clock.monotonicMs();
    const nowNs = this.clock.wallNs();
    const record: [string, AgeRecord][] = [];
    for (const { points } of this.#types.values()) {
      for (const [key, { name, lastMs, isStale }] of points) {
        const agoNs = BigInt(Math.round((nowMs - lastMs) * 1e6));
        const at = Number((nowNs - agoNs) / NS_PER_S);
        const stale = isStale ? { stale: true } : {};
        const unreported = key === undefined ? { unreported: true } : {};
        record.push([name, { at, ...stale, ...unreported }]);
      }
    }
    // Their limits may be known again later.
    for (const [name, before] of this.#before) {
      if (record.length >= MOST_WATCHED) break;
      record.push([name, before]);
    }
    return Object.fromEntries(record);
  }

  /** Nothing becomes stale any more. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Points of a type that an earlier run has watched: a dead one would never be watched by a report. */
  #watchBefore(type: string): void {
    for (const [name, { unreported }] of this.#before) {
      const { type: of, key } = pointTarget(name);
      if (of === type && unreported !== true) this.#watch(type, canonicalKey(key ?? ''));
    }
  }

  #watch(type: string, key: string | undefined): Watched | undefined {
    const watched = this.#types.get(type);
    const maxAgeMs = watched?.limits.get(key) ?? watched?.limits.get(undefined);
    if (watched === undefined || maxAgeMs === undefined) return undefined;
    if (this.#count >= MOST_WATCHED) {
      this.#sayTooMany();
      return undefined;
    }
    const name = pointName(type, key ?? '');
    const before = this.#before.get(name);
    this.#before.delete(name);
    const nowMs = this.clock.monotonicMs();
    const point = { name, maxAgeMs, lastMs: nowMs - this.#agoMs(before), isStale: false };
    watched.points.set(key, point);
    this.#count += 1;
    if (before?.stale === true) {
      // It was told before.
      point.isStale = true;
      this.#stale.set(name, true);
    }
    if (key !== undefined) this.#forgetType(watched.points);
    this.#arm();
    return point;
  }

  /** A point of a type was reported: the type itself has no age any more. */
  #forgetType(points: Map<string | undefined, Watched>): void {
    const type = points.get(undefined);
    if (type !== undefined) this.#forget(points, undefined, type);
  }

  #forget(points: Map<string | undefined, Watched>, key: string | undefined, point: Watched): void {
    points.delete(key);
    this.#count -= 1;
    if (point.isStale) this.#set(point, false);
  }

  /** How long ago a point was reported to an earlier run. A clock that has been set back knows no age. */
  #agoMs(before: AgeRecord | undefined): number {
    if (before === undefined) return 0;
    const nowS = Number(this.clock.wallNs() / NS_PER_S);
    return Math.max(0, nowS - before.at) * 1000;
  }

  #dueMs({ lastMs, maxAgeMs }: Watched): number {
    return Math.max(lastMs + maxAgeMs, this.#startMs + Math.min(maxAgeMs, GRACE_MS));
  }

  /** Sets the timer for the point that is due first. */
  #arm(): void {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const point of this.#all()) {
      if (!point.isStale) dueMs = Math.min(dueMs, this.#dueMs(point));
    }
    if (this.#stopped || dueMs >= this.#timerMs) return;
    this.#timer?.cancel();
    this.#timerMs = dueMs;
    const waitMs = Math.max(LOOK_APART_MS, dueMs - this.clock.monotonicMs());
    this.#timer = this.clock.setTimer(waitMs, () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    this.#timerMs = Number.POSITIVE_INFINITY;
    const nowMs = this.clock.monotonicMs();
    const names: string[] = [];
    for (const point of this.#all()) {
      if (point.isStale || this.#dueMs(point) > nowMs) continue;
      names.push(point.name);
      this.counters.notice('stale');
      this.#set(point, true);
    }
    if (names.length > 0) {
      this.log.warn(
        { points: firstOf(names, MOST_NAMES) },
        'the device has not reported these points for longer than their maxAge',
      );
    }
    this.#arm();
  }

  #fresh(point: Watched): void {
    this.#set(point, false);
    this.log.info({ point: point.name }, 'the device reports this point again');
    this.#arm();
  }

  #set(point: Watched, isStale: boolean): void {
    point.isStale = isStale;
    if (!this.#stale.has(point.name) && this.#stale.size >= MOST_WATCHED) return;
    this.#stale.set(point.name, isStale);
    this.host.staleChanged(point.name);
  }

  #sayTooMany(): void {
    if (this.#tooManySaid) return;
    this.#tooManySaid = true;
    this.log.warn(
      { most: MOST_WATCHED },
      'more points of the link have a maxAge than are watched: the rest never count as stale',
    );
  }

  *#all(): Generator<Watched, undefined> {
    for (const { points } of this.#types.values()) yield* points.values();
    return undefined;
  }
}
