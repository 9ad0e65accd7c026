/**
 * Sending to a device: one unacknowledged packet at a time, until it is
 * acknowledged or given up (docs/contract.md, "Sending", "Devices that never
 * acknowledge"). Which setting is next: setting-queue.ts; what is in flight: flight.ts; what
 * becomes of a setting then: setting-outcomes.ts; a device that is not heard: silence.ts.
 *
 * ```
 *                 ┌── acknowledged ──────────────► next
 *  next ─► flight ┼── unanswered, others heard ──► set aside, next
 *            ▲    └── unanswered in silence ─────► silent: a probe every 30 s
 *            └ retransmit                          until something is heard
 * ```
 */
import type { PayloadCodec } from '../../packet/payload.js';
import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { Point, PointValue } from '../../point/point.js';
import { CommandJournal } from './command-journal.js';
import type { Counters } from '../node/counters.js';
import {
  SettingOutcomes,
  type Confirmation,
  type SettingOutcomesHost,
} from './setting-outcomes.js';
import { FlightControl, type Flight, type Sent } from './flight.js';
import type { Outgoing, OutgoingPacket } from './outgoing.js';
import type { Settings } from '../settings/settings.js';
import { settingPacket } from './setting-packet.js';
import type { Acknowledges } from '../node/presence.js';
import { Silence, type Life } from './silence.js';
import { SettingQueue } from './setting-queue.js';
import type { Setting } from '../settings/setting.js';

export interface DownlinkOptions {
  readonly ackTimeoutMs: number;
  /** Transmissions after the first. */
  readonly retries: number;
  /** Longest frame to send, delimiters included, bytes. */
  readonly maxFrameLength: number;
  /** Whether settings in force are sent again after a restart of the device. */
  readonly restore: boolean;
}

/** What the downlink needs of its session. */
export interface DownlinkHost extends SettingOutcomesHost {
  /** A transmission of a packet, the first or another. */
  write(packet: OutgoingPacket): void;
  /** A wait for an ack, ms, as this line needs it. */
  jittered(ms: number): number;
  /** The device, or its flow control, does not take what was written before. */
  congested(): boolean;
  codec(): PayloadCodec | undefined;
  /** Last value known of a point, for a setting that deletes it. */
  lastValue(type: string, key: string): Point | undefined;
  /** What a setting says, in the form in which the device reports the point. */
  valueOf(setting: Setting): PointValue;
  /** Nothing at all is heard any more. */
  silent(): void;
  /** Whether the device acknowledges is known anew. */
  learned(acknowledges: Acknowledges): void;
  /** Makes the present state survive a crash, then calls `then`; `kept`: it does. */
  saved(then: (kept: boolean) => void): void;
}

/** What an ack has changed. */
export interface AckEffect {
  /** `undefined`: it confirmed the time, or a setting whose place a newer has taken. */
  readonly confirmation: Confirmation | undefined;
  /** Whether the device acknowledged, as far as was known before. */
  readonly acknowledged: Acknowledges;
}

/** What echoes of ours were taken for. */
export interface Mistaken<Before extends Life = Life> {
  readonly acks: readonly AckEffect[];
  /** As it was before they were taken for signs of life; `undefined`: it has been heard since. */
  readonly life: Before | undefined;
  /** It has acknowledged something beyond doubt since. */
  readonly acknowledges: boolean;
}

const GAP_WITHOUT_ACKS_MS = 20;
const CONGESTED_LOOK_MS = 100;
const JUST_NOW_MS = 1_000;

export class Downlink {
  acknowledges: Acknowledges;
  #open = false;
  /** Wakes the pump: a gap between packets, or a setting that is set aside. */
  #pumpTimer: Timer | undefined;
  #gapUntilMs = 0;
  #timeDue = false;
  /** The time was acknowledged late and is sent again for that. */
  #timeRepeated = false;
  #timeAckedMs = Number.NEGATIVE_INFINITY;
  readonly #queue = new SettingQueue();
  readonly #journal: CommandJournal;
  readonly #outcomes: SettingOutcomes;
  readonly #flights: FlightControl;
  readonly #silence: Silence;

