/**
 * Sending to a device: one unacknowledged packet at a time, retransmitted
 * unchanged, until it is acknowledged or given up (design.md, "Sending",
 * "Devices that never acknowledge").
 *
 * ```
 *                 ┌── acknowledged ──────────────► next
 *  next ─► flight ┼── unanswered, others heard ──► set aside, next
 *            ▲    └── unanswered in silence ─────► silent: a knock every 30 s
 *            └ retransmit                          until something is heard
 * ```
 */
import type { PayloadCodec } from '../packet/payload.js';
import { PayloadError } from '../packet/payload.js';
import type { Clock, Timer } from '../point/clock.js';
import type { Log } from '../point/log.js';
import { isDeleted, type Point } from '../point/point.js';
import type { Counters } from './counters.js';
import type { Outgoing, OutgoingPacket } from './outgoing.js';
import type { Setting, SettingsBook } from './settings.js';

/** Whether a device acknowledges points: SIOT's own wire does not ask it to. */
export type Acknowledges = 'unknown' | 'yes' | 'no';

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
export interface DownlinkHost {
  write(frame: Uint8Array): void;
  /** The device, or its flow control, does not take what was written before. */
  congested(): boolean;
  codec(): PayloadCodec | undefined;
  /** Last value known of a point, for a setting that deletes it. */
  lastValue(type: string, key: string): Point | undefined;
  /** The device has confirmed a setting by acknowledging it. */
  acknowledged(setting: Setting): void;
  /** A setting's state or reason has changed. */
  changed(setting: Setting): void;
  /** Nothing at all is heard any more. */
  silent(): void;
  /** Whether the device acknowledges is known anew. */
  learned(acknowledges: Acknowledges): void;
  /** Makes the present state survive a crash, then calls `then`. */
  saved(then: () => void): void;
}

type Flight = (
  { readonly kind: 'time' } | { readonly kind: 'setting'; readonly setting: Setting }
) &
  OutgoingPacket & {
    /** Transmissions allowed in all. */
    readonly limit: number;
    /** Sent while the device is silent. */
    readonly knock: boolean;
    readonly firstMs: number;
    /** The device had been heard on this opening before the first transmission. */
    readonly heardBefore: boolean;
    attempt: number;
    /** Confirmed by a report: not sent again, its ack is only waited for. */
    settled: boolean;
  };

/** What an ack with a sequence would confirm. */
type Sent = { readonly kind: 'time' } | { readonly kind: 'setting'; readonly setting: Setting };

const GAP_WITHOUT_ACKS_MS = 20;
const CONGESTED_LOOK_MS = 100;
const KNOCK_EVERY_MS = 30_000;
const SILENCE_PROBE_MS = 30_000;
const JUST_NOW_MS = 1_000;
const ASIDE_FIRST_MS = 10_000;
const ASIDE_LONGEST_MS = 600_000;

export class Downlink {
  acknowledges: Acknowledges;
  #open = false;
  #flight: Flight | undefined;
  #flightTimer: Timer | undefined;
  /** Wakes the pump: a gap between packets, or a setting that is set aside. */
  #pumpTimer: Timer | undefined;
  #gapUntilMs = 0;
  #timeDue = false;
  /** The time was acknowledged late and is sent again for that. */
  #timeRepeated = false;
  /** Settings on their way, in turns. */
  readonly #queue = new Set<Setting>();
  readonly #sent = new Map<number, Sent>();
  /** A command is being made safe before its first transmission. */
  #saving = false;

  #silent = false;
  #knockTimer: Timer | undefined;
  #knockLeft: Setting[] = [];
  #timeAckedMs = Number.NEGATIVE_INFINITY;

  #heardMs: number | undefined;
  #silenceTimer: Timer | undefined;

  constructor(
    private readonly host: DownlinkHost,
    private readonly book: SettingsBook,
    private readonly clock: Clock,
    private readonly counters: Counters,
    private readonly log: Log,
    private readonly options: DownlinkOptions,
    private readonly outgoing: Outgoing,
    /** Known from an earlier life. */
    acknowledges: Acknowledges,
  ) {
    this.acknowledges = acknowledges;
    for (const setting of book.all()) if (setting.waiting) this.#queue.add(setting);
  }

  /** Monotonic ms of the last packet heard since the opening. */
  get heardMs(): number | undefined {
    return this.#heardMs;
  }

