/**
 * A link's statistics as points of its node, under SIOT's names (docs/contract.md,
 * "Statistics"; docs/siot.md, 5.1): published when changed, at most every 5 s.
 */
import type { Clock } from '../../point/clock.js';
import { PointMap } from '../../point/point-map.js';
import {
  floatValue,
  isDeleted,
  isTrue,
  makePoint,
  numberOf,
  stringValue,
  textOf,
  type Point,
  type PointValue,
} from '../../point/point.js';
import { GATEWAY_PREFIX, STALE_TYPE } from '../../point/reserved.js';
import { laterTime } from '../../point/time.js';
import { isTooLong } from '../../point/token.js';
import type { Counters } from '../../session/node/counters.js';
import { isLimitCause, LIMITED_TYPE, type LimitCause } from './limits.js';
import type { BusStatus } from '../../transport/transport.js';
import { BUS_TYPES, busValues } from './bus-values.js';
import type { FileGauge } from './link-files.js';
import { RateMeter } from './rate-meter.js';

/** Counters that a person can reset by writing 1 to a point of this name. */
const RESETS = {
  rxReset: 'rx',
  txReset: 'tx',
  hrRxReset: 'hrRx',
  errorCountReset: 'errorCount',
  errorCountResetHR: 'errorCountHR',
} as const;

type Reset = keyof typeof RESETS;
type Counted = (typeof RESETS)[Reset];

const COUNTED: readonly Counted[] = ['rx', 'tx', 'hrRx', 'errorCount', 'errorCountHR'];

/** What has changed is published so often (docs/contract.md, "Statistics"). */
export const PUBLISH_EVERY_MS = 5_000;

/** Whether a point of this type resets a counter. */
export function isReset(type: string): type is Reset {
  return Object.hasOwn(RESETS, type);
}

const CAUSE_TYPE = `${GATEWAY_PREFIX}Count`;
/** 1 while the device is not acknowledged, since there is no room for its points. */
const FULL_TYPE = `${GATEWAY_PREFIX}OutboxFull`;

/** Of a file for the device, percent. SIOT has the name, and never writes it. */
const PROGRESS_TYPE = 'progress';
/** `sending`, `done`, `failed` or `aborted`. */
const FILE_STATE_TYPE = `${GATEWAY_PREFIX}FileState`;
/** Why a file was not sent, for people; blank where it was. */
const FILE_ERROR_TYPE = `${GATEWAY_PREFIX}FileError`;

/** 1 on the node of a link that has left the configuration (../removed-links.ts). */
export const REMOVED_TYPE = `${GATEWAY_PREFIX}Removed`;

/** What statistics say of the present, besides counters. */
export interface LinkGauges {
  /** Settings on their way now. */
  readonly pendingCount: number;
  /** Where the link was ever limited, and whether it is now. */
  readonly limited: ReadonlyMap<LimitCause, boolean>;
  /** Points that were ever older than their `maxAge`, and whether they are now. */
  readonly stale: ReadonlyMap<string, boolean>;
  /** Points are refused, since the outbox has no room for them. */
  readonly outboxFull: boolean;
  /** The bus that the device is on, if it is on one. */
  readonly bus: BusStatus | undefined;
  /** The file that is being sent to the device, or was sent last; `undefined`: there was none. */
  readonly file: FileGauge | undefined;
}

