/**
 * A link to a bus whose frames a database explains: signals become points, and
 * settings become frames. Nobody acknowledges them: a setting is in force when
 * its frame has been handed to the bus.
 *
 * ```
 *  frames ─► database ─► values ─► publish filter ─► points
 *                └► last known ─┐
 *  frames ◄─── transmitter ◄────┴──────────────────◄ settings
 * ```
 */
import type { Clock, Timer } from '../point/clock.js';
import type { Log } from '../point/log.js';
import { isDeleted, makePoint, stringValue, type Point, type PointValue } from '../point/point.js';
import { PublishFilter, type FilterOptions, type SignalValue } from '../signals/publish-filter.js';
import type { MessageCodec } from '../signals/message-codec.js';
import type { SignalCodec } from '../signals/signal-codec.js';
import type { SentSignal, SignalPlan } from '../signals/signal-plan.js';
import { codeOfPoint, SignalValues } from '../signals/signal-values.js';
import { Transmitter } from '../signals/transmitter.js';
import { decodeCanFrame, encodeCanFrame } from '../transport/can-wire.js';
import type { Conversation } from './conversation.js';
import { Counters } from './counters.js';
import { asOwner, Replica } from './replica.js';
import { NodeRoom, type PointBudget } from './room.js';
import type { SessionHost } from './session.js';
import { SettingsBook, type Setting, type SettingRecord } from './settings.js';

/** Type of the points of signals. */
export const VALUE_TYPE = 'value';
/** Types of what is said once of each signal, under its key. */
export const UNITS_TYPE = 'units';
export const DESCRIPTION_TYPE = 'description';

export interface SignalSessionOptions extends FilterOptions {
  readonly plan: SignalPlan;
  /** Codes that the database has a word for come as that word. */
  readonly inWords: boolean;
  /** Messages with a cycle time are sent again and again, once one of their signals was set. */
  readonly cyclic: boolean;
  /** Sends what is in force again when the interface comes back. */
  readonly restore: boolean;
  /** Most distinct points of this link. */
  readonly maxPoints: number;
  /** The bus counts as gone after so long without a frame that the database knows, ms; 0: never. */
  readonly silenceTimeoutMs: number;
}

export type SignalSessionHost = Pick<
  SessionHost,
  'write' | 'congested' | 'report' | 'connected' | 'settingChanged' | 'namesChanged' | 'changed'
>;

/** How long what was written may wait for the interface before the next look. */
const CONGESTED_LOOK_MS = 20;

interface Sent extends SentSignal {
  readonly setting: Setting;
}

export class SignalSession implements Conversation {
  readonly counters: Counters;
  readonly settings: SettingsBook;
  readonly room: NodeRoom;
  readonly replica: Replica;
  readonly codecName = 'signals';
  readonly advice = undefined;
  readonly downlink = {
    acknowledges: 'no' as const,
    pending: (): Setting[] => [...this.settings.all()].filter((one) => one.waiting),
    reason: (setting: Setting): string => this.#reason(setting),
    get pendingCount(): number {
      return this.pending().length;
    },
  };

  readonly #filter: PublishFilter<SignalCodec>;
  readonly #values = new Map<SignalCodec, SignalValues>();
  readonly #transmitter = new Transmitter();
  /** Signals whose unit and comment have been said. */
  readonly #described = new Set<SignalCodec>();
  /** What SIOT shows of units and comments, by type and key. */
  readonly #shown = new Map<string, PointValue>();
  readonly #cycles = new Map<MessageCodec, Timer>();
  #connected = false;
  #open = false;
  #held = false;
  #heardMs = 0;
  #silenceTimer: Timer | undefined;
  #congestedTimer: Timer | undefined;
  /** Written, and not yet known to be with the interface. */
  #written: Setting[] = [];

