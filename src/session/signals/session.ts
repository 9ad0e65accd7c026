/**
 * A link to a bus whose frames a database explains: signals become points, and
 * settings become frames. Nobody acknowledges them: a setting is in force when
 * its frame has been handed to the bus.
 *
 * ```
 *  frames ─► database ─► values ─► publish filter ─► points
 *                └► last known ─┐
 *  frames ◄─ signal-frames ◄────┴──────────────────◄ settings
 * ```
 */
import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { isDeleted, stringValue, type Point, type PointValue } from '../../point/point.js';
import type { MessageCodec } from '../../signals/message-codec.js';
import type { SignalCodec } from '../../signals/signal-codec.js';
import type { CanFrame } from '../../transport/frame.js';
import type {
  DeviceSession,
  DeviceSessionHost,
  DeviceSettings,
  PendingSettings,
  SessionChannel,
  SessionInput,
} from '../device-session.js';
import type { NodeState } from '../node-state.js';
import type { HeardDevice } from '../node/presence.js';
import { kindOf, valueOfWord } from '../node/reported-kinds.js';
import type { SettingRefusal } from '../node/setting-quota.js';
import type { Setting } from '../settings/setting.js';
import type { Heard } from '../settings/time.js';
import { SignalFrames, type Page } from './frames.js';
import { LateFrames } from './late-frames.js';
import { SignalReports, VALUE_TYPE, type SignalReportOptions } from './reports.js';

/** What the configuration says of a bus. */
export interface SignalSessionOptions extends SignalReportOptions {
  /** Messages with a cycle time are sent at that time again and again, once one of their signals was set. */
  readonly cyclic: boolean;
  /** Sends what is in force again when the interface comes back. */
  readonly restore: boolean;
}

/** What this session needs of its link. */
export type SignalSessionHost = Pick<DeviceSessionHost, 'report'>;

/** How long to wait, while the interface takes no frames, before looking again. */
const CONGESTED_LOOK_MS = 20;

const NOT_SENT = 'it is no signal of a message under transmit';

