/**
 * One link's session with a device whose line is the console of Zephyr's shell, over all
 * openings of the channel (docs/contract.md, "Shell"; docs/siot.md, 3).
 *
 * ```
 *  bytes ─► lines ─┬─ pt … ──► filter ─► points ─► outbox
 *                  │              └────► reconciler ─┐
 *                  ├─ [time] <inf> … ─► device log   │
 *                  └─ banner ─► resync               ▼
 *  bytes ◄─ lines ◄─ writer ◄─ handshake, then ◄─ settings ◄── set in SIOT
 * ```
 */
import type { FrameDiscard } from '../../framing/framing.js';
import { LineDeframer, type LineSink } from '../../framing/text-lines.js';
import { DUMP, HANDSHAKE } from '../../packet/shell/command.js';
import { readLine } from '../../packet/shell/line.js';
import { isMended, readText } from '../../packet/text.js';
import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { Point } from '../../point/point.js';
import type {
  DeviceSession,
  DeviceSessionHost,
  DeviceSessionRecord,
  SessionChannel,
  SessionInput,
} from '../device-session.js';
import type { NodeState } from '../node-state.js';
import type { HeardDevice } from '../node/presence.js';
import { RecentTraffic } from '../node/recent-traffic.js';
import type { Arrival } from '../receiving/device-time.js';
import { ReportRound } from '../receiving/report-round.js';
import { RestartDetector, type RestartSign } from '../receiving/restart.js';
import { ResyncLimiter, type ResyncHost } from '../receiving/resync-limiter.js';
import type { ShellSettingsClient, ShellSettingsOptions } from './client.js';
import { Handshake, type HandshakeHost } from './handshake.js';
import { ShellReports } from './reports.js';
import { ShellSettings, type ShellServices } from './settings.js';
import { LineWriter } from './writer.js';

/** What the configuration says of a console. */
export interface ShellSessionOptions extends ShellSettingsOptions {
  /** Longest line of the device, bytes. */
  readonly maxLineLength: number;
  /** Time of a byte on the line, ms; 0: not known. */
  readonly byteMs: number;
  /** Silence after which the device counts as gone, ms. */
  readonly silenceTimeoutMs: number;
}

/** A device that is not heard is sent the handshake again at this interval, ms, and one that reports nothing a line. */
const PROBE_EVERY_MS = 30_000;
/** With a short `silenceTimeoutMs` the interval is half of that, but not below this, ms. */
const PROBE_SOONEST_MS = 1_000;
/** A device that has restarted listens after this time, ms, or when it prints its prompt. */
const BOOT_MS = 500;
/** Banners within this time, ms, and before the first prompt, are of one start: a boot loader has its own. */
const ONE_START_MS = 5_000;

const NO_SIOT = /^siot: command not found/;
const NO_SIOT_ADVICE =
  'the device’s shell does not know the command siot, so it reports nothing by itself: ' +
  'its firmware needs the point shell of SIOT';