  pending(): Setting[] {
    return [...this.#queue];
  }

  get pendingCount(): number {
    return this.#queue.size;
  }

  opened(): void {
    this.#open = true;
    this.#heardMs = undefined;
    this.#silent = false;
    this.#endTransmittedCommands('the port was opened again');
    for (const setting of this.#queue) {
      setting.asidePauseMs = 0;
      setting.problem = undefined;
    }
    this.#timeDue = true;
    this.#pump();
  }

  closed(): void {
    this.#open = false;
    this.#endSilence();
    this.#dropFlight();
    this.#pumpTimer?.cancel();
    this.#pumpTimer = undefined;
    this.#silenceTimer?.cancel();
    this.#silenceTimer = undefined;
  }

  /** A packet with a valid CRC has come (an ack: after {@link ack}). Hot: called for each one. */
  heard(): void {
    const now = this.clock.monotonicMs();
    this.#heardMs = now;
    if (this.#silenceTimer === undefined) this.#watchSilence(SILENCE_PROBE_MS);
  }

  /**
   * What {@link heard} announced has been dealt with: if it was the first sign
   * of life after a silence, all that waited goes out, a knock under way first.
   */
  awake(): void {
    if (!this.#silent) return;
    const now = this.clock.monotonicMs();
    this.#endSilence();
    // It may have been away for long, unless this is its answer to the knock.
    if (now - this.#timeAckedMs > JUST_NOW_MS) this.#timeDue = true;
    for (const setting of this.#queue) setting.asidePauseMs = 0;
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
    this.#dropFlight();
    for (const setting of this.#queue) {
      setting.problem = undefined;
      setting.asidePauseMs = 0;
    }
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
    const flight = this.#flight;
    if (replaced !== undefined && flight?.kind === 'setting' && flight.setting === replaced) {
      // The other is having its turn: this one waits for the next.
      this.#queue.delete(replaced);
      this.#queue.add(setting);
    } else if (replaced !== undefined && this.#queue.has(replaced)) {
      // It keeps the other's turn, so that no point that changes fast starves another.
      const turns = [...this.#queue];
      this.#queue.clear();
      for (const turn of turns) this.#queue.add(turn === replaced ? setting : turn);
    } else {
      this.#queue.add(setting);
    }
    this.#pump();
  }

  /** The device itself has confirmed or replaced a setting by a report. */
  settled(setting: Setting): void {
    this.#queue.delete(setting);
    const flight = this.#flight;
    // Its ack is still under way: the next packet waits for it.
    if (flight?.kind === 'setting' && flight.setting === setting) flight.settled = true;
  }

  /** The device has restarted: called at once, {@link resync} when all may be sent again. */
  restartNoticed(): void {
    this.#endTransmittedCommands('the device restarted');
    // What it had not acknowledged is forgotten there, and is sent as a new packet.
    this.#dropFlight();
    this.#sent.clear();
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
    this.#endSilence();
    this.#pump();
  }

  /** Whether anything that a resync sends is still on its way for the first time. */
  get restoring(): boolean {
    for (const setting of this.#queue) {
      if (setting.restoring && setting.asidePauseMs === 0 && setting.problem === undefined) {
        return true;
      }
    }
    return false;
  }

  ack(sequence: number): void {
    const sent = this.#sent.get(sequence);
    if (sent === undefined) return;
    this.#sent.delete(sequence);
    if (this.acknowledges !== 'yes') this.#learn('yes');
    const flight = this.#flight;
    if (sent.kind === 'time') {
      this.#timeAckedMs = this.clock.monotonicMs();
      // What it acknowledged is as old as the first transmission.
      // Once more only: a device slower than the timeout would get nothing else.
      this.#timeRepeated =
        flight?.sequence === sequence && flight.attempt > 1 && !this.#timeRepeated;
      if (this.#timeRepeated) this.#timeDue = true;
    }
    const answered =
      flight?.sequence === sequence ||
      (flight?.kind === 'setting' && sent.kind === 'setting' && flight.setting === sent.setting);
    if (answered) this.#dropFlight();
    if (sent.kind === 'setting') this.#confirmed(sent.setting);
    if (answered) this.#pump();
  }

  /** Why a setting is still on its way, for people. */
  reason(setting: Setting): string {
    if (setting.problem !== undefined) return setting.problem;
    if (!this.#open) return 'the port is not open';
    if (this.host.codec() === undefined) {
      return 'nothing heard from the device yet that tells its codec (protocol: auto)';
    }
    const flight = this.#flight;
    if (flight?.kind === 'setting' && flight.setting === setting) {
      return `sent, waiting for the acknowledgement (transmission ${String(flight.attempt)} of ${String(flight.limit)})`;
    }
    if (this.#silent) {
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
    if (!this.#open || this.#saving || this.#flight !== undefined || this.#silent) return;
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
    let wake = Number.POSITIVE_INFINITY;
    let tried: Setting | undefined;
    for (const setting of this.#queue) {
      if (setting.problem !== undefined) continue;
      if (setting.asidePauseMs === 0) {
        this.#sendSetting(setting, codec, 1 + this.options.retries);
        return;
      }
      if (setting.asideUntilMs <= now) tried ??= setting;
      else wake = Math.min(wake, setting.asideUntilMs);
    }
    if (tried !== undefined) this.#sendSetting(tried, codec, 1);
    else if (wake < Number.POSITIVE_INFINITY) this.#wakeAt(wake);
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
    if (setting.command && !setting.sent) {
      // Known as sent before it is: after a crash it must not be sent again.
      setting.transmissions = 1;
      this.#saving = true;
      this.host.saved(() => {
        this.#saving = false;
        const stillDue = this.#open && !this.#silent && this.#queue.has(setting);
        if (stillDue) this.#transmitSetting(setting, codec, limit);
        else this.#pump();
      });
      return;
    }
    setting.transmissions += 1;
    this.#transmitSetting(setting, codec, limit);
  }

  #transmitSetting(setting: Setting, codec: PayloadCodec, limit: number): void {
    const packet = this.#encode(setting, codec);
    if (packet === undefined) {
      if (!setting.sent) setting.transmissions = 0;
      this.host.changed(setting);
      if (this.#silent) this.#knockNext();
      else this.#pump();
      return;
    }
    setting.sent = true;
    setting.reportedSinceSent = false;
    this.#transmit({ kind: 'setting', setting }, packet, limit);
    this.host.changed(setting);
  }

  /** `undefined`: it cannot be sent; it stays pending and says why. */
  #encode(setting: Setting, codec: PayloadCodec): OutgoingPacket | undefined {
    const { point } = setting;
    const last = isDeleted(point) ? this.host.lastValue(point.type, point.key) : undefined;
    const outgoing: Point = {
      ...point,
      key: setting.spelling ?? point.key,
      // Firmware that ignores the tombstone must not read a zero.
      value: last?.value ?? point.value,
      origin: '',
    };
    try {
      const packet = this.outgoing.point(outgoing, codec);
      if (packet.frame.length <= this.options.maxFrameLength) {
        setting.problem = undefined;
        return packet;
      }
      setting.problem =
        `too large for the device: ${String(packet.frame.length)} bytes as a frame, ` +
        `maxFrameLength is ${String(this.options.maxFrameLength)}`;
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      setting.problem = `cannot be encoded for the device: ${error.message}`;
    }
    this.log.warn({ type: point.type, key: point.key }, setting.problem);
    return undefined;
  }

  #transmit(what: Sent, packet: OutgoingPacket, limit: number): void {
    this.#sent.set(packet.sequence, what);
    this.counters.tx += 1;
    this.host.write(packet.frame);
    if (this.acknowledges === 'no') {
      this.#gapUntilMs = this.clock.monotonicMs() + GAP_WITHOUT_ACKS_MS;
      if (what.kind === 'setting') this.#unconfirmed(what.setting);
      this.#pump();
      return;
    }
    this.#flight = {
      ...what,
      ...packet,
      limit,
      knock: this.#silent,
      firstMs: this.clock.monotonicMs(),
      heardBefore: this.#heardMs !== undefined,
      attempt: 1,
      settled: false,
    };
    this.#awaitAck();
  }

  #awaitAck(): void {
    this.#flightTimer?.cancel();
    this.#flightTimer = this.clock.setTimer(this.options.ackTimeoutMs, () => this.#ackTimeout());
  }

  #ackTimeout(): void {
    const flight = this.#flight;
    if (flight === undefined) return;
    if (!flight.settled && flight.attempt < flight.limit) {
      flight.attempt += 1;
      this.counters.notice('retransmission');
      if (flight.kind === 'setting') {
        flight.setting.transmissions += 1;
        flight.setting.reportedSinceSent = false;
      }
      if (!this.host.congested()) {
        this.counters.tx += 1;
        this.host.write(flight.frame);
      }
      this.#awaitAck();
      if (flight.kind === 'setting') this.host.changed(flight.setting);
      return;
    }
    this.#dropFlight();
    if (this.#silent) this.#knockNext();
    else if (flight.settled || flight.knock) this.#pump();
    else this.#unanswered(flight);
  }

  /** The last retry of a packet has found no answer. */
  #unanswered(flight: Flight): void {
    const heardSince = this.#heardMs !== undefined && this.#heardMs >= flight.firstMs;
    const setting = flight.kind === 'setting' ? flight.setting : undefined;
    if (setting?.command === true) this.#endCommand(setting, 'it was not acknowledged');
    if (this.acknowledges === 'unknown' && flight.heardBefore) {
      // Its first packet had all its retries, and so had this one after it was heard.
      this.#learn('no');
      if (setting?.command === false) this.#unconfirmed(setting);
    } else if (!heardSince) {
      // Others have their turn first when it is heard again.
      if (setting !== undefined && this.#queue.delete(setting)) this.#queue.add(setting);
      this.#fallSilent();
      return;
    } else if (this.acknowledges === 'unknown' && setting === undefined) {
      // Its first sign of life came meanwhile: that gets the first packet again, with all retries.
      this.#timeDue = true;
    } else if (setting?.command === false && this.acknowledges === 'yes') {
      this.#setAside(setting);
    }
    this.#pump();
  }

  #setAside(setting: Setting): void {
    if (!this.#queue.has(setting)) return;
    setting.asidePauseMs =
      setting.asidePauseMs === 0
        ? ASIDE_FIRST_MS
        : Math.min(setting.asidePauseMs * 2, ASIDE_LONGEST_MS);
    setting.asideUntilMs = this.clock.monotonicMs() + setting.asidePauseMs;
    // Behind all others.
    this.#queue.delete(setting);
    this.#queue.add(setting);
    this.log.warn(
      { type: setting.point.type, key: setting.point.key, pauseMs: setting.asidePauseMs },
      'setting is not acknowledged though the device is heard; set aside',
    );
    this.host.changed(setting);
  }

  #fallSilent(): void {
    this.#silent = true;
    this.host.silent();
    this.#knockTimer?.cancel();
    this.#knockTimer = this.clock.setTimer(KNOCK_EVERY_MS, () => this.#knock());
  }

  #endSilence(): void {
    this.#silent = false;
    this.#knockTimer?.cancel();
    this.#knockLeft = [];
  }

  /** On an open port with nobody there: the time, then each pending setting once. */
  #knock(): void {
    const codec = this.host.codec();
    this.#knockTimer = this.clock.setTimer(KNOCK_EVERY_MS, () => this.#knock());
    // A long round goes on; the next one begins after it.
    if (this.#flight !== undefined || codec === undefined) return;
    this.#knockLeft = [...this.#queue].filter(
      (setting) => !setting.command && setting.problem === undefined,
    );
    this.#sendTime(codec, 1);
  }

  #knockNext(): void {
    const codec = this.host.codec();
    for (;;) {
      const setting = this.#knockLeft.shift();
      if (setting === undefined || codec === undefined) return;
      if (!this.#queue.has(setting)) continue;
      this.#sendSetting(setting, codec, 1);
      return;
    }
  }

  /** One timer that looks again, instead of one that is set anew for each packet. */
  #watchSilence(ms: number): void {
    this.#silenceTimer = this.clock.setTimer(ms, () => {
      this.#silenceTimer = undefined;
      if (!this.#open || this.#silent || this.#heardMs === undefined) return;
      const quietMs = this.clock.monotonicMs() - this.#heardMs;
      if (quietMs < SILENCE_PROBE_MS) {
        this.#watchSilence(SILENCE_PROBE_MS - quietMs);
        return;
      }
      if (this.acknowledges === 'yes' && this.#flight === undefined) this.syncTime();
      this.#watchSilence(SILENCE_PROBE_MS);
    });
  }

  #confirmed(setting: Setting): void {
    // Its place may have been taken meanwhile: then this ack does not count for the newer.
    const late = setting.state === 'unconfirmed';
    if (!this.book.isCurrent(setting) || !(setting.waiting || late)) return;
    this.#queue.delete(setting);
    setting.confirm(this.clock.wallNs());
    this.host.acknowledged(setting);
    this.host.changed(setting);
  }

  #unconfirmed(setting: Setting): void {
    this.#queue.delete(setting);
    setting.restoring = false;
    setting.state = setting.command ? 'ended' : 'unconfirmed';
    this.counters.notice('unconfirmed');
    this.host.changed(setting);
  }

  #endCommand(setting: Setting, why: string): void {
    if (!this.#queue.delete(setting)) return;
    setting.state = 'ended';
    setting.confirmedNs = undefined;
    this.counters.notice('unconfirmed');
    this.log.warn(
      { type: setting.point.type, key: setting.point.key },
      `command is unconfirmed: ${why}; it is not sent again`,
    );
    this.host.changed(setting);
  }

  #endTransmittedCommands(why: string): void {
    // Also one whose place a newer has taken.
    if (this.#flight?.kind === 'setting' && this.#flight.setting.command) this.#dropFlight();
    for (const setting of [...this.#queue]) {
      if (!setting.command || !setting.sent) continue;
      this.#endCommand(setting, why);
    }
  }

  #dropFlight(): void {
    this.#flightTimer?.cancel();
    this.#flightTimer = undefined;
    this.#flight = undefined;
  }

  #learn(acknowledges: 'yes' | 'no'): void {
    this.acknowledges = acknowledges;
    this.host.learned(acknowledges);
  }
}