  constructor(
    private readonly host: SignalSessionHost,
    private readonly options: SignalSessionOptions,
    private readonly clock: Clock,
    private readonly log: Log,
    budget: PointBudget,
    settings: readonly SettingRecord[],
  ) {
    this.counters = new Counters(clock, log);
    this.settings = new SettingsBook(new Set(), options.maxPoints);
    this.settings.restore(settings);
    this.room = new NodeRoom(options.maxPoints, budget, () => this.host.namesChanged());
    this.replica = new Replica(this.room);
    this.#filter = new PublishFilter(options, clock, (values) => this.#publish(values));
    for (const one of this.#allSent()) this.#apply(one);
  }

  get connected(): boolean {
    return this.#connected;
  }

  recordWithoutSettings(): object {
    return {};
  }

  opened(): void {
    this.#open = true;
    if (!this.#held) this.#sendAll();
  }

  closed(): void {
    this.#open = false;
    this.#filter.flush();
    this.#silenceTimer?.cancel();
    this.#congestedTimer?.cancel();
    this.#written = [];
    for (const timer of this.#cycles.values()) timer.cancel();
    this.#cycles.clear();
    this.#setConnected(false);
    this.host.changed();
  }

  hold(held: boolean): void {
    this.#held = held;
    if (!held && this.#open) this.#sendAll();
  }

  clockStepped(): void {
    // Times are given on arrival.
  }

  read(stored: readonly Point[], underWay: boolean): void {
    this.room.read(stored, this.replica.points(), underWay);
  }

  release(): void {
    this.replica.release();
    this.room.release();
  }

  shown(points: Iterable<Point>): void {
    for (const point of points) {
      if (point.type === UNITS_TYPE || point.type === DESCRIPTION_TYPE) {
        this.#shown.set(`${point.type} ${point.key}`, point.value);
      }
    }
  }

  /** One frame, as the kernel has it. */
  data(chunk: Uint8Array): number {
    const frame = decodeCanFrame(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    const message = this.options.plan.codec.find(frame);
    if (message === undefined || frame.remote || frame.error) return 0;
    this.counters.rx += 1;
    this.#heard();
    const values: SignalValue<SignalCodec>[] = [];
    message.decode(frame.data, (signal, code) => {
      const key = this.options.plan.keys.get(signal) ?? '';
      if (this.options.plan.sent.has(key)) {
        this.#transmitter.seen(message, signal, code, this.#isSet(key));
      }
      const value = this.#valuesOf(signal).valueOf(code);
      if (value === undefined) this.counters.discard('nan', { key });
      else values.push({ of: signal, value });
    });
    this.#filter.take(values);
    return values.length;
  }

  set(point: Point): Setting | undefined {
    const sent = point.type === VALUE_TYPE ? this.options.plan.sent.get(point.key) : undefined;
    if (sent === undefined || isDeleted(point)) {
      this.counters.notice('refusedSetting');
      this.log.warn(
        { type: point.type, key: point.key },
        'nothing of a message under transmit: the setting is not sent',
      );
      return undefined;
    }
    switch (this.settings.judge(point)) {
      case 'notNewer':
        return undefined;
      case 'tooMany':
        this.counters.notice('refusedSetting');
        return undefined;
      case 'new':
    }
    this.room.learn(point);
    const { setting, replaced } = this.settings.take(point);
    if (replaced !== undefined) this.host.settingChanged(replaced);
    this.#apply({ ...sent, setting });
    this.host.changed();
    this.host.settingChanged(setting);
    if (this.#canSend && setting.problem === undefined) this.#send(sent.message, [setting]);
    return setting;
  }

  #valuesOf(signal: SignalCodec): SignalValues {
    let values = this.#values.get(signal);
    if (values === undefined) {
      values = new SignalValues(signal, this.options.inWords);
      this.#values.set(signal, values);
    }
    return values;
  }

  /** False: there is no room in the outbox. */
  #publish(values: readonly SignalValue<SignalCodec>[]): boolean {
    const points: Point[] = [];
    for (const { of: signal, value } of values) {
      const key = this.options.plan.keys.get(signal) ?? '';
      const { unit, comment } = signal.signal;
      if (!this.#described.has(signal)) {
        this.#add(points, UNITS_TYPE, key, unit);
        this.#add(points, DESCRIPTION_TYPE, key, comment);
      }
      this.#put(points, VALUE_TYPE, key, value);
    }
    const outcome = points.length === 0 ? 'taken' : this.host.report(points, () => undefined);
    if (outcome === 'full') {
      this.counters.discard('outboxFull', {}, points.length);
      return false;
    }
    if (outcome === 'dropped') this.counters.discard('nodeDeleted', {}, points.length);
    else for (const { of: signal } of values) this.#described.add(signal);
    this.counters.points += values.length;
    for (const point of points) this.replica.find(point.type, point.key)?.merge(point, false);
    return true;
  }

  #add(points: Point[], type: string, key: string, text: string): void {
    const shown = this.#shown.get(`${type} ${key}`);
    if (text === '' || (shown?.kind === 'string' && shown.text === text)) return;
    this.#put(points, type, key, stringValue(text));
  }

  #put(points: Point[], type: string, key: string, value: PointValue): void {
    const point = makePoint({ type, key, value });
    const record = this.replica.admit(point);
    if (typeof record === 'string') this.counters.discard(record, { type, key });
    else points.push(asOwner(point, record.giveTime(this.clock.wallNs())));
  }

  #isSet(key: string): boolean {
    return this.settings.get(VALUE_TYPE, key) !== undefined;
  }

  *#allSent(): Generator<Sent> {
    for (const setting of this.settings.all()) {
      const sent = this.options.plan.sent.get(setting.point.key);
      if (sent !== undefined) yield { ...sent, setting };
    }
  }

