/**
 * The settings of a device with a shell that wait or were sent: which is sent when
 * (docs/contract.md, "Shell"). Each has its own retransmissions: the device
 * acknowledges by its reports, which name their point.
 */
import { cutOff, setCommand } from '../../packet/shell/command.js';
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { isDeleted, type PointValue } from '../../point/point.js';
import type { PendingSettings } from '../device-session.js';
import type { Counters } from '../node/counters.js';
import type { Acknowledges } from '../node/presence.js';
import { RetransmitTimer } from '../sending/retransmit-timer.js';
import { CommandJournal, type CommandJournalHost } from '../settings/command-journal.js';
import {
  SettingOutcomes,
  type SettingOutcomesHost,
  type WaitingSettings,
} from '../settings/outcomes.js';
import type { SettingPublisher } from '../settings/publisher.js';
import { SettingQueue } from '../settings/queue.js';
import { progressOf } from '../settings/reason.js';
import type { Setting } from '../settings/setting.js';
import type { Settings } from '../settings/settings.js';
import type { SettingEvent } from '../settings/transitions.js';
import { whyUnreported } from './reason.js';
import type { LineSource } from './writer.js';

/** Transmissions of a setting; of a command one. */
const TRANSMISSIONS = 4;

/** What the configuration says of settings. */
export interface ShellSettingsOptions {
  /** Time for the device to report a setting before it is sent again, ms. */
  readonly ackTimeoutMs: number;
  /** Whether settings in force are sent again after a restart of the device. */
  readonly restore: boolean;
}

/** What the client needs of its session. */
export interface ShellClientHost extends SettingOutcomesHost, CommandJournalHost {
  readonly isOpen: boolean;
  /** The device talks. */
  readonly isHeard: boolean;
  /** Monotonic ms of what was heard last. */
  readonly heardMs: number | undefined;
  /** Settings may be sent: it is this device, and it has been told all that comes first. */
  readonly maySend: boolean;
  /** What a setting says, as it goes to the device. */
  asDeviceSays(setting: Setting): PointValue;
  /** By which its point is scaled now. */
  scaleOf(setting: Setting): number;
  /** A line may be written. */
  pump(): void;
  settingAcknowledged(): void;
}

/** A setting that was sent, and not reported yet. */
interface Flight {
  attempt: number;
  readonly limit: number;
  /** Monotonic ms of the first transmission. */
  readonly firstMs: number;
  /** The device's pace then, ms. */
  readonly paceMs: number;
  /** When it is sent again, or given up, monotonic ms. */
  dueMs: number;
}

/** The settings on their way to one console. */
export class ShellSettingsClient implements PendingSettings, WaitingSettings, LineSource {
  readonly outcomes: SettingOutcomes;
  acknowledges: Acknowledges = 'unknown';
  readonly #queue = new SettingQueue();
  readonly #journal: CommandJournal;
  readonly #flights = new Map<Setting, Flight>();
  /** Not reported while the device was silent: they wait until it is heard. */
  readonly #silent = new Set<Setting>();
  /** Of these, those that are to be sent once, to see whether the device hears them. */
  readonly #probes = new Set<Setting>();
  readonly #timer: RetransmitTimer;

  constructor(
    private readonly host: ShellClientHost,
    private readonly settings: Settings,
    publisher: SettingPublisher,
    private readonly clock: Clock,
    private readonly counters: Counters,
    private readonly log: Log,
    private readonly options: ShellSettingsOptions,
    acknowledges: Acknowledges,
  ) {
    this.acknowledges = acknowledges;
    for (const setting of settings.all()) if (setting.waiting) this.#queue.add(setting);
    this.#timer = new RetransmitTimer(options.ackTimeoutMs);
    this.outcomes = new SettingOutcomes(this, host, publisher, counters, clock, log);
    this.#journal = new CommandJournal(host, host, this.outcomes);
  }

  /** From a command to the report of its point, smoothed, ms; `undefined`: not measured since the opening. */
  get roundTripMs(): number | undefined {
    return this.#timer.roundTripMs;
  }

  /** Whether anything that is sent after a restart is still on its way for the first time. */
  get restoring(): boolean {
    return this.#queue.restoring;
  }

  // What it has to do.

