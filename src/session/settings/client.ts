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
import type { Counters } from '../node/counters.js';
import type { Acknowledges } from '../node/presence.js';
import type { Delivery, SenderClient, SenderEvent, Wait } from '../sending/client.js';
import type { Outgoing, OutgoingPacket } from '../sending/outgoing.js';
import type { ReliableSender } from '../sending/sender.js';
import { CommandJournal, type CommandJournalHost } from './command-journal.js';
import { SettingDelivery, type SettingDeliveryHost } from './delivery.js';
import { SettingOutcomes, type SettingOutcomesHost, type WaitingSettings } from './outcomes.js';
import { settingPacket, type SettingValues } from './packet.js';
import type { SettingPublisher } from './publisher.js';
import { SettingQueue } from './queue.js';
import { ITS_TURN, progressOf, silentReason, whyNotYet } from './reason.js';
import type { Setting } from './setting.js';
import type { Settings } from './settings.js';
import type { SettingEvent } from './transitions.js';

/** What the configuration says of settings. */
export interface SettingsClientOptions {
  /** Longest frame to send, delimiters included, bytes. */
  readonly maxFrameLength: number;
  /** Whether settings in force are sent again after a restart of the device. */
  readonly restore: boolean;
}

/** What the settings client needs of its session. */
export interface SettingsClientHost extends SettingValues, SettingOutcomesHost, CommandJournalHost {
  codec(): PayloadCodec | undefined;
  /** The device has acknowledged a setting. */
  settingAcknowledged(): void;
}

/** The settings of one device that wait or are in flight. */
export class SettingsClient implements SenderClient, WaitingSettings, SettingDeliveryHost {
  readonly priority = 1;
  readonly window = 1;
  readonly #queue = new SettingQueue();
  readonly #journal: CommandJournal;
  /** What happens to a setting. */
  readonly outcomes: SettingOutcomes;
  /** Whose ack is waited for. */
  #inFlight: SettingDelivery | undefined;

  constructor(
    private readonly host: SettingsClientHost,
    private readonly sender: ReliableSender,
    private readonly settings: Settings,
    publisher: SettingPublisher,
    private readonly outgoing: Outgoing,
    private readonly clock: Clock,
    counters: Counters,
    private readonly log: Log,
    private readonly options: SettingsClientOptions,
  ) {
    for (const setting of settings.all()) if (setting.waiting) this.#queue.add(setting);
    this.outcomes = new SettingOutcomes(this, host, publisher, counters, clock, log);
    this.#journal = new CommandJournal(host, sender, this.outcomes);
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

  /** A setting has been taken. */
  add(setting: Setting, replaced: Setting | undefined): void {
    // The one before it is in flight: the others are sent first.
    if (replaced !== undefined && this.awaitsAck(replaced)) this.#queue.addLast(setting);
    else this.#queue.add(setting);
    this.sender.pump();
  }

  enqueue(setting: Setting): void {
    this.#queue.add(setting);
  }

  dequeue(setting: Setting): void {
    this.#queue.delete(setting);
    // Its ack may still come, but it is not sent again.
    if (this.#inFlight?.setting === setting) this.sender.stopRetrying(this.#inFlight);
  }

  postpone(setting: Setting): void {
    if (this.#queue.has(setting)) this.#queue.addLast(setting);
  }

  /** No device can say anything now. */
  closed(): void {
    this.outcomes.closed();
  }

  /** The state of before now is safe: commands that wait for that are tried again. */
  stateKept(): void {
    // With each save of the state: most find none.
    const waiting = this.pending().filter(({ life }) => life.name === 'unnoted');
    if (waiting.length === 0) return;
    this.#all(waiting, { type: 'stateSaved' });
    this.sender.pump();
  }

  /** Its packet has been sent, and is not acknowledged yet. */
  awaitsAck(setting: Setting): boolean {
    return this.#inFlight?.setting === setting;
  }

  /** Why a setting is still on its way, for people. */
  reason(setting: Setting): string {
    const notYet = whyNotYet(setting, this.sender.isOpen);
    if (notYet !== undefined) return notYet;
    if (this.host.codec() === undefined) {
      return 'nothing heard from the device yet that tells its codec (protocol: auto)';
    }
    // Before what is sent now: a keep-alive each 30 s is no other reason.
    if (this.sender.life.silent) return silentReason(setting);
    if (this.awaitsAck(setting)) return 'sent, waiting for the acknowledgement';
    if (setting.life.name === 'setAside') {
      return 'not acknowledged while the device was heard: tried again after a pause';
    }
    return ITS_TURN;
  }

  /** What moves on while the reason stays, for people: which transmission it is, or the time to the next. */
  progress(setting: Setting): string | undefined {
    if (!this.sender.isOpen) return undefined;
    const inFlight = this.awaitsAck(setting) ? this.#inFlight : undefined;
    return progressOf(setting, inFlight, this.sender.life.silent, this.clock.monotonicMs());
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
      .filter(({ command, life }) => !command && life.name !== 'unsendable')
      .map((setting) => this.#delivery(setting, true));
  }

  on(event: SenderEvent): void {
    switch (event) {
      case 'opened':
        this.rescale();
        this.outcomes.opened(this.settings.all());
        this.#all(this.pending(), { type: event });
        return;
      case 'codecKnown':
        this.rescale();
        this.#all(this.pending(), { type: event });
        return;
      case 'awake':
      case 'restarted':
        this.#all(this.pending(), { type: event });
        return;
      case 'resync':
        this.#all(this.settings.all(), { type: event, restore: this.options.restore });
        return;
      case 'quiet':
      // Settings are sent when they are set.
    }
  }

  /**
   * What went to the device by another scale than its point has now says something else
   * there: it is to be sent again, as after a restart of the device. A command is not, as
   * it may have acted. True: there is such a setting.
   */
  rescale(): boolean {
    let isAny = false;
    for (const setting of this.settings.all()) {
      if (setting.command || setting.sentScale === this.scaleOf(setting)) continue;
      isAny = true;
      if (this.#inFlight?.setting === setting) this.sender.withdraw(this.#inFlight);
      this.outcomes.on(setting, { type: 'resync', restore: true });
    }
    return isAny;
  }

  scaleOf(setting: Setting): number {
    return this.host.scaleOf(setting);
  }

  #all(settings: Iterable<Setting>, event: SettingEvent): void {
    for (const setting of settings) this.outcomes.on(setting, event);
  }

  encode(setting: Setting, codec: PayloadCodec): OutgoingPacket | undefined {
    if (!this.#queue.has(setting)) return undefined;
    const { maxFrameLength } = this.options;
    const packet = settingPacket(setting, codec, this.outgoing, this.host, maxFrameLength);
    if (typeof packet !== 'string') return packet;
    this.log.warn({ type: setting.point.type, key: setting.point.key }, packet);
    this.outcomes.on(setting, { type: 'unsendable', why: packet });
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

  acknowledged(): void {
    this.host.settingAcknowledged();
  }

  #delivery(setting: Setting, once: boolean): SettingDelivery {
    return new SettingDelivery(setting, once, this, this.outcomes, this.clock);
  }
}
