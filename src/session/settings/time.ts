/**
 * When something was last set: as its author dated it, and as it counts here, so
 * that nobody's odd clock locks others out (docs/contract.md, "Listening").
 *
 * ```
 *  a client says         the gateway's clock   counts as
 *  12:00:00              12:00:00              12:00:00
 *  12:00:00, other value 12:00:02              12:00:00 and 1 ns      equal
 *  2262, or any date     12:00:03              12:00:03               far
 *  12:00:04              12:00:04              12:00:04
 *  2262 once more        12:00:05              nothing: it is known
 * ```
 */
import { NS_PER_S } from '../../point/clock.js';
import { hashValue, isDeleted, type Point } from '../../point/point.js';
import { laterTime, toTime } from '../../point/time.js';

/** Live, or found when the node was read. */
export type Heard = 'live' | 'reading';

/** A clock that is further ahead is wrong, here or there. */
const FAR_NS = 60n * NS_PER_S;

/** A time that says little about when: too far ahead of the gateway's clock. */
export const isFar = (ns: bigint, nowNs: bigint): boolean => ns > nowNs + FAR_NS;

/** As it is kept over restarts of the gateway; what is not given is as `time`. */
export interface TimeRecord {
  readonly time: string;
  readonly stated?: string;
  readonly seen?: string;
  readonly tied?: boolean;
  /** Times and hashes of earlier messages that would be recognised. */
  readonly known?: readonly (readonly [string, number])[];
}

/** What a message is recognised by when it is read again. */
interface Trace {
  readonly ns: bigint;
  readonly hash: number;
}

/** Messages of one point that are recognised when they come again, where their times alone do not tell. */
const TRACES = 16;

/** The time of one setting, with what is needed to recognise earlier messages of its point. */
export class SettingTime {
  private constructor(
    /** As it counts, ns: always later than the one before. Goes down to the device. */
    readonly ns: bigint,
    /** As its author dated it, ns: what SIOT compares. */
    readonly stated: bigint,
    /** The latest that any author has stated of this point, ns: what SIOT has. */
    readonly seen: bigint,
    /** Of the same time as the one before, of which stores may keep the first. */
    readonly tied: boolean,
    /** Its own is the last. */
    private readonly traces: readonly Trace[],
  ) {}

  /** As its author dated it. */
  static of(point: Point): SettingTime {
    return new SettingTime(point.time, point.time, point.time, false, [traceOf(point)]);
  }

  /**
   * What a message counts as, behind the `last` that counted of the same point;
   * `undefined`: it is no news. `once`: a command, which acts each time that it
   * counts. So of messages with equal times each value counts once only.
   */
  static after(
    last: SettingTime | undefined,
    point: Point,
    heard: Heard,
    nowNs: bigint,
    once = false,
  ): SettingTime | undefined {
    const { time } = point;
    const trace = traceOf(point);
    const wishNs = isFar(time, nowNs) ? nowNs : time;
    if (last === undefined) return new SettingTime(toTime(wishNs), time, time, false, [trace]);
    const isNews =
      heard === 'live' ? last.#isNewsLive(trace, nowNs, once) : last.#isNewsRead(trace, nowNs);
    if (!isNews) return undefined;
    const ns = laterTime(wishNs, last.ns);
    const seen = time > last.seen ? time : last.seen;
    const next = new SettingTime(ns, time, seen, time === last.stated, []);
    const known = last.traces.filter(
      (one) => one.ns === time || one.ns > next.#lastBelieved(nowNs),
    );
    return new SettingTime(ns, time, seen, next.tied, [...known, trace].slice(-TRACES));
  }

  static restore(record: TimeRecord, point: Point): SettingTime {
    const { time, stated = time, seen = stated, tied = false, known = [] } = record;
    const traces = known.map(([ns, hash]) => ({ ns: BigInt(ns), hash }));
    const own = traceOf({ ...point, time: BigInt(stated) });
    return new SettingTime(toTime(BigInt(time)), own.ns, BigInt(seen), tied, [...traces, own]);
  }

  record(): TimeRecord {
    const known = this.traces.slice(0, -1);
    return {
      time: this.ns.toString(),
      ...(this.stated === this.ns ? {} : { stated: this.stated.toString() }),
      ...(this.seen === this.stated ? {} : { seen: this.seen.toString() }),
      ...(this.tied ? { tied: true } : {}),
      ...(known.length === 0
        ? {}
        : { known: known.map(({ ns, hash }) => [ns.toString(), hash] as const) }),
    };
  }

  /** With a message that was read and does not count: it will not count later either. */
  passing(point: Point): SettingTime {
    const trace = traceOf(point);
    const own = this.traces.at(-1);
    if (own === undefined || this.#knows(trace)) return this;
    const traces = [...this.traces.slice(1 - TRACES, -1), trace, own];
    const seen = trace.ns > this.seen ? trace.ns : this.seen;
    return new SettingTime(this.ns, this.stated, seen, this.tied, traces);
  }

  /** A time for the next one, ns: later than all that can be believed. */
  following(nowNs: bigint): bigint {
    const believed = [this.stated, this.seen].filter((ns) => !isFar(ns, nowNs));
    return laterTime(nowNs, latestOf(this.ns, ...believed));
  }

  /** What SIOT has of it, ns, as far as that can be overtaken at all. */
  shownNs(nowNs: bigint): bigint {
    return isFar(this.stated, nowNs) ? this.ns : this.stated;
  }

  /**
   * Messages come in the order in which they were sent, so that a far one, whose
   * time says nothing, counts as the latest. So does any behind a far one.
   */
  #isNewsLive(trace: Trace, nowNs: bigint, once: boolean): boolean {
    if (trace.ns === this.stated) {
      return once ? !this.#knows(trace) : this.traces.at(-1)?.hash !== trace.hash;
    }
    if (this.#knows(trace)) return false;
    return isFar(trace.ns, nowNs) || trace.ns > this.#lastBelieved(nowNs);
  }

  /** A store has the one of the latest time: whatever it was, it is known by that. */
  #isNewsRead(trace: Trace, nowNs: bigint): boolean {
    const { ns: time } = trace;
    if (this.#knows(trace)) return false;
    if (isFar(time, nowNs)) return time > this.seen;
    const believed = [this.stated, this.seen].filter((ns) => !isFar(ns, nowNs));
    return time > latestOf(this.ns, ...believed);
  }

  #knows(trace: Trace): boolean {
    return this.traces.some(({ ns, hash }) => ns === trace.ns && hash === trace.hash);
  }

  /**
   * What is older is old. What was far when it came and lies in the past now was
   * dated well, by a clock that was right when the gateway's was not.
   */
  #lastBelieved(nowNs: bigint): bigint | number {
    const counted = isFar(this.ns, nowNs) ? Number.NEGATIVE_INFINITY : this.ns;
    return this.stated <= nowNs && this.stated > counted ? this.stated : counted;
  }
}

const traceOf = (point: Point): Trace => ({
  ns: point.time,
  // What a deleted point had for a value is nobody's setting.
  hash: isDeleted(point) ? point.tombstone : hashValue(point.value) ^ point.tombstone,
});

const latestOf = (first: bigint, ...others: readonly bigint[]): bigint =>
  others.reduce((latest, ns) => (ns > latest ? ns : latest), first);
