/**
 * The settings of a device as a client of its sender (docs/contract.md, "On every
 * opening", "Sending"): which is sent next, and why one still waits.
 *
 * ```
 *  add() ─► queue.ts ─► command-journal.ts ─► delivery.ts ─► sender
 *              ▲          (commands alone)        │
 *              └── set aside, sent again ── outcomes.ts ──► in force, unconfirmed, ended
 * ```
 */
import type { PayloadCodec } from '../../packet/payload.js';
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { Point, PointValue } from '../../point/point.js';
import type { Counters } from '../node/counters.js';
import type { Acknowledges } from '../node/presence.js';
import type { Delivery, SenderClient, SenderEvent, Wait } from '../sending/client.js';
import type { Outgoing, OutgoingPacket } from '../sending/outgoing.js';
import type { ReliableSender } from '../sending/sender.js';
import { CommandJournal, type CommandJournalHost } from './command-journal.js';
import { SettingDelivery, type SettingDeliveryHost } from './delivery.js';
import { SettingOutcomes, type SettingOutcomesHost } from './outcomes.js';
import { settingPacket } from './packet.js';
import { SettingQueue } from './queue.js';
import type { Setting } from './setting.js';
import type { Settings } from './settings.js';

export interface SettingsClientOptions {
  /** Longest frame to send, delimiters included, bytes. */
  readonly maxFrameLength: number;
  /** Whether settings in force are sent again after a restart of the device. */
  readonly restore: boolean;
}

/** What the settings client needs of its session. */
export interface SettingsClientHost extends SettingOutcomesHost {
  codec(): PayloadCodec | undefined;
  /** Last value known of a point, for a setting that deletes it. */
  lastValue(type: string, key: string): Point | undefined;
  /** What a setting says, in the form in which the device reports the point. */
  valueOf(setting: Setting): PointValue;
  /** Makes the present state survive a crash, then calls `then`; `kept`: it does. */
  saved(then: (kept: boolean) => void): void;
}

export class SettingsClient implements SenderClient, SettingDeliveryHost, CommandJournalHost {
  readonly priority = 1;
  readonly window = 1;
  readonly #queue = new SettingQueue();
  readonly #journal = new CommandJournal(this);
  readonly #outcomes: SettingOutcomes;
  /** Whose ack is waited for. */
  #inFlight: SettingDelivery | undefined;

  constructor(
    private readonly host: SettingsClientHost,
    private readonly sender: ReliableSender,
    private readonly book: Settings,
    private readonly outgoing: Outgoing,
    private readonly clock: Clock,
    counters: Counters,
    private readonly log: Log,
    private readonly options: SettingsClientOptions,
  ) {
    for (const setting of book.all()) if (setting.waiting) this.#queue.add(setting);
    this.#outcomes = new SettingOutcomes(host, book, this.#queue, clock, counters, log);
  }

  /** Whether the device acknowledges what is sent to it. */
  get acknowledges(): Acknowledges {
    return this.sender.acknowledges;
  }

