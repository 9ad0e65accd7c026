/** Signals of frames as points: values that pass the filter, and once each signal's unit and comment. */
import type { Clock } from '../../point/clock.js';
import { makePoint, stringValue, type Point, type PointValue } from '../../point/point.js';
import { DESCRIPTION_TYPE } from '../../point/reserved.js';
import type { MessageCodec } from '../../signals/message-codec.js';
import {
  PublishFilter,
  type FilterOptions,
  type SignalValue,
} from '../../signals/publish-filter.js';
import type { Code, SignalCodec } from '../../signals/signal-codec.js';
import type { SignalPlan } from '../../signals/signal-plan.js';
import { SignalValues } from '../../signals/signal-values.js';
import type { NodeHost, NodeState } from '../node-state.js';
import { asOwner } from '../node/replica.js';

/** Type of the points of signals. */
export const VALUE_TYPE = 'value';
/** With the description it is published once for each signal, under its key. */
const UNITS_TYPE = 'units';

/** What the configuration says of the signals that are published. */
export interface SignalReportOptions extends FilterOptions {
  readonly plan: SignalPlan;
  /** A code that the database has a word for is published as that word. */
  readonly inWords: boolean;
}

/** Publishes the signals of one bus. */
export class SignalReports {
  readonly #filter: PublishFilter<SignalCodec>;
  readonly #values = new Map<SignalCodec, SignalValues>();
  /** Signals whose unit and comment have been published. */
  readonly #described = new Set<SignalCodec>();
  /** What SIOT shows of units and comments, by type and key. */
  readonly #shown = new Map<string, PointValue>();

  constructor(
    private readonly host: Pick<NodeHost, 'report'>,
    private readonly options: SignalReportOptions,
    private readonly clock: Clock,
    private readonly state: NodeState,
  ) {
    this.#filter = new PublishFilter(options, clock, (values) => this.#publish(values));
  }

  /** Publishes now what the filter holds back: there is no later time. */
  flush(): void {
    this.#filter.flush();
  }

  /** The node was read: units and comments that it has are not published again. */
  shown(points: Iterable<Point>): void {
    for (const point of points) {
      if (point.type === UNITS_TYPE || point.type === DESCRIPTION_TYPE) {
        this.#shown.set(`${point.type} ${point.key}`, point.value);
      }
    }
  }

  /**
   * A frame of a message has come; `seen` hears of each signal in it. Returns
   * how many values it had.
   */
  frame(
    message: MessageCodec,
    data: Uint8Array,
    seen: (signal: SignalCodec, code: Code) => void,
  ): number {
    const values: SignalValue<SignalCodec>[] = [];
    const nowMs = this.clock.monotonicMs();
    message.decode(data, (signal, code) => {
      seen(signal, code);
      this.state.ages.pointReported(VALUE_TYPE, this.#keyOf(signal), nowMs);
      const value = this.#valuesOf(signal).valueOf(code);
      if (value === undefined) this.state.counters.discard('nan', { key: this.#keyOf(signal) });
      else values.push({ of: signal, value });
    });
    this.#filter.take(values);
    return values.length;
  }

  /** Publishes one value, past the filter. */
  publishValue(key: string, value: PointValue): void {
    const points: Point[] = [];
    this.#put(points, VALUE_TYPE, key, value);
    const taken = points.length > 0 && this.host.report(points, () => undefined) === 'taken';
    if (taken) this.#merge(points);
  }

  #valuesOf(signal: SignalCodec): SignalValues {
    let values = this.#values.get(signal);
    if (values === undefined) {
      values = new SignalValues(signal, this.options.inWords);
      this.#values.set(signal, values);
    }
    return values;
  }

  #keyOf(signal: SignalCodec): string {
    return this.options.plan.keys.get(signal) ?? '';
  }

  /** False: there is no room in the outbox. */
  #publish(values: readonly SignalValue<SignalCodec>[]): boolean {
    const points: Point[] = [];
    for (const { of: signal, value } of values) {
      const key = this.#keyOf(signal);
      if (!this.#described.has(signal)) {
        this.#describe(points, UNITS_TYPE, key, signal.signal.unit);
        this.#describe(points, DESCRIPTION_TYPE, key, signal.signal.comment);
      }
      this.#put(points, VALUE_TYPE, key, value);
    }
    const outcome = points.length === 0 ? 'taken' : this.host.report(points, () => undefined);
    if (outcome === 'full') {
      this.state.counters.discard('outboxFull', {}, points.length);
      return false;
    }
    if (outcome === 'dropped') this.state.counters.discard('nodeDeleted', {}, points.length);
    else for (const { of: signal } of values) this.#described.add(signal);
    this.state.counters.points += values.length;
    this.#merge(points);
    return true;
  }

  #describe(points: Point[], type: string, key: string, text: string): void {
    const shown = this.#shown.get(`${type} ${key}`);
    if (text === '' || (shown?.kind === 'string' && shown.text === text)) return;
    this.#put(points, type, key, stringValue(text));
  }

  #put(points: Point[], type: string, key: string, value: PointValue): void {
    const point = makePoint({ type, key, value });
    const { replica } = this.state;
    const record = replica.admit(point, replica.find(point.type, point.key));
    if (typeof record === 'string') this.state.counters.discard(record, { type, key });
    else points.push(asOwner(point, record.giveTime(this.clock.wallNs())));
  }

  #merge(points: readonly Point[]): void {
    for (const point of points) this.state.replica.find(point.type, point.key)?.merge(point, false);
  }
}