/** The device session of one console. */
export class ShellSession
  implements
    DeviceSession,
    SessionInput<Uint8Array>,
    LineSink,
    HeardDevice,
    ResyncHost,
    HandshakeHost,
    ShellServices
{
  readonly codecName = 'shell';
  /** Lines of ours that come back are left out, whoever returns them. */
  readonly echoes = false;
  readonly diagnosis = undefined;
  /** Of its presence: nothing answers a probe for sure. */
  readonly acknowledges = 'no';
  readonly settings: ShellSettings;
  readonly downlink: ShellSettingsClient;
  readonly round: ReportRound;
  readonly #deframer: LineDeframer;
  readonly #writer: LineWriter;
  readonly #reports: ShellReports;
  readonly #restarts: RestartDetector;
  readonly #resync: ResyncLimiter;
  readonly #handshake: Handshake;
  /** Lines. */
  readonly #recent: RecentTraffic;
  readonly #probeMs: number;
  #probeTimer: Timer | undefined;
  heardMs: number | undefined;
  #arrival: Arrival | undefined;
  /** Points in the chunk that is being read. */
  #points = 0;
  #open = false;
  #held = false;
  /** The device has said that it does not know the command `siot`. */
  lacksSiot = false;
  /** Of the first banner since the last prompt, monotonic ms. */
  #bannerMs: number | undefined;

  constructor(
    readonly host: DeviceSessionHost,
    channel: SessionChannel<Uint8Array>,
    options: ShellSessionOptions,
    readonly state: NodeState,
    readonly clock: Clock,
    private readonly log: Log,
    record: DeviceSessionRecord,
  ) {
    const { counters } = state;
    this.#deframer = new LineDeframer(this, options.maxLineLength);
    this.#restarts = new RestartDetector(clock, record.last ?? {});
    this.#resync = new ResyncLimiter(this, clock, record.resyncDue === true);
    this.#handshake = new Handshake(this, clock);
    this.round = new ReportRound(clock);
    // No shell counts as one that never acknowledges: what is not reported stays pending.
    const acknowledges = record.acknowledges === 'yes' ? 'yes' : 'unknown';
    this.settings = new ShellSettings(this, options, log, acknowledges);
    this.downlink = this.settings.client;
    this.#reports = new ShellReports(state, host, this.settings);
    this.#recent = new RecentTraffic(clock);
    this.#writer = new LineWriter(
      this.downlink,
      channel,
      clock,
      counters,
      this.#recent,
      options.byteMs,
    );
    this.#probeMs = Math.max(
      PROBE_SOONEST_MS,
      Math.min(PROBE_EVERY_MS, options.silenceTimeoutMs / 2),
    );
  }

  // A device session.

  get advice(): string | undefined {
    return this.lacksSiot ? NO_SIOT_ADVICE : undefined;
  }

  get roundTripMs(): number | undefined {
    return this.downlink.roundTripMs;
  }

  recordWithoutSettings(): Omit<DeviceSessionRecord, 'settings'> {
    return {
      acknowledges: this.downlink.acknowledges,
      last: this.#restarts.lastKnown,
      ...(this.#resync.due ? { resyncDue: true } : {}),
    };
  }

  opened(): void {
    this.#open = true;
    this.#deframer.reset();
    this.#reports.reset();
    this.#writer.opened();
    this.lacksSiot = false;
    this.#bannerMs = undefined;
    // A restart that was not served yet is served with the same handshake.
    const isServed = this.#resync.due;
    this.#resync.opened();
    if (!isServed) this.#handshake.begin();
    // Not before: its settings come after the handshake.
    this.downlink.opened();
    this.#probeLater();
  }

  closed(): void {
    this.#open = false;
    this.#probeTimer?.cancel();
    this.#resync.closed();
    this.#handshake.closed();
    this.#writer.closed();
    this.downlink.closed();
    this.state.closed();
  }

  data(chunk: Uint8Array): number {
    this.#arrival = undefined;
    this.#points = 0;
    this.#deframer.push(chunk);
    return this.#points;
  }

  /** A device that is held is asked for its points all the same. */
  hold(held: boolean): void {
    this.#held = held;
    // What it has announced meanwhile counts now.
    if (!held) this.downlink.rescale();
  }

  recordKept(): void {
    this.downlink.stateKept();
  }

  clockStepped(): void {
    // A shell has no word for the time.
  }

  // Lines that come.

  frame(bytes: Uint8Array): void {
    const { counters, deviceLog } = this.state;
    this.#recent.add('up', bytes);
    const line = readText(bytes, 0, bytes.length);
    if (this.#writer.isEcho(line)) {
      counters.notice('echo');
      return;
    }
    if (isMended(line, bytes, 0, bytes.length)) counters.notice('mendedText');
    counters.rx += 1;
    this.#arrival ??= { ns: this.clock.wallNs(), ms: this.clock.monotonicMs() };
    const said = readLine(line);
    switch (said.kind) {
      case 'point':
        this.#heard();
        this.#handshake.reported(this.#arrival.ms);
        this.#point(said.point, this.#arrival);
        return;
      case 'broken':
        counters.discard('payload', { why: said.why, bytes: bytes.length });
        break;
      case 'log':
        this.#restarted(this.#restarts.logTime(said.sinceStartMs));
        deviceLog.line(line);
        break;
      case 'booted':
        this.#booted();
        deviceLog.printed(line);
        break;
      case 'other':
        deviceLog.printed(line);
        if (NO_SIOT.test(line)) this.lacksSiot = true;
    }
    this.#heard();
  }

  discard(cause: FrameDiscard, length: number): void {
    this.state.counters.discard(cause, { bytes: length });
  }

  prompt(): void {
    this.#bannerMs = undefined;
    this.#writer.ready();
    this.#heard();
    this.#handshake.prompted();
  }

  #heard(): void {
    this.heardMs = this.clock.monotonicMs();
    // A silence can be too short to count as one.
    if (this.state.connected && !this.downlink.waitsToBeHeard) return;
    this.state.presence.heard(this);
    this.downlink.awake();
  }

  #point(point: Point, arrival: Arrival): void {
    this.#points += 1;
    if (this.state.infos.heard([point]) && !this.#held) this.downlink.rescale();
    this.#restarted(this.#reports.restartSign(point, this.#restarts));
    this.#reports.take(point, arrival);
  }

  // A device that has restarted, or is silent.

  #booted(): void {
    const sign = this.#restarts.booted();
    const nowMs = this.clock.monotonicMs();
    if (this.#bannerMs === undefined || nowMs - this.#bannerMs >= ONE_START_MS) {
      this.#bannerMs = nowMs;
      this.#restarted(sign);
    } else if (this.#writer.isHeld) {
      this.#writer.hold(BOOT_MS);
    } else {
      // What was written to the boot loader is lost.
      this.#startsAnew();
    }
  }

  #restarted(sign: RestartSign | undefined): void {
    if (sign === undefined) return;
    this.state.counters.notice('restart');
    if (!this.#resync.due) {
      this.log.info({ sign }, 'the device has restarted');
      const lines = this.#recent.all();
      this.host.deviceRestarted({ sign, ...this.#restarts.evidence(sign), lines });
    }
    this.#startsAnew();
  }

  #startsAnew(): void {
    this.lacksSiot = false;
    this.#reports.reset();
    this.#writer.hold(BOOT_MS);
    this.downlink.restarted();
    this.host.changed();
    this.#resync.restarted();
  }

  resync(): void {
    this.downlink.resync();
    this.#shakeHands();
    this.host.changed();
  }

  /** Its console is as after an opening, whatever else has to wait. */
  resyncWaits(): void {
    this.#shakeHands();
  }

  #shakeHands(): void {
    if (this.#open) this.#handshake.begin();
  }

  #probeLater(): void {
    this.#probeTimer?.cancel();
    this.#probeTimer = this.clock.setTimer(this.#probeMs, () => {
      this.#probe();
      this.#probeLater();
    });
  }

  #probe(): void {
    if (!this.state.connected) {
      this.#shakeHands();
      this.downlink.probe();
      return;
    }
    // At the next look its sign of life could come too late.
    this.#handshake.probe(this.#probeMs / 2);
  }

  // What the handshake needs.

  writeHandshake(): void {
    this.round.timeSent();
    this.#writer.begin(HANDSHAKE);
  }

  writeLine(line: string): void {
    this.#writer.add(line);
  }

  // What the settings need, and the handshake.

  get isOpen(): boolean {
    return this.#open;
  }

  get isHeld(): boolean {
    return this.#held;
  }

  get resyncDue(): boolean {
    return this.#resync.due;
  }

  pump(): void {
    this.#writer.pump();
  }

  dump(): void {
    this.round.timeSent();
    this.#writer.add(DUMP);
  }
}