  /** On their way to the device. */
  pending(): Setting[] {
    return [...this.#queue.all()];
  }

  get pendingCount(): number {
    return this.#queue.size;
  }

  /** Whether anything that a resync sends is still on its way for the first time. */
  get restoring(): boolean {
    return this.#queue.restoring;
  }

  /** A setting has been taken into the book. */
  add(setting: Setting, replaced: Setting | undefined): void {
    // The one before it is in flight: the others are sent first.
    if (replaced !== undefined && this.awaitsAck(replaced)) this.#queue.addLast(setting);
    else this.#queue.add(setting);
    this.sender.pump();
  }

  /** The device itself has confirmed or replaced a setting by a report. */
  settled(setting: Setting): void {
    this.#queue.delete(setting);
    if (this.#inFlight?.setting === setting) this.sender.stopRetrying(this.#inFlight);
  }

  /** The state of before now is safe: commands that wait for that are tried again. */
  stateKept(): void {
    this.#journal.stateKept();
  }

  /** Its packet has been sent, and is not acknowledged yet. */
  awaitsAck(setting: Setting): boolean {
    return this.#inFlight?.setting === setting;
  }

  /** Why a setting is still on its way, for people. */
  reason(setting: Setting): string {
    if (setting.problem !== undefined) return setting.problem;
    if (!this.sender.isOpen) return 'the port is not open';
    if (this.host.codec() === undefined) {
      return 'nothing heard from the device yet that tells its codec (protocol: auto)';
    }
    if (this.#inFlight?.setting === setting) {
      const { attempt, limit } = this.#inFlight;
      return `sent, waiting for the acknowledgement (transmission ${String(attempt)} of ${String(limit)})`;
    }
    if (this.sender.life.silent) {
      return setting.command
        ? 'the device is silent: a command waits until it is heard'
        : 'the device is silent: tried every 30 s, and when it is heard';
    }
    if (setting.asidePauseMs > 0) {
      const seconds = Math.max(0, setting.asideUntilMs - this.clock.monotonicMs()) / 1000;
      return `not acknowledged while the device was heard: next try in ${seconds.toFixed(0)} s`;
    }
    return 'waiting for its turn';
  }

  next(nowMs: number): Delivery | Wait | undefined {
    for (;;) {
      const { holdUntilMs } = this.#journal;
      if (nowMs < holdUntilMs) return { untilMs: holdUntilMs };
      const next = this.#queue.next(nowMs);
      if (next === undefined || next.kind === 'wait') return next;
      if (next.kind === 'retry') return this.#delivery(next.setting, true);
      if (!this.#journal.isDue(next.setting)) return this.#delivery(next.setting, false);
      this.#journal.note(next.setting, nowMs);
    }
  }

  /** Commands wait: a silent device may act on each transmission that it hears. */
  probes(): readonly Delivery[] {
    return this.pending()
      .filter((setting) => !setting.command && setting.problem === undefined)
      .map((setting) => this.#delivery(setting, true));
  }

  on(event: SenderEvent): void {
    switch (event) {
      case 'opened':
        this.#endTransmittedCommands('the port was opened again');
        this.#queue.takeBackAll();
        return;
      case 'codecKnown':
        // What was too large or unanswered in the other codec may fare better now.
        this.#queue.takeBackAll();
        return;
      case 'awake':
        this.#queue.takeBack();
        return;
      case 'restarted':
        this.#endTransmittedCommands('the device restarted');
        return;
      case 'resync':
        this.#restore();
        return;
      case 'quiet':
      // Settings are sent when they are set.
    }
  }

  encode(setting: Setting, codec: PayloadCodec): OutgoingPacket | undefined {
    if (!this.#queue.has(setting)) return undefined;
    const packet = settingPacket(setting, codec, {
      outgoing: this.outgoing,
      lastValue: (type, key) => this.host.lastValue(type, key),
      valueOf: (one) => this.host.valueOf(one),
      maxFrameLength: this.options.maxFrameLength,
    });
    if (typeof packet !== 'string') {
      setting.problem = undefined;
      return packet;
    }
    setting.problem = packet;
    this.log.warn({ type: setting.point.type, key: setting.point.key }, packet);
    if (!setting.sent) setting.transmissions = 0;
    setting.noted = false;
    this.host.changed(setting);
    return undefined;
  }

  awaiting(delivery: SettingDelivery): void {
    this.#inFlight = delivery;
  }

  ended(delivery: SettingDelivery): void {
    if (this.#inFlight === delivery) this.#inFlight = undefined;
  }

  answered(delivery: SettingDelivery): void {
    const inFlight = this.#inFlight;
    this.ended(delivery);
    // An earlier packet with the same setting: the device has what is in flight.
    if (inFlight !== delivery && inFlight?.setting === delivery.setting) {
      this.sender.withdraw(inFlight);
    }
  }

  saved(then: (kept: boolean) => void): void {
    this.host.saved(then);
  }

  changed(command: Setting): void {
    this.host.changed(command);
    this.sender.pump();
  }

  #delivery(setting: Setting, once: boolean): SettingDelivery {
    return new SettingDelivery(setting, once, this, this.#outcomes);
  }

  /** The device may have forgotten what is in force. */
  #restore(): void {
    for (const setting of this.book.all()) {
      if (setting.inForce && !setting.command && this.options.restore) {
        setting.restoring = true;
        setting.sent = false;
        this.#queue.add(setting);
      }
      setting.asidePauseMs = 0;
    }
  }

  #endTransmittedCommands(why: string): void {
    for (const setting of this.pending()) {
      if (setting.command && setting.sent) this.#outcomes.endCommand(setting, why);
    }
  }
}