  constructor(
    private readonly host: DownlinkHost,
    private readonly book: Settings,
    private readonly clock: Clock,
    counters: Counters,
    private readonly log: Log,
    private readonly options: DownlinkOptions,
    private readonly outgoing: Outgoing,
    /** Known from an earlier life. */
    acknowledges: Acknowledges,
  ) {
    this.acknowledges = acknowledges;
    for (const setting of book.all()) if (setting.waiting) this.#queue.add(setting);
    this.#outcomes = new SettingOutcomes(host, book, this.#queue, clock, counters, log);
    this.#journal = new CommandJournal({
      saved: (then) => host.saved(then),
      changed: (command) => {
        this.host.changed(command);
        this.#pump();
      },
    });
    this.#flights = new FlightControl(
      {
        write: (packet) => host.write(packet),
        jittered: (ms) => host.jittered(ms),
        congested: () => host.congested(),
        retransmitted: (flight) => this.#retransmitted(flight),
        unanswered: (flight) => this.#ended(flight),
      },
      clock,
      counters,
      options.ackTimeoutMs,
    );
    this.#silence = new Silence(
      {
        probe: () => this.#probe(),
        ask: () => {
          if (this.acknowledges === 'yes' && this.#flights.flight === undefined) this.syncTime();
        },
      },
      clock,
    );
  }

  /** Monotonic ms of the last packet heard since the opening. */
  get heardMs(): number | undefined {
    return this.#silence.heardMs;
  }

  get life(): Life {
    return { heardMs: this.#silence.heardMs, silent: this.#silence.silent };
  }

  pending(): Setting[] {
    return [...this.#queue.all()];
  }

  get pendingCount(): number {
    return this.#queue.size;
  }

  opened(): void {
    this.#open = true;
    this.#silence.opened();
    this.#flights.forgetPace();
    this.#endTransmittedCommands('the port was opened again');
    this.#queue.takeBackAll();
    this.#timeDue = true;
    this.#pump();
  }

  closed(): void {
    this.#open = false;
    this.#silence.closed();
    this.#flights.drop();
    this.#pumpTimer?.cancel();
    this.#pumpTimer = undefined;
  }

  /** A packet with a valid CRC has come (an ack: after {@link ack}). Hot: called for each one. */
  heard(): void {
    this.#silence.heard();
  }

  /**
   * What {@link heard} announced has been dealt with: if it was the first sign
   * of life after a silence, all that waited goes out, a probe under way first.
   */
  awake(): void {
    if (!this.#silence.silent) return;
    const now = this.clock.monotonicMs();
    this.#silence.end();
    // It may have been away for long, unless this is its answer to the probe.
    if (now - this.#timeAckedMs > JUST_NOW_MS) this.#timeDue = true;
    this.#queue.takeBack();
    this.#pump();
  }

  /** It has acknowledged something that was sent past this downlink: a probe for its codec. */
  answered(): void {
    if (this.acknowledges !== 'yes') this.#learn('yes');
  }

  /** The codec is known now, or has changed. */
  codecKnown(): void {
    // What is under way in the other codec is not understood, and what was too
    // large or unanswered in it may fare better now. Neither was the time.
    this.#flights.drop();
    this.#queue.takeBackAll();
    this.#timeDue = true;
    this.#pump();
  }

  /** The device is to have the time (again). */
  syncTime(): void {
    this.#timeDue = true;
    this.#pump();
  }

  /** A setting has been taken into the book. */
  add(setting: Setting, replaced: Setting | undefined): void {
    // The one before it is in flight: the others are sent first.
    if (replaced !== undefined && this.#flights.carries(replaced)) this.#queue.addLast(setting);
    else this.#queue.add(setting);
    this.#pump();
  }

  /** The device itself has confirmed or replaced a setting by a report. */
  settled(setting: Setting): void {
    this.#queue.delete(setting);
    const { flight } = this.#flights;
    // Its ack is still under way: the next packet waits for it.
    if (flight !== undefined && this.#flights.carries(setting)) flight.settled = true;
  }

  /** The device has restarted: called at once, {@link resync} when all may be sent again. */
  restartNoticed(): void {
    this.#endTransmittedCommands('the device restarted');
    // What it had not acknowledged is forgotten there, and is sent as a new packet.
    this.#flights.forget();
  }

  /** Goes on after a restart whose resync has to wait. */
  resume(): void {
    this.#pump();
  }

  resync(): void {
    for (const setting of this.book.all()) {
      if (setting.inForce && !setting.command && this.options.restore) {
        setting.restoring = true;
        setting.sent = false;
        this.#queue.add(setting);
      }
      setting.asidePauseMs = 0;
    }
    this.#timeDue = true;
    this.#silence.end();
    this.#pump();
  }

  /** Whether anything that a resync sends is still on its way for the first time. */
  get restoring(): boolean {
    return this.#queue.restoring;
  }

  /** `undefined`: it acknowledges nothing that was sent, or what was acknowledged before. */
  ack(sequence: number): AckEffect | undefined {
    const acked = this.#flights.ack(sequence);
    if (acked === undefined) return undefined;
    const acknowledged = this.acknowledges;
    if (acknowledged !== 'yes') this.#learn('yes');
    const { sent, answered, repeated } = acked;
    let confirmation: Confirmation | undefined;
    if (sent.kind === 'setting') {
      confirmation = this.#outcomes.confirmed(sent.setting);
    } else {
      this.#timeAckedMs = this.clock.monotonicMs();
      // What it acknowledged is as old as the first transmission.
      // Once more only: a device slower than the timeout would get nothing else.
      this.#timeRepeated = repeated && !this.#timeRepeated;
      if (this.#timeRepeated) this.#timeDue = true;
    }
    if (answered) this.#pump();
    return { confirmation, acknowledged };
  }

  /** Acks that were no acks of the device, and signs of life that were none: echoes of ours. */
  takeBack({ acks, life, acknowledges }: Mistaken): void {
    if (life !== undefined) this.#silence.takeBack(life);
    this.#flights.forgetPace();
    const [first] = acks;
    if (first === undefined) return;
    if (!acknowledges) this.acknowledges = first.acknowledged;
    for (const { confirmation } of acks) {
      if (confirmation === undefined) this.#timeDue = true;
      else this.#outcomes.takenBack(confirmation);
    }
    this.#pump();
  }

  /** The state of before now is safe: commands that wait for that are tried again. */
  stateKept(): void {
    this.#journal.stateKept();
  }

  /** Its packet has been sent, and is not acknowledged yet. */
  awaitsAck(setting: Setting): boolean {
    return this.#flights.carries(setting);
  }

  /** Why a setting is still on its way, for people. */
  reason(setting: Setting): string {
    if (setting.problem !== undefined) return setting.problem;
    if (!this.#open) return 'the port is not open';
    if (this.host.codec() === undefined) {
      return 'nothing heard from the device yet that tells its codec (protocol: auto)';
    }
    const { flight } = this.#flights;
    if (flight !== undefined && this.#flights.carries(setting)) {
      return `sent, waiting for the acknowledgement (transmission ${String(flight.attempt)} of ${String(flight.limit)})`;
    }
    if (this.#silence.silent) {
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

  #pump(): void {
    if (!this.#open || this.#flights.flight !== undefined) return;
    if (this.#silence.silent) return;
    const codec = this.host.codec();
    if (codec === undefined) return;
    const now = this.clock.monotonicMs();
    if (now < this.#gapUntilMs) {
      this.#wakeAt(this.#gapUntilMs);
      return;
    }
    if (this.host.congested()) {
      this.#wakeAt(now + CONGESTED_LOOK_MS);
      return;
    }
    if (this.#timeDue) {
      this.#sendTime(codec, 1 + this.options.retries);
      return;
    }
    if (now < this.#journal.patientUntilMs) {
      this.#wakeAt(this.#journal.patientUntilMs);
      return;
    }
    const next = this.#queue.next(now);
    switch (next?.kind) {
      case undefined:
        return;
      case 'send':
        if (this.#journal.isDue(next.setting)) {
          this.#journal.note(next.setting, now);
          this.#pump();
        } else this.#sendSetting(next.setting, codec, 1 + this.options.retries);
        return;
      case 'retry':
        this.#sendSetting(next.setting, codec, 1);
        return;
      case 'wait':
        this.#wakeAt(next.untilMs);
    }
  }

  #wakeAt(ms: number): void {
    this.#pumpTimer?.cancel();
    this.#pumpTimer = this.clock.setTimer(Math.max(0, ms - this.clock.monotonicMs()), () =>
      this.#pump(),
    );
  }

  #sendTime(codec: PayloadCodec, limit: number): void {
    this.#timeDue = false;
    const packet = this.outgoing.timeSync(this.clock.wallNs(), codec);
    this.#transmit({ kind: 'time' }, packet, limit);
  }

  #sendSetting(setting: Setting, codec: PayloadCodec, limit: number): void {
    const packet = settingPacket(setting, codec, {
      outgoing: this.outgoing,
      lastValue: (type, key) => this.host.lastValue(type, key),
      valueOf: (one) => this.host.valueOf(one),
      maxFrameLength: this.options.maxFrameLength,
    });
    if (typeof packet === 'string') {
      setting.problem = packet;
      this.log.warn({ type: setting.point.type, key: setting.point.key }, packet);
      if (!setting.sent) setting.transmissions = 0;
      setting.noted = false;
      this.host.changed(setting);
      if (this.#silence.silent) this.#probeNext();
      else this.#pump();
      return;
    }
    setting.problem = undefined;
    // Of a command the first one has been noted before.
    if (!setting.noted || setting.sent) setting.transmissions += 1;
    setting.sent = true;
    setting.reportedSinceSent = false;
    this.#transmit({ kind: 'setting', setting }, packet, limit);
    this.host.changed(setting);
  }

  #transmit(what: Sent, packet: OutgoingPacket, limit: number): void {
    if (this.acknowledges === 'no') {
      this.#flights.writeOnce(what, packet);
      this.#gapUntilMs = this.clock.monotonicMs() + GAP_WITHOUT_ACKS_MS;
      if (what.kind === 'setting') this.#outcomes.unconfirmed(what.setting);
      this.#pump();
      return;
    }
    const probe = this.#silence.silent;
    this.#flights.launch(what, packet, { limit, probe, heardBefore: this.heardMs !== undefined });
  }

  #retransmitted(flight: Flight): void {
    if (flight.kind !== 'setting') return;
    flight.setting.transmissions += 1;
    flight.setting.reportedSinceSent = false;
    this.host.changed(flight.setting);
  }

  #ended(flight: Flight): void {
    if (this.#silence.silent) this.#probeNext();
    else if (flight.settled || flight.probe) this.#pump();
    else this.#unanswered(flight);
  }

  /** The last retry of a packet has found no answer. */
  #unanswered(flight: Flight): void {
    const heardSince = this.heardMs !== undefined && this.heardMs >= flight.firstMs;
    const setting = flight.kind === 'setting' ? flight.setting : undefined;
    if (setting?.command === true) this.#outcomes.endCommand(setting, 'it was not acknowledged');
    if (this.acknowledges === 'unknown' && flight.heardBefore) {
      // Its first packet had all its retries, and so had this one after it was heard.
      this.#learn('no');
      if (setting?.command === false) this.#outcomes.unconfirmed(setting);
    } else if (!heardSince) {
      // Others are sent first when it is heard again.
      if (setting !== undefined && this.#queue.has(setting)) this.#queue.addLast(setting);
      this.#silence.fall();
      this.host.silent();
      return;
    } else if (this.acknowledges === 'unknown' && setting === undefined) {
      // Its first sign of life came meanwhile: that gets the first packet again, with all retries.
      this.#timeDue = true;
    } else if (setting?.command === false && this.acknowledges === 'yes') {
      this.#outcomes.setAside(setting);
    }
    this.#pump();
  }

  /** On an open port with nobody there: the time, then each pending setting once. */
  #probe(): void {
    const codec = this.host.codec();
    // A long round goes on; the next one begins after it.
    if (this.#flights.flight !== undefined || codec === undefined) return;
    // What was written before has not gone out: more of it would come too late, all at once.
    if (this.host.congested()) return;
    this.#silence.probeWith(
      this.pending().filter((setting) => !setting.command && setting.problem === undefined),
    );
    this.#sendTime(codec, 1);
  }

  #probeNext(): void {
    const codec = this.host.codec();
    if (codec === undefined || this.host.congested()) return;
    const setting = this.#silence.nextProbe((one) => this.#queue.has(one));
    if (setting !== undefined) this.#sendSetting(setting, codec, 1);
  }

  #endTransmittedCommands(why: string): void {
    // Also one whose place a newer has taken.
    const { flight } = this.#flights;
    if (flight?.kind === 'setting' && flight.setting.command) this.#flights.drop();
    for (const setting of this.pending()) {
      if (!setting.command || !setting.sent) continue;
      this.#outcomes.endCommand(setting, why);
    }
  }

  #learn(acknowledges: 'yes' | 'no'): void {
    this.acknowledges = acknowledges;
    this.host.learned(acknowledges);
  }
}