  /** A setting has been taken. */
  add(setting: Setting, replaced: Setting | undefined): void {
    if (replaced !== undefined) this.#forget(replaced);
    this.#queue.add(setting);
    this.host.pump();
  }

  enqueue(setting: Setting): void {
    this.#queue.add(setting);
  }

  dequeue(setting: Setting): void {
    this.#queue.delete(setting);
    this.#forget(setting);
  }

  postpone(setting: Setting): void {
    if (this.#queue.has(setting)) this.#queue.addLast(setting);
  }

  opened(): void {
    this.#timer.reset();
    this.rescale();
    this.outcomes.opened(this.settings.all());
    this.#sendAnew('opened');
  }

  closed(): void {
    this.outcomes.closed();
    this.#forgetAll();
  }

  /** Something was not reported while the device was silent. */
  get waitsToBeHeard(): boolean {
    return this.#silent.size > 0;
  }

  /** The device has been silent, and is heard. */
  awake(): void {
    for (const [setting, { limit }] of this.#flights) {
      if (limit === 1 && !setting.command) this.#flights.delete(setting);
    }
    this.#sendAnew('awake');
    this.host.pump();
  }

  /** Commands that were sent may have acted; what else was, is sent again by {@link resync}. */
  restarted(): void {
    this.#all(this.pending(), { type: 'restarted' });
  }

  /** The device is to have all again. */
  resync(): void {
    this.#forgetAll();
    this.#all(this.settings.all(), { type: 'resync', restore: this.options.restore });
  }

  /** The device is silent: what waits is sent once, without commands. */
  probe(): void {
    for (const setting of this.#silent) this.#probes.add(setting);
    this.#silent.clear();
    this.host.pump();
  }

  /** As `SettingsClient.rescale`. */
  rescale(): void {
    for (const setting of this.settings.all()) {
      if (setting.command || setting.sentScale === this.host.scaleOf(setting)) continue;
      this.#forget(setting);
      this.outcomes.on(setting, { type: 'resync', restore: true });
    }
    this.host.pump();
  }

  /** The state of before now is safe: commands that wait for that are tried again. */
  stateKept(): void {
    const waiting = this.pending().filter(({ life }) => life.name === 'unnoted');
    if (waiting.length === 0) return;
    this.#all(waiting, { type: 'stateSaved' });
    this.host.pump();
  }

  /** The device is going to be known to have a setting, by its report. */
  answered(setting: Setting): void {
    const flight = this.#flights.get(setting);
    if (flight === undefined) return;
    if (flight.attempt === 1) this.#timer.measured(this.clock.monotonicMs() - flight.firstMs);
    this.acknowledges = 'yes';
    this.host.settingAcknowledged();
  }

  // Lines to write.

  next(nowMs: number): string | { readonly untilMs: number } | undefined {
    if (!this.host.maySend) return undefined;
    const { holdUntilMs } = this.#journal;
    if (nowMs < holdUntilMs) return { untilMs: holdUntilMs };
    let untilMs = Number.POSITIVE_INFINITY;
    for (const setting of this.pending()) {
      const dueMs = this.#dueMs(setting, nowMs);
      if (dueMs > nowMs) {
        untilMs = Math.min(untilMs, dueMs);
        continue;
      }
      if (this.#journal.isDue(setting)) {
        this.#journal.note(setting, nowMs);
        return { untilMs: this.#journal.holdUntilMs };
      }
      const flight = this.#flights.get(setting);
      if (flight !== undefined && flight.attempt >= flight.limit) {
        this.#unanswered(setting, flight, nowMs);
        // What follows from that may be due at once.
        return { untilMs: nowMs };
      }
      const line = this.#lineOf(setting);
      if (line === undefined) continue;
      this.#transmit(setting, flight, nowMs);
      return line;
    }
    return untilMs < Number.POSITIVE_INFINITY ? { untilMs } : undefined;
  }

  /** When something is to be done about a setting, monotonic ms. */
  #dueMs(setting: Setting, nowMs: number): number {
    const { life } = setting;
    switch (life.name) {
      case 'setAside': {
        const { dueMs } = this.#flights.get(setting) ?? {};
        return dueMs ?? (this.#silent.has(setting) ? Number.POSITIVE_INFINITY : life.untilMs);
      }
      case 'pending':
      case 'noted':
      case 'sent': {
        const flight = this.#flights.get(setting);
        if (flight !== undefined) return flight.dueMs;
        // A silent device may act on each command that it hears.
        const waits = setting.command ? !this.host.isHeard : this.#silent.has(setting);
        return waits ? Number.POSITIVE_INFINITY : nowMs;
      }
      default:
        return Number.POSITIVE_INFINITY;
    }
  }

  #lineOf(setting: Setting): string | undefined {
    const { point } = setting;
    const value = this.host.asDeviceSays(setting);
    const command = setCommand(point, value);
    if (command.whyNot !== undefined) {
      this.log.warn({ type: point.type, key: point.key }, command.whyNot);
      this.outcomes.on(setting, { type: 'unsendable', why: command.whyNot });
      return undefined;
    }
    const cut = cutOff(point, value);
    if (cut !== undefined && !this.#flights.has(setting)) {
      this.log.warn({ type: point.type, key: point.key }, cut);
    }
    return command.line;
  }

  #transmit(setting: Setting, known: Flight | undefined, nowMs: number): void {
    const flight = known ?? this.#begin(setting, nowMs);
    flight.attempt += 1;
    const { attempt, limit, firstMs, paceMs } = flight;
    // A command has the time of all transmissions of another one.
    const waitMs = setting.command
      ? TRANSMISSIONS * this.options.ackTimeoutMs
      : this.#timer.waitMs(attempt, limit, paceMs, nowMs - firstMs);
    flight.dueMs = nowMs + waitMs;
    this.counters.sentPoints += 1;
    if (attempt > 1) this.counters.notice('retransmission');
    setting.sentScale = this.host.scaleOf(setting);
    this.outcomes.on(setting, { type: 'transmitted' });
  }

  #begin(setting: Setting, nowMs: number): Flight {
    const { timeoutMs: paceMs } = this.#timer;
    const isProbe = this.#probes.delete(setting);
    const isOnce = isProbe || setting.command || setting.life.name === 'setAside';
    const limit = isOnce ? 1 : TRANSMISSIONS;
    const flight = { attempt: 0, limit, firstMs: nowMs, paceMs, dueMs: nowMs };
    this.#flights.set(setting, flight);
    return flight;
  }