/** The values of a link's statistics, and which of them are to be published. */
export class Statistics {
  /** What a published counter has more than the one in memory: from before this start. */
  readonly #base: Record<Counted, number> = {
    rx: 0,
    tx: 0,
    hrRx: 0,
    errorCount: 0,
    errorCountHR: 0,
  };
  readonly #causeBase = new Map<string, number>();
  /** Where SIOT shows a limit of an earlier life, which nobody has ended. */
  readonly #limitedBefore = new Set<LimitCause>();
  /** Where SIOT shows a stale point of an earlier life. */
  readonly #staleBefore = new Set<string>();
  /** Reset before it was known what SIOT has. */
  readonly #resetEarly = new Set<Counted>();
  /** As SIOT has them, or will have. */
  readonly #published = new PointMap<Point>();
  /** Latest time of each, never forgotten: the next one is later. */
  readonly #times = new PointMap<bigint>();
  #adopted = false;
  /** The node is marked as that of a link that has left the configuration. */
  #wasRemoved = false;
  readonly #meter: RateMeter;

  constructor(
    private readonly counters: Counters,
    private readonly clock: Clock,
    private readonly gauges: LinkGauges,
  ) {
    this.#meter = new RateMeter(counters, clock);
  }

  /**
   * The node's points as the store has them. Counters go on from there, once.
   * Returns what to publish so that the store has the present values.
   */
  read(stored: readonly Point[], connected: boolean): Point[] {
    const first = !this.#adopted;
    if (first) for (const point of stored) this.#adopt(point);
    this.#adopted = true;
    let overtaken = false;
    const hadLeft = this.#wasRemoved;
    for (const point of stored) {
      const { type, key, time } = point;
      if (!STATISTICS.has(type)) continue;
      if (type === REMOVED_TYPE && isTrue(point.value)) this.#wasRemoved = true;
      this.#noteTime(type, key, time);
      const ours = this.#published.get(type, key);
      if (ours === undefined || time < ours.time || reads(point.value, ours.value)) continue;
      overtaken = true;
      this.#published.delete(type, key);
    }
    if (!first && !overtaken && hadLeft === this.#wasRemoved) return [];
    const hears = this.#published.get('connected', '0') === undefined ? [connected] : [];
    return [...hears.map((now) => this.connected(now)), ...this.changed()];
  }

  #adopt({ type, key, value, origin }: Point): void {
    const number = numberOf(value);
    if (origin !== '' || !Number.isSafeInteger(number) || number <= 0) return;
    const counted = COUNTED.find((name) => name === type);
    if (counted !== undefined && !this.#resetEarly.has(counted)) this.#base[counted] += number;
    if (type === CAUSE_TYPE) this.#causeBase.set(key, number);
    if (type === LIMITED_TYPE && isLimitCause(key)) this.#limitedBefore.add(key);
    if (type === STALE_TYPE) this.#staleBefore.add(key);
  }

  /** The link had left the configuration, and is there again. */
  cameBack(): void {
    this.#wasRemoved = true;
  }

  /** A counter as it is published. */
  value(counted: Counted): number {
    return this.#base[counted] + this.counters[counted];
  }

  /** All causes that were ever counted, as they are published. */
  causes(): ReadonlyMap<string, number> {
    const all = new Map(this.#causeBase);
    for (const [cause, count] of this.counters.causes()) {
      all.set(cause, (all.get(cause) ?? 0) + count);
    }
    return all;
  }

  /** Somebody wrote 1 to a reset point. Returns what to publish for it. */
  reset(point: Point): Point[] {
    const { type, time } = point;
    if (!isTrue(point.value) || isDeleted(point) || !isReset(type)) return [];
    this.#noteTime(type, '0', time);
    const counted = RESETS[type];
    this.#base[counted] = -this.counters[counted];
    if (!this.#adopted) this.#resetEarly.add(counted);
    return [this.#point(type, '0', floatValue(0)), this.#point(counted, '0', floatValue(0))];
  }

  /** Time of the newest `connected`; `undefined`: none was published yet. */
  get connectedNs(): bigint | undefined {
    return this.#published.get('connected', '0')?.time;
  }

  /**
   * Another gateway has published these on the node. Returns what to publish if it has
   * marked the node as removed, although the link is here.
   */
  markedByAnother(points: readonly Point[], connected: boolean): Point[] {
    for (const { type, key, time } of points) {
      if (type === 'connected' || type === REMOVED_TYPE) this.#noteTime(type, key, time);
    }
    if (!points.some(({ type, value }) => type === REMOVED_TYPE && isTrue(value))) return [];
    this.#wasRemoved = true;
    return [this.connected(connected), this.#point(REMOVED_TYPE, '0', floatValue(0))];
  }

  connected(connected: boolean): Point {
    return this.#point('connected', '0', floatValue(connected ? 1 : 0));
  }

  /** Measures {@link rates}: called every few seconds, whether anything is published or not. */
  measure(): void {
    this.#meter.measure();
  }

  get rates(): RateMeter['rates'] {
    return this.#meter.rates;
  }

  /** Points whose values differ from those published before. */
  changed(): Point[] {
    this.measure();
    const values: [string, string, number][] = [
      ...COUNTED.map((name): [string, string, number] => [name, '0', this.value(name)]),
      ['rate', '0', this.rates.points],
      ['rateHR', '0', this.rates.hrRx],
      ['pending', '0', this.gauges.pendingCount],
      [FULL_TYPE, '0', this.gauges.outboxFull ? 1 : 0],
    ];
    if (this.#wasRemoved) values.push([REMOVED_TYPE, '0', 0]);
    for (const [cause, count] of this.causes()) values.push([CAUSE_TYPE, cause, count]);
    const { limited, stale } = this.gauges;
    for (const name of new Set([...this.#staleBefore, ...stale.keys()])) {
      // A type and a key may be too long together.
      if (isTooLong(name)) continue;
      values.push([STALE_TYPE, name, stale.get(name) === true ? 1 : 0]);
    }
    for (const cause of new Set([...this.#limitedBefore, ...limited.keys()])) {
      values.push([LIMITED_TYPE, cause, limited.get(cause) === true ? 1 : 0]);
    }
    const changed = values.flatMap(([type, key, number]) =>
      this.#ifChanged(type, key, floatValue(number)),
    );
    return [...changed, ...this.busChanged(), ...this.fileChanged()];
  }

  /** As {@link changed}, of the bus alone. */
  busChanged(): Point[] {
    const status = this.gauges.bus;
    if (status === undefined) return [];
    return busValues(status).flatMap(({ type, key, value }) => this.#ifChanged(type, key, value));
  }

  /** As {@link changed}, of the file for the device alone. */
  fileChanged(): Point[] {
    const { file } = this.gauges;
    if (file === undefined) return [];
    return [
      ...this.#ifChanged(PROGRESS_TYPE, '0', floatValue(file.percent)),
      ...this.#ifChanged(FILE_STATE_TYPE, '0', stringValue(file.state)),
      ...this.#ifChanged(FILE_ERROR_TYPE, '0', stringValue(file.error)),
    ];
  }

  #ifChanged(type: string, key: string, value: PointValue): Point[] {
    const before = this.#published.get(type, key);
    return before !== undefined && reads(before.value, value)
      ? []
      : [this.#point(type, key, value)];
  }

  /** Everything that was published, with the values of now: the store has lost it. */
  all(connected: boolean): Point[] {
    this.#published.clear();
    return [this.connected(connected), ...this.changed()];
  }

  /** SIOT has the point with this time: what is published next is later. */
  #noteTime(type: string, key: string, time: bigint): void {
    if (time > (this.#times.get(type, key) ?? 0n)) this.#times.set(type, key, time);
  }

  #point(type: string, key: string, value: PointValue): Point {
    const before = this.#times.get(type, key) ?? 0n;
    // Always later than the one before, also when the clock steps back.
    const time = laterTime(this.clock.wallNs(), before);
    const point = makePoint({ type, key, time, value });
    this.#published.set(type, key, point);
    this.#times.set(type, key, time);
    return point;
  }
}

const STATISTICS: ReadonlySet<string> = new Set([
  ...COUNTED,
  ...Object.keys(RESETS),
  'rate',
  'rateHR',
  'pending',
  'connected',
  CAUSE_TYPE,
  LIMITED_TYPE,
  FULL_TYPE,
  REMOVED_TYPE,
  STALE_TYPE,
  PROGRESS_TYPE,
  FILE_STATE_TYPE,
  FILE_ERROR_TYPE,
  ...BUS_TYPES,
]);

/** Whether both read the same in SIOT, whatever kind a store has made of them. */
const reads = (a: PointValue, b: PointValue): boolean =>
  numberOf(a) === numberOf(b) && textOf(a) === textOf(b);
