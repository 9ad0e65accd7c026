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
import { isDeleted, type Point } from '../point/point.js';
import type { MessageCodec } from '../signals/message-codec.js';
import type { SentSignal } from '../signals/signal-plan.js';
import { codeOfPoint } from '../signals/signal-values.js';
import { Transmitter } from '../signals/transmitter.js';
import type { CanFrame } from '../transport/can-frame.js';
import { decodeCanFrame, encodeCanFrame } from '../transport/can-wire.js';
import type { Conversation } from './conversation.js';
import { Counters } from './counters.js';
import { LateFrames } from './late-frames.js';
import { Replica } from './replica.js';
import { NodeRoom, type PointBudget } from './room.js';
import type { ConversationHost } from './conversation.js';
import { SignalReports, VALUE_TYPE, type SignalReportOptions } from './signal-reports.js';
import { SettingsBook, type Setting, type SettingRecord } from './settings.js';

export interface SignalSessionOptions extends SignalReportOptions {
  /** Messages with a cycle time are sent again and again, once one of their signals was set. */
  readonly cyclic: boolean;
  /** Sends what is in force again when the interface comes back. */
  readonly restore: boolean;
  /** Most distinct points of this link. */
  readonly maxPoints: number;
  /** The bus counts as gone after so long without a frame that the database knows, ms; 0: never. */
  readonly silenceTimeoutMs: number;
}

export type SignalConversationHost = Pick<
  ConversationHost,
  'write' | 'congested' | 'report' | 'connected' | 'settingChanged' | 'namesChanged' | 'changed'
>;

/** How long what was written may wait for the interface before the next look. */
const CONGESTED_LOOK_MS = 20;

interface Sent extends SentSignal {
  readonly setting: Setting;
}

const NOT_SENT = 'it is no signal of a message under transmit';

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

  readonly #reports: SignalReports;
  readonly #transmitter = new Transmitter();
  readonly #cycles = new Map<MessageCodec, Timer>();
  #connected = false;
  #open = false;
  #held = false;
  #heardMs = 0;
  #silenceTimer: Timer | undefined;
  #congestedTimer: Timer | undefined;
  readonly #late = new LateFrames();
  /** Written or late, and not yet known to be with the interface. */
  #written: Setting[] = [];

  constructor(
    private readonly host: SignalConversationHost,
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
    this.#reports = new SignalReports(host, options, clock, this.counters, this.replica);
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
    this.#reports.flush();
    this.#silenceTimer?.cancel();
    this.#congestedTimer?.cancel();
    this.#written = [];
    this.#late.clear();
    for (const timer of this.#cycles.values()) timer.cancel();
    this.#cycles.clear();
    this.#setConnected(false);
    this.host.changed();
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

  read(stored: readonly Point[], underWay: boolean): void {
    this.room.read(stored, this.replica.points(), underWay);
  }

  release(): void {
    this.replica.release();
    this.room.release();
  }

  shown(points: Iterable<Point>): void {
    this.#reports.shown(points);
  }

  /** One frame, as the kernel has it. */
  data(chunk: Uint8Array): number {
    const frame = decodeCanFrame(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    const message = this.options.plan.codec.find(frame);
    if (message === undefined || frame.remote || frame.error) return 0;
    this.counters.rx += 1;
    this.#heard();
    const { keys, sent } = this.options.plan;
    return this.#reports.frame(message, frame.data, (signal, code) => {
      const key = keys.get(signal) ?? '';
      if (sent.has(key)) this.#transmitter.seen(message, signal, code, this.#isSet(key));
    });
  }

  whyNotSet(type: string, key: string): string | undefined {
    const isSent = type === VALUE_TYPE && this.options.plan.sent.has(key);
    return isSent ? this.settings.whyNot(type, key) : NOT_SENT;
  }

  set(point: Point): Setting | undefined {
    const sent = point.type === VALUE_TYPE ? this.options.plan.sent.get(point.key) : undefined;
    if (sent === undefined || isDeleted(point)) {
      this.counters.notice('refusedSetting');
      this.log.warn({ type: point.type, key: point.key }, `${NOT_SENT}: the setting is not sent`);
      return undefined;
    }
    switch (this.settings.judge(point)) {
      case 'notNewer':
        return undefined;
      case 'tooMany':
        this.counters.notice('tooManySettings');
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
    const frame = this.#transmitter.frame(message);
    if (this.host.congested()) this.#late.put(frame, this.#transmitter.held(message));
    else this.#handOver(frame);
  }

  #handOver(frame: CanFrame): void {
    this.counters.tx += 1;
    this.host.write(encodeCanFrame(frame));
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
    for (;;) {
      const frame = this.host.congested() ? undefined : this.#late.take();
      if (frame === undefined) break;
      this.#handOver(frame);
    }
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
    this.#reports.say(point.key, point.value);
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