  #unanswered(setting: Setting, flight: Flight, nowMs: number): void {
    this.#flights.delete(setting);
    this.#timer.missed();
    const { heardMs } = this.host;
    const isIgnored = heardMs !== undefined && heardMs >= flight.firstMs;
    if (!isIgnored) this.#silent.add(setting);
    this.outcomes.on(setting, {
      type: 'unanswered',
      why: isIgnored ? 'ignored' : 'silence',
      nowMs,
    });
  }

  #forget(setting: Setting): void {
    this.#flights.delete(setting);
    this.#silent.delete(setting);
    this.#probes.delete(setting);
  }

  #forgetAll(): void {
    this.#flights.clear();
    this.#silent.clear();
    this.#probes.clear();
  }

  #sendAnew(type: 'opened' | 'awake'): void {
    this.#silent.clear();
    this.#probes.clear();
    this.#all(this.pending(), { type });
  }

  #all(settings: Iterable<Setting>, event: SettingEvent): void {
    for (const setting of settings) this.outcomes.on(setting, event);
  }

  // What people see.

  pending(): Setting[] {
    return [...this.#queue.all()];
  }

  get pendingCount(): number {
    return this.#queue.size;
  }

  awaitsAck(setting: Setting): boolean {
    return this.#flights.has(setting);
  }

  reason(setting: Setting): string {
    const { isOpen, isHeard } = this.host;
    const isInFlight = this.#flights.has(setting);
    const cut = isDeleted(setting.point)
      ? undefined
      : cutOff(setting.point, this.host.asDeviceSays(setting));
    return whyUnreported(setting, { isOpen, isHeard, isInFlight, cut });
  }

  progress(setting: Setting): string | undefined {
    if (!this.host.isOpen) return undefined;
    const flight = this.#flights.get(setting);
    return progressOf(setting, flight, !this.host.isHeard, this.clock.monotonicMs());
  }
}
