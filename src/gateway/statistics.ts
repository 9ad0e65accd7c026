/**
 * A link's statistics as points of its node, under SIOT's names (design.md,
 * "Statistics"; siot-interop.md, 5.1): published when changed, at most every 5 s.
 */
import type { Clock } from '../point/clock.js';
import { PointMap } from '../point/point-map.js';
import { floatValue, isTrue, makePoint, numberOf, type Point } from '../point/point.js';
import { GATEWAY_PREFIX } from '../point/reserved.js';
import type { Counters } from '../session/counters.js';

/** Counters that a person can reset by writing 1 to a point of this name. */
const RESETS = {
  rxReset: 'rx',
  txReset: 'tx',
  hrRxReset: 'hrRx',
  errorCountReset: 'errorCount',
} as const;

type Reset = keyof typeof RESETS;
type Counted = (typeof RESETS)[Reset];

const COUNTED: readonly Counted[] = ['rx', 'tx', 'hrRx', 'errorCount'];

export const PUBLISH_EVERY_MS = 5_000;

export function isReset(type: string): type is Reset | 'errorCountResetHR' {
  return type in RESETS || type === 'errorCountResetHR';
}

export class Statistics {
  /** What a published counter has more than the one in memory: from before this start. */
  readonly #base: Record<Counted, number> = { rx: 0, tx: 0, hrRx: 0, errorCount: 0 };
  readonly #published = new PointMap<Point>();
  #adopted = false;
  #rateFrom: { ms: number; points: number; hrRx: number };

  constructor(
    private readonly counters: Counters,
    private readonly clock: Clock,
    /** Settings on their way now. */
    private readonly pending: () => number,
  ) {
    this.#rateFrom = { ms: clock.monotonicMs(), points: 0, hrRx: 0 };
  }

  /** Counters go on from what SIOT has, once. `false`: they did before. */
  adopt(stored: readonly Point[]): void {
    if (this.#adopted) return;
    this.#adopted = true;
    for (const point of stored) {
      const counted = COUNTED.find((name) => name === point.type);
      const number = numberOf(point.value);
      if (
        counted !== undefined &&
        point.origin === '' &&
        Number.isSafeInteger(number) &&
        number > 0
      ) {
        this.#base[counted] += number;
      }
    }
  }

  /** A counter as it is published. */
  value(counted: Counted): number {
    return this.#base[counted] + this.counters[counted];
  }

  /** Somebody wrote 1 to a reset point. Returns what to publish for it. */
  reset(point: Point): Point[] {
    if (!isTrue(point.value) || !isReset(point.type)) return [];
    const changed = [this.#point(point.type, '0', 0)];
    if (point.type !== 'errorCountResetHR') {
      const counted = RESETS[point.type];
      this.#base[counted] = -this.counters[counted];
      changed.push(this.#point(counted, '0', 0));
    }
    return changed;
  }

  connected(connected: boolean): Point {
    return this.#point('connected', '0', connected ? 1 : 0);
  }

  /** Points whose values differ from those published before. */
  changed(): Point[] {
    const now = this.clock.monotonicMs();
    const seconds = Math.max(0.001, (now - this.#rateFrom.ms) / 1000);
    const { points, hrRx } = this.counters;
    const rate = (points - this.#rateFrom.points) / seconds;
    const rateHr = (hrRx - this.#rateFrom.hrRx) / seconds;
    this.#rateFrom = { ms: now, points, hrRx };
    const values: [string, string, number][] = [
      ...COUNTED.map((name): [string, string, number] => [name, '0', this.value(name)]),
      ['rate', '0', Math.round(rate * 10) / 10],
      ['rateHR', '0', Math.round(rateHr * 10) / 10],
      ['pending', '0', this.pending()],
    ];
    for (const [cause, count] of this.counters.causes()) {
      values.push([`${GATEWAY_PREFIX}Count`, cause, count]);
    }
    const changed: Point[] = [];
    for (const [type, key, number] of values) {
      const before = this.#published.get(type, key);
      if (before === undefined ? number !== 0 || key === '0' : numberOf(before.value) !== number) {
        changed.push(this.#point(type, key, number));
      }
    }
    return changed;
  }

  /** Everything that was published, with the values of now: the store has lost it. */
  all(connected: boolean): Point[] {
    this.#published.clear();
    return [this.connected(connected), ...this.changed()];
  }

  #point(type: string, key: string, number: number): Point {
    const before = this.#published.get(type, key)?.time ?? 0n;
    const now = this.clock.wallNs();
    // Always later than the one before, also when the clock steps back.
    const time = now > before ? now : before + 1n;
    const point = makePoint({ type, key, time, value: floatValue(number) });
    this.#published.set(type, key, point);
    return point;
  }
}