/** The device session of one bus. */
export class SignalSession
  implements DeviceSession, DeviceSettings, SessionInput<CanFrame>, HeardDevice, PendingSettings
{
  readonly codecName = 'signals';
  readonly advice = undefined;
  readonly acknowledges = 'no';
  readonly roundTripMs = undefined;
  /** Nothing of a bus comes back: its controllers do not hear themselves. */
  readonly echoes = false;
  readonly diagnosis = undefined;
  readonly settings: DeviceSettings = this;
  readonly downlink: PendingSettings = this;

  /** Monotonic ms of the last frame that the database knows. */
  heardMs: number | undefined;
  readonly #reports: SignalReports;
  readonly #frames: SignalFrames;
  readonly #cycles = new Map<MessageCodec, { pages: readonly Page[]; timer: Timer }>();
  #open = false;
  #held = false;
  #congestedTimer: Timer | undefined;
  readonly #late = new LateFrames();
  /** Settings whose frames were written or wait, and which the interface is not known to have taken. */
  #written: Setting[] = [];

  constructor(
    host: SignalSessionHost,
    private readonly channel: SessionChannel<CanFrame>,
    private readonly options: SignalSessionOptions,
    private readonly clock: Clock,
    private readonly log: Log,
    readonly state: NodeState,
  ) {
    this.#reports = new SignalReports(host, options, clock, state);
    this.#frames = new SignalFrames(options.plan, state.settings);
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
    this.#reports.flush();
    this.#congestedTimer?.cancel();
    this.#written = [];
    this.#late.clear();
    for (const { timer } of this.#cycles.values()) timer.cancel();
    this.#cycles.clear();
    this.state.closed();
  }

  recordKept(): void {
    // Nothing that it sends waits for that.
  }

  hold(held: boolean): void {
    this.#held = held;
    if (!held && this.#open) this.#sendAll();
  }

  clockStepped(): void {
    // Times are given on arrival.
  }

  shown(points: readonly Point[]): void {
    this.#reports.shown(points);
  }

  /** A name in the signal's value table is text; any other word means what it means for other devices. */
  valueOfWord(type: string, key: string, word: string): PointValue {
    const signal = type === VALUE_TYPE ? this.options.plan.sent.get(key)?.signal : undefined;
    if (signal !== undefined && [...signal.texts.values()].includes(word)) return stringValue(word);
    const reported = this.state.replica.find(type, key)?.newest;
    return valueOfWord(word, reported === undefined ? undefined : kindOf(reported.value));
  }

  inDeviceForm({ point }: Setting): PointValue {
    return point.value;
  }

  data(frame: CanFrame): number {
    const message = this.options.plan.codec.find(frame);
    if (message === undefined || frame.remote || frame.error) return 0;
    this.state.counters.rx += 1;
    this.heardMs = this.clock.monotonicMs();
    this.state.presence.heard(this);
    return this.#reports.frame(message, frame.data, (signal, code) =>
      this.#frames.seen(message, signal, code),
    );
  }

  whyNotSet(point: Point): string | undefined {
    const isSent = point.type === VALUE_TYPE && this.options.plan.sent.has(point.key);
    return isSent ? this.state.settings.whyNot(point) : NOT_SENT;
  }

  set(point: Point, heard: Heard = 'live'): Setting | undefined {
    const sent = point.type === VALUE_TYPE ? this.options.plan.sent.get(point.key) : undefined;
    if (sent === undefined || isDeleted(point)) {
      this.state.counters.notice('refusedSetting');
      this.log.warn({ type: point.type, key: point.key }, `${NOT_SENT}: the setting is not sent`);
      return undefined;
    }
    const taken = this.state.takeSetting(point, heard);
    if (typeof taken === 'string') this.refuse(point, taken);
    if (taken === undefined || typeof taken === 'string') return undefined;
    const { setting, replaced } = taken;
    if (replaced !== undefined) this.state.settingChanged(replaced);
    const one = { ...sent, setting };
    this.#frames.apply(one);
    this.state.settingChanged(setting);
    if (this.#canSend && setting.life.name !== 'unsendable') {
      this.#send([one]);
      this.#cycle(sent.message);
    }
    return setting;
  }

  refuse(point: Point, cause: SettingRefusal): void {
    const older = this.state.refuseSetting(point, cause);
    if (older === undefined || older.on({ type: 'noRoom' }).length === 0) return;
    this.state.settingChanged(older);
  }

  get pendingCount(): number {
    return this.pending().length;
  }

  pending(): Setting[] {
    return [...this.state.settings.all()].filter((one) => one.waiting);
  }

  /** A bus acknowledges nothing. */
  awaitsAck(): boolean {
    return false;
  }

  reason({ life }: Setting): string {
    if (life.name === 'unsendable') return life.why;
    if (!this.#open) return 'the interface is not there';
    return 'the bus has not taken the frame yet';
  }

  /** There are no tries to count: the interface takes a frame once. */
  progress(): undefined {
    return undefined;
  }

  get #canSend(): boolean {
    return this.#open && !this.#held;
  }

  /** The interface is there again: what waits is sent, and what is in force, if it is to be restored. */
  #sendAll(): void {
    const isDue = (setting: Setting): boolean =>
      setting.waiting || (this.options.restore && setting.inForce);
    for (const message of this.#frames.messages) {
      for (const page of this.#frames.pages(message, isDue)) this.#send(page);
      this.#cycle(message);
    }
  }

  #send(page: Page): void {
    const held = this.#write(page);
    // A multiplexer of ranges may have chosen another page since this one was made.
    const left = page.filter((one) => page.length > 1 && !held.has(one.signal));
    for (const one of page) {
      if (left.includes(one) || !one.setting.waiting) continue;
      one.setting.on({ type: 'transmitted' });
      this.#written.push(one.setting);
    }
    this.#confirmWritten();
    for (const one of left) this.#send([one]);
  }

  /** Returns the signals that the frame holds. */
  #write(page: Page): ReadonlySet<SignalCodec> {
    const { frame, held } = this.#frames.frame(page);
    // After those that wait already, to keep the order.
    if (this.channel.congested || !this.#late.isEmpty) this.#late.put(frame, held);
    else this.#handOver(frame);
    return held;
  }

  #handOver(frame: CanFrame): void {
    this.state.counters.tx += 1;
    this.state.counters.sentPoints += 1;
    this.channel.write(frame);
  }

  /** Sends the message at its cycle time from now on, if it has one: its pages in turn. */
  #cycle(message: MessageCodec): void {
    const { cycleMs } = message.message;
    if (!this.options.cyclic || cycleMs === undefined) return;
    const pages = this.#frames.pages(message, isSent);
    const cycle = this.#cycles.get(message);
    if (cycle !== undefined) cycle.pages = pages;
    else if (pages.length > 0) this.#begin(message, cycleMs, pages);
  }

  #begin(message: MessageCodec, cycleMs: number, pages: readonly Page[]): void {
    let turn = 0;
    const wait = (): Timer =>
      this.clock.setTimer(cycleMs, () => {
        const page = cycle.pages[turn % cycle.pages.length];
        turn += 1;
        // While the bus is congested a frame of the same content waits already.
        if (page !== undefined && this.#canSend && !this.channel.congested) this.#write(page);
        cycle.timer = wait();
      });
    const cycle = { pages, timer: wait() };
    this.#cycles.set(message, cycle);
  }

  #confirmWritten(): void {
    for (;;) {
      const frame = this.channel.congested ? undefined : this.#late.take();
      if (frame === undefined) break;
      this.#handOver(frame);
    }
    if (this.channel.congested) {
      this.#congestedTimer?.cancel();
      this.#congestedTimer = this.clock.setTimer(CONGESTED_LOOK_MS, () => this.#confirmWritten());
      return;
    }
    const written = this.#written;
    this.#written = [];
    for (const setting of written) {
      if (setting.on({ type: 'takenByBus', ns: this.clock.wallNs() }).length === 0) continue;
      this.#showInForce(setting);
      this.state.settingChanged(setting);
    }
  }

  /** Publishes a setting once more where SIOT has a newer value, from a frame of others. */
  #showInForce({ point, time }: Setting): void {
    const newest = this.state.replica.find(point.type, point.key)?.newest;
    const isOvertaken = newest !== undefined && newest.time > time.stated;
    if (!isOvertaken && !time.tied) return;
    if (time.tied)
      this.state.replica.givenBefore([{ ...point, time: time.shownNs(this.clock.wallNs()) }]);
    this.#reports.publishValue(point.key, point.value);
  }
}

const isSent = (setting: Setting): boolean => setting.waiting || setting.inForce;
