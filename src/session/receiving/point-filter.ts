/** Which points of a device go to SIOT, and with which time (docs/contract.md, "Never on NATS", "Times"). */
import { MAX_COMPACT_FIELD } from '../../packet/compact.js';
import { textLength } from '../../packet/text.js';
import { excerpt } from '../../point/excerpt.js';
import { isReservedType } from '../../point/reserved.js';
import { canonicalKey, numberOf, textOf, type Point, type PointValue } from '../../point/point.js';
import { keyProblem, tokenProblem } from '../../point/token.js';
import type { Counters, Discard } from '../node/counters.js';
import { countsFromStart, type Arrival, type DeviceClock, type TimeKind } from './device-time.js';
import type { PointInfos } from '../node/point-infos.js';
import { asOwner, type PointRecord, type Replica } from '../node/replica.js';
import type { RestartDetector, RestartSign } from './restart.js';

/** Characters of a device's text in a line of the log. */
const MOST_LOGGED = 60;

/** A point that goes to SIOT. */
export interface TakenPoint {
  /** What is known of it. The point is merged there once the outbox has it. */
  readonly record: PointRecord;
  /** As it goes to SIOT. */
  readonly point: Point;
  /** The value as the device says it: before its scale. */
  readonly said: PointValue;
  /** Key as the device spells it. */
  readonly spelling: string;
  readonly timeKind: TimeKind;
  /** The very same point went to SIOT before: it is not published again. */
  readonly again: boolean;
}

/** Checks and dates the points of one device. */
export class PointFilter {
  constructor(
    private readonly replica: Replica,
    private readonly counters: Counters,
    private readonly infos: Pick<PointInfos, 'fromDevice'>,
    private readonly clock: DeviceClock,
  ) {}

  /** What the points of a packet say about a restart, besides its sequence. */
  restartSign(points: readonly Point[], restarts: RestartDetector): RestartSign | undefined {
    let sign: RestartSign | undefined;
    for (const point of points) {
      if (point.type === 'uptime' && canonicalKey(point.key) === '0')
        sign = restarts.uptime(numberOf(point.value)) ?? sign;
    }
    const newest = newestFromStart(points);
    if (newest !== undefined) sign = restarts.startClock(newest, 'points') ?? sign;
    return sign;
  }

  /** The points of a packet that go to SIOT. The others are counted, each under its cause. */
  take(points: readonly Point[], arrival: Arrival): TakenPoint[] {
    const newest = newestFromStart(points);
    if (newest !== undefined) this.clock.learn(newest, arrival);
    const taken: TakenPoint[] = [];
    for (const point of points) {
      const record = this.#admit(point);
      if (record !== undefined) taken.push(this.#timed(point, record, arrival));
    }
    return taken;
  }

  /** `undefined`: it does not go to SIOT, and is counted. */
  #admit(point: Point): PointRecord | undefined {
    const { type, key } = point;
    // A known type and key have been checked before.
    const known = this.replica.find(type, key);
    const problem =
      (known === undefined ? nameProblem(type, key) : undefined) ?? valueProblem(point);
    if (problem === 'reserved') {
      this.counters.reserved(excerpt(type, MOST_LOGGED));
      return undefined;
    }
    const record = problem ?? this.replica.admit(point, known);
    if (typeof record !== 'string') return record;
    this.counters.discard(record, {
      type: excerpt(type, MOST_LOGGED),
      key: excerpt(key, MOST_LOGGED),
    });
    return undefined;
  }

  #timed(said: Point, record: PointRecord, arrival: Arrival): TakenPoint {
    const { ns, kind } = this.clock.map(said.time, arrival);
    const { key: spelling, value } = said;
    const point = this.infos.fromDevice(said);
    if (kind === 'real') {
      const owned = asOwner(point, ns);
      const again = record.has(owned);
      if (again) this.counters.notice('samePoint');
      return { record, point: owned, said: value, spelling, timeKind: kind, again };
    }
    this.counters.notice(TIME_NOTICES[kind]);
    const owned = asOwner(point, record.giveTime(ns));
    return { record, point: owned, said: value, spelling, timeKind: kind, again: false };
  }
}

function nameProblem(type: string, key: string): Discard | undefined {
  const problem = tokenProblem(type) ?? keyProblem(key);
  if (problem !== undefined) return problem;
  return isReservedType(type) ? 'reserved' : undefined;
}

function valueProblem({ value }: Point): Discard | undefined {
  if (Number.isNaN(numberOf(value))) return 'nan';
  const text = textOf(value);
  const tooLong = text.length * 3 > MAX_COMPACT_FIELD && textLength(text) > MAX_COMPACT_FIELD;
  return tooLong ? 'tooLong' : undefined;
}

/** What is counted where the gateway gives a time. */
export const TIME_NOTICES = {
  stamped: 'stampedTime',
  mapped: 'mappedTime',
  future: 'futureTime',
} as const;

function newestFromStart(points: readonly Point[]): bigint | undefined {
  let newest: bigint | undefined;
  for (const { time } of points) {
    if (countsFromStart(time) && (newest === undefined || time > newest)) newest = time;
  }
  return newest;
}