  #apply({ message, signal, setting }: Sent): void {
    const code = codeOfPoint(signal, setting.point);
    if (typeof code === 'object') setting.problem = code.problem;
    else this.#transmitter.set(message, signal, code);
  }

  get #canSend(): boolean {
    return this.#open && !this.#held;
  }

  /** The interface is there again: what waits is sent, and what is in force, if it is to be restored. */
  #sendAll(): void {
    const byMessage = new Map<MessageCodec, Setting[]>();
    for (const { message, setting } of this.#allSent()) {
      if (setting.problem !== undefined) continue;
      if (setting.waiting || (this.options.restore && setting.inForce)) {
        byMessage.set(message, [...(byMessage.get(message) ?? []), setting]);
      }
    }
    for (const [message, settings] of byMessage) this.#send(message, settings);
  }

  #send(message: MessageCodec, settings: readonly Setting[]): void {
    this.#write(message);
    for (const setting of settings) {
      setting.transmissions += 1;
      if (setting.waiting) this.#written.push(setting);
    }
    this.#confirmWritten();
    const { cycleMs } = message.message;
    if (this.options.cyclic && cycleMs !== undefined) this.#cycle(message, cycleMs);
  }

  #write(message: MessageCodec): void {
    this.counters.tx += 1;
    this.host.write(encodeCanFrame(this.#transmitter.frame(message)));
  }

  #cycle(message: MessageCodec, ms: number): void {
    this.#cycles.get(message)?.cancel();
    const timer = this.clock.setTimer(ms, () => {
      // A frame that waits says the same.
      if (this.#canSend && !this.host.congested()) this.#write(message);
      this.#cycle(message, ms);
    });
    this.#cycles.set(message, timer);
  }

  #confirmWritten(): void {
    if (this.host.congested()) {
      this.#congestedTimer?.cancel();
      this.#congestedTimer = this.clock.setTimer(CONGESTED_LOOK_MS, () => this.#confirmWritten());
      return;
    }
    const written = this.#written;
    this.#written = [];
    for (const setting of written) {
      if (!this.settings.isCurrent(setting)) continue;
      setting.confirm(this.clock.wallNs());
      this.#showInForce(setting);
      this.host.changed();
      this.host.settingChanged(setting);
    }
  }

  /** Where frames of others have overtaken a setting in SIOT's eyes, it is shown once more. */
  #showInForce({ point }: Setting): void {
    const newest = this.replica.find(point.type, point.key)?.newest;
    if (newest === undefined || newest.time <= point.time) return;
    const points: Point[] = [];
    this.#put(points, point.type, point.key, point.value);
    const [own] = points;
    if (own === undefined || this.host.report(points, () => undefined) !== 'taken') return;
    this.replica.find(own.type, own.key)?.merge(own, false);
  }

  #reason(setting: Setting): string {
    if (setting.problem !== undefined) return setting.problem;
    if (!this.#open) return 'the interface is not there';
    return 'the bus has not taken the frame yet';
  }

  #heard(): void {
    this.#heardMs = this.clock.monotonicMs();
    if (this.#connected) return;
    this.#setConnected(true);
    if (this.options.silenceTimeoutMs > 0) this.#watchSilence(this.options.silenceTimeoutMs);
  }

  #watchSilence(ms: number): void {
    this.#silenceTimer = this.clock.setTimer(ms, () => {
      const leftMs = this.#heardMs + this.options.silenceTimeoutMs - this.clock.monotonicMs();
      if (leftMs > 0) this.#watchSilence(leftMs);
      else this.#setConnected(false);
    });
  }

  #setConnected(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    this.host.connected(connected);
  }
}
