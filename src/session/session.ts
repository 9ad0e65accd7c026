/**
 * One link's conversation with its device, over all openings of the channel
 * (design.md, "Towards the device"; siot-interop.md, 2).
 *
 * ```
 *  bytes ─► frames ─► packets ─┬─ points ─► intake ─► replica ─► report to the outbox ─► ack
 *                              ├─ ack ────► downlink
 *                              ├─ hello ──► restart?
 *                              └─ log
 *  bytes ◄─ frames ◄─ packets ◄── downlink ◄── settings ◄── what others set in SIOT
 * ```
 */
import type { Deframer, Framing } from '../framing/framing.js';
import { PAYLOAD_CODECS, detectCodec } from '../packet/codecs.js';
import {
  ACK_SUBJECT,
  FILE_SUBJECT,
  HIGH_RATE_SUBJECT,
  LOG_SUBJECT,
  parsePacket,
  type Packet,
} from '../packet/packet.js';
import type { DecodedPayload, PayloadCodec, PayloadCodecName } from '../packet/payload.js';
import { isMended, readText } from '../packet/text.js';
import type { Clock, Timer } from '../point/clock.js';
import type { Log } from '../point/log.js';
import { isDeleted, stringValue, type Point, type PointValue } from '../point/point.js';
import { CodecProbe } from './codec-probe.js';
import { Counters } from './counters.js';
import type { TimeKind } from './device-time.js';
import { AckFrames, Downlink, type Acknowledges, type DownlinkOptions } from './downlink.js';
import { Intake, type TakenPoint } from './intake.js';
import { Replica, asOwner, type PointBudget } from './replica.js';
import { RestartDetector, type LastKnown, type RestartSign } from './restart.js';
import { SettingsBook, reportEquals, type Setting, type SettingRecord } from './settings.js';

export interface SessionOptions extends DownlinkOptions {
  readonly protocol: 'auto' | PayloadCodecName;
  readonly framing: Framing;
  /** Types of settings that act once. */
  readonly commands: readonly string[];
  /** Most distinct points of this link. */
  readonly maxPoints: number;
  /** A device that does not acknowledge counts as gone after so long without a packet, ms; 0: never. */
  readonly silenceTimeoutMs: number;
}

/** What is kept of a link over restarts of the gateway. */
export interface SessionRecord {
  readonly codec?: PayloadCodecName;
  readonly acknowledges?: Acknowledges;
  readonly sequence?: number;
  readonly last?: LastKnown;
  /** A restart was noticed and not yet served. */
  readonly resyncDue?: boolean;
  readonly settings?: readonly SettingRecord[];
}

export interface SessionHost {
  /** Bytes for the channel. */
  write(bytes: Uint8Array): void;
  /** The device, or its flow control, does not take what was written before. */
  congested(): boolean;
  /**
   * The device's points, for SIOT. `taken`: `safe` is called when they may be
   * acknowledged; `dropped`: nobody wants them, acknowledge all the same;
   * `full`: not taken, do not acknowledge.
   */
  report(points: readonly Point[], safe: () => void): 'taken' | 'dropped' | 'full';
  /** The device talks, or does not any more. */
  connected(connected: boolean): void;
  /** The state of a setting, or the reason why it waits, has changed. */
  settingChanged(setting: Setting): void;
  /** The record is worth saving, soon. */
  changed(): void;
  /** Makes the present record survive a crash, then calls `then`. */
  saved(then: () => void): void;
}

const SAME_PACKET_WITHIN_MS = 5_000;
const RESYNC_APART_MS = 5_000;
const OWED_RETRY_MS = 1_000;

/** A report that carries a time so shortly before an acknowledgement was made before it. */
const REPORT_UNDERWAY_NS = 10_000_000_000n;

export class Session {
  readonly counters: Counters;
  readonly settings: SettingsBook;
  readonly replica: Replica;
  readonly downlink: Downlink;
  readonly #deframer: Deframer;
  readonly #intake: Intake;
  readonly #restarts: RestartDetector;
  readonly #probe: CodecProbe;
  readonly #acks: AckFrames;

  #codec: PayloadCodec | undefined;
  #connected = false;
  /** Wall time of the chunk in work. */
  #arrivalNs: bigint | undefined;
  #inChunk = false;

  /** The last packet with points, to know its repetition. */
  #last = NO_PACKET;
  readonly #lastBytes: Buffer;
  #lastBytesLength = -1;
  #lastSequence: number | undefined;
  #sequenceMoves = false;
  /** Packets whose points are on their way to safety. */
  readonly #unsafe = new Set<LastPacket>();
  /** Restarts of the device noticed: after one, its sequences mean other packets. */
  #restartsNoticed = 0;

  #lastResyncMs = Number.NEGATIVE_INFINITY;
  #resyncDue: boolean;
  #resyncTimer: Timer | undefined;
  #silenceTimer: Timer | undefined;
  #open = false;
  /** For a person to do something about. */
  #advice: string | undefined;

  constructor(
    private readonly host: SessionHost,
    private readonly options: SessionOptions,
    private readonly clock: Clock,
    private readonly log: Log,
    budget: PointBudget,
    record: SessionRecord,
  ) {
    this.counters = new Counters(clock, log);
    this.settings = new SettingsBook(new Set(options.commands), options.maxPoints);
    this.settings.restore(record.settings ?? []);
    this.replica = new Replica(options.maxPoints, budget);
    this.#intake = new Intake(this.replica, this.counters);
    this.#restarts = new RestartDetector(clock, record.last ?? {});
    this.#resyncDue = record.resyncDue === true;
    this.#lastBytes = Buffer.alloc(options.maxFrameLength);
    const codecName = options.protocol === 'auto' ? record.codec : options.protocol;
    this.#codec = codecName === undefined ? undefined : PAYLOAD_CODECS[codecName];
    this.#acks = new AckFrames((packet) => options.framing.encode(packet));
    this.#deframer = options.framing.createDeframer(
      {
        frame: (frame) => this.#frame(frame),
        discard: (cause, length) => this.counters.discard(cause, { bytes: length }),
      },
      options.maxFrameLength,
    );
    this.downlink = new Downlink(
      {
        write: (frame) => this.host.write(frame),
        congested: () => this.host.congested(),
        frame: (packet) => this.options.framing.encode(packet),
        codec: () => this.#codec,
        lastValue: (type, key) => this.replica.newest(type, key),
        spelling: (type, key) => this.replica.spelling(type, key),
        acknowledged: (setting) => this.#acknowledged(setting),
        changed: (setting) => this.#settingChanged(setting),
        silent: () => this.#setConnected(false),
        learned: (acknowledges) => this.#learned(acknowledges),
        saved: (then) => this.host.saved(then),
      },
      this.settings,
      clock,
      this.counters,
      log,
      options,
      { acknowledges: record.acknowledges ?? 'unknown', sequence: record.sequence ?? 0 },
    );
    this.#probe = new CodecProbe(
      {
        send: (codec) => {
          const { sequence, frame } = this.downlink.timeSync(codec);
          this.counters.tx += 1;
          this.host.write(frame);
          return sequence;
        },
        settled: (codec) => this.#probeSettled(codec),
        undecided: () => this.#probeUndecided(),
      },
      clock,
      options.ackTimeoutMs,
    );
  }

  get connected(): boolean {
    return this.#connected;
  }

  get codecName(): PayloadCodecName | 'unknown' {
    return this.#codec?.name ?? 'unknown';
  }

  get advice(): string | undefined {
    return this.#advice;
  }

  record(): SessionRecord {
    return {
      ...(this.#codec === undefined ? {} : { codec: this.#codec.name }),
      acknowledges: this.downlink.acknowledges,
      sequence: this.downlink.sequence,
      last: this.#restarts.lastKnown,
      ...(this.#resyncDue ? { resyncDue: true } : {}),
      settings: this.settings.records(),
    };
  }

  /** The channel is open; nothing has been heard on it yet. */
  opened(): void {
    this.#open = true;
    this.#deframer.reset();
    this.#intake.reset();
    // Before the opening is served, so that the time goes out once.
    if (this.#resyncDue) this.#resyncWhenDue();
    this.downlink.opened();
    if (this.#codec === undefined) this.#probe.start();
  }

  /** The channel is gone. */
  closed(): void {
    this.#open = false;
    this.#probe.stop();
    this.#resyncTimer?.cancel();
    this.#resyncTimer = undefined;
    this.#silenceTimer?.cancel();
    this.#silenceTimer = undefined;
    this.downlink.closed();
    this.#setConnected(false);
    this.host.changed();
  }

  /** Bytes from the device. Never throws, whatever they are. */
  data(chunk: Uint8Array): void {
    this.#inChunk = true;
    this.#arrivalNs = undefined;
    this.#deframer.push(chunk);
    this.#inChunk = false;
  }

  /** Somebody has set a point of the node. False: it is not newer than the last setting of it. */
  set(point: Point): Setting | undefined {
    switch (this.settings.judge(point)) {
      case 'notNewer':
        return undefined;
      case 'tooMany':
        this.counters.notice('refusedSetting');
        this.log.warn({ type: point.type, key: point.key }, 'too many distinct settings: refused');
        return undefined;
      case 'new':
    }
    const { setting, replaced } = this.settings.take(this.#withLastValue(point));
    this.host.changed();
    this.downlink.add(setting, replaced);
    if (replaced !== undefined) this.host.settingChanged(replaced);
    this.host.settingChanged(setting);
    return setting;
  }

  /** A deletion keeps the last value, over a restart of the gateway as well. */
  #withLastValue(point: Point): Point {
    if (!isDeleted(point)) return point;
    const { type, key } = point;
    const last = this.replica.newest(type, key) ?? this.settings.get(type, key)?.point;
    return last === undefined ? point : { ...point, value: last.value };
  }

  /** The gateway's clock was stepped: the device is to have the time again. */
  clockStepped(): void {
    if (this.#open) this.downlink.syncTime();
  }

  #frame(frame: Uint8Array): void {
    const packet = parsePacket(frame);
    if (typeof packet === 'string') {
      this.counters.discard(packet, { bytes: frame.length });
      return;
    }
    switch (packet.subject) {
      case LOG_SUBJECT:
        // No CRC: neither a sign of life nor a sequence to trust.
        this.counters.rx += 1;
        this.#logPacket(packet);
        return;
      case ACK_SUBJECT:
        if (!this.#probe.ack(packet.sequence)) this.downlink.ack(packet.sequence);
        this.#heard();
        break;
      case HIGH_RATE_SUBJECT:
        this.counters.hrRx += 1;
        this.#heard();
        this.#restarted(this.#restarts.sequence(packet.sequence));
        break;
      case FILE_SUBJECT:
        this.counters.rx += 1;
        this.#heard();
        this.counters.discard('unexpected', { subject: packet.subject });
        break;
      default:
        // `proto`, blank, and any other word (siot-interop.md, 2.2).
        this.counters.rx += 1;
        this.#heard();
        this.#pointsPacket(packet, frame);
    }
    // Now, since a packet that tells of a restart has been answered with a resync.
    this.downlink.awake();
  }

  #pointsPacket(packet: Packet, frame: Uint8Array): void {
    const { sequence, payload } = packet;
    if (payload.length === 0) {
      this.#hello(sequence);
      return;
    }
    if (this.#isRepetition(frame)) {
      this.counters.notice('duplicate');
      this.#last.ms = this.clock.monotonicMs();
      if (this.#last.safe) this.#acknowledge(sequence);
      return;
    }
    const read = this.#decode(payload);
    if (read === undefined) return;
    const { points, oddValues, mendedTexts } = read;
    if (points.length === 0 && oddValues === 0) {
      // An empty compact list; protobuf has no such thing but unknown fields.
      if (isEmptyList(payload)) this.#hello(sequence);
      else this.#discardPayload(payload);
      return;
    }
    if (oddValues > 0) this.counters.discard('oddValue', {}, oddValues);
    if (mendedTexts > 0) this.counters.notice('mendedText', mendedTexts);

    const bySequence = this.#restarts.sequence(sequence);
    this.#restarted(this.#intake.restartSign(points, this.#restarts) ?? bySequence);
    this.#remember(sequence, frame);
    this.#deliver(sequence, this.#intake.take(points, this.#arrival()));
  }

  /** Hands points to the outbox, and acknowledges their packet when they are safe there. */
  #deliver(sequence: number, taken: readonly TakenPoint[]): void {
    const packet = this.#last;
    const restarts = this.#restartsNoticed;
    const news: Point[] = [];
    for (const { point, again } of taken) if (!again) news.push(point);
    // What came before and is sent again is safe only when its first packet is.
    const waitsFor = news.length < taken.length && this.#unsafe.size > 0 ? [...this.#unsafe] : [];
    let own = false;
    const safeToAck = (): void => {
      if (!own || waitsFor.some((other) => !other.safe)) return;
      packet.safe = true;
      this.#unsafe.delete(packet);
      if (packet.whenSafe !== undefined) for (const then of packet.whenSafe) then();
      if (restarts === this.#restartsNoticed) this.#acknowledge(sequence);
    };
    const safe = (): void => {
      own = true;
      safeToAck();
    };
    for (const other of waitsFor) (other.whenSafe ??= []).push(safeToAck);
    this.#unsafe.add(packet);
    const outcome = news.length === 0 ? 'nothing' : this.host.report(news, safe);
    if (outcome === 'full') {
      // Not acknowledged: the device holds them and tries again.
      this.#unsafe.delete(packet);
      this.#forgetLastPacket();
      this.counters.discard('outboxFull', {}, news.length);
      return;
    }
    if (outcome === 'dropped') this.counters.discard('nodeDeleted', {}, news.length);
    if (outcome !== 'taken') safe();
    this.counters.points += taken.length;
    for (const one of taken) {
      this.replica.merge(one.point, one.spelling);
      this.#reported(one);
    }
  }

  #decode(payload: Uint8Array): DecodedPayload | undefined {
    const known = this.#codec;
    if (known !== undefined && (this.options.protocol !== 'auto' || known.name === 'compact')) {
      const decoded = known.decode(payload);
      if (decoded !== undefined) {
        this.#advice = undefined;
        return decoded;
      }
      if (this.options.protocol !== 'auto') {
        const other = detectCodec(payload);
        if (other !== known && other.decode(payload) !== undefined) {
          this.#advice = `the device sends ${other.name} points: set protocol: ${other.name}, or auto`;
        }
        this.#discardPayload(payload);
        return undefined;
      }
    }
    const codec = detectCodec(payload);
    const decoded = codec.decode(payload);
    // A payload of nothing but unknown fields says nothing about the codec.
    if (decoded === undefined || (decoded.points.length === 0 && !isEmptyList(payload))) {
      this.#discardPayload(payload);
      return undefined;
    }
    this.#useCodec(codec);
    return decoded;
  }

  #discardPayload(payload: Uint8Array): void {
    this.counters.discard('payload', { bytes: payload.length, protocol: this.options.protocol });
  }

  #useCodec(codec: PayloadCodec): void {
    this.#advice = undefined;
    if (this.#codec === codec) return;
    this.#codec = codec;
    this.#probe.stop();
    this.log.info({ codec: codec.name }, 'the device speaks this codec');
    this.host.changed();
    this.downlink.codecKnown();
  }

  #probeSettled(codec: PayloadCodec): void {
    this.#useCodec(codec);
    this.downlink.answered();
    this.#advice = `the device has sent no points yet, and acknowledges ${codec.name} only: set protocol: ${codec.name}`;
    this.log.warn({}, this.#advice);
  }

  #probeUndecided(): void {
    const advice = 'the device has sent no points yet, and acknowledges both codecs: set protocol';
    if (this.#advice !== advice) this.log.warn({}, advice);
    this.#advice = advice;
  }

  #hello(sequence: number): void {
    this.#forgetLastPacket();
    this.#restarted(this.#restarts.hello(sequence));
  }

  #restarted(sign: RestartSign | undefined): void {
    if (sign === undefined) return;
    this.counters.notice('restart');
    this.#restartsNoticed += 1;
    this.log.info({ sign }, 'the device has restarted');
    this.#intake.reset();
    this.#forgetLastPacket();
    this.downlink.restartNoticed();
    this.#resyncDue = true;
    this.host.changed();
    this.#resyncWhenDue();
  }

  /** At most one resync in 5 s; a restart noticed meanwhile is served when they are over. */
  #resyncWhenDue(): void {
    if (!this.#open || this.#resyncTimer !== undefined) return;
    const waitMs = this.#lastResyncMs + RESYNC_APART_MS - this.clock.monotonicMs();
    if (waitMs > 0) {
      this.#resyncTimer = this.clock.setTimer(waitMs, () => {
        this.#resyncTimer = undefined;
        this.#resync();
      });
      this.downlink.resume();
      return;
    }
    this.#resync();
  }

  #resync(): void {
    this.#lastResyncMs = this.clock.monotonicMs();
    this.#resyncDue = false;
    this.downlink.resync();
    this.host.changed();
  }

  #logPacket(packet: Packet): void {
    const { payload } = packet;
    const text = readText(payload, 0, payload.length);
    if (isMended(text, payload, 0, payload.length)) this.counters.notice('mendedText');
    this.log.info({ device: text }, 'the device says');
    this.#ownPoint('log', '', stringValue(text));
  }

  /** A point that the gateway makes in the device's name. False: no room for it now. */
  #ownPoint(type: string, key: string, value: PointValue, tombstone = 0): boolean {
    if (!this.replica.admit(type, key)) {
      this.counters.discard('tooManyPoints', { type });
      return true;
    }
    const time = this.replica.giveTime(type, key, this.#arrival());
    const point = asOwner({ type, key, time, value, tombstone, origin: '' }, time);
    const outcome = this.host.report([point], () => undefined);
    if (outcome === 'full') {
      this.counters.discard('outboxFull', { type });
      return false;
    }
    if (outcome === 'dropped') this.counters.discard('nodeDeleted', { type });
    this.replica.merge(point);
    return true;
  }

  /** What a report of the device means for the setting of its point. */
  #reported({ point, timeKind }: TakenPoint): void {
    const setting = this.settings.get(point.type, point.key);
    if (setting === undefined || this.#codec === undefined) return;
    if (setting.state === 'replaced' || setting.state === 'ended') return;
    setting.reportedSinceSent = setting.sent;
    const equal = reportEquals(point, this.#codec.asDeviceSees(setting.point));
    if (equal) {
      // Before it was sent, an equal report says nothing: the one sent before it may still come.
      const confirms = setting.waiting ? setting.sent : setting.state === 'unconfirmed';
      if (confirms) this.#confirmedByReport(setting);
    } else if (this.#isOwnChange(setting, point, timeKind)) {
      setting.state = 'replaced';
      this.log.info({ type: point.type, key: point.key }, 'the device has changed this itself');
      this.#settingChanged(setting);
    }
  }

  #confirmedByReport(setting: Setting): void {
    setting.state = setting.command ? 'ended' : 'inForce';
    setting.restoring = false;
    setting.asidePauseMs = 0;
    setting.confirmedNs = this.clock.wallNs();
    this.downlink.settled(setting);
    this.#settingChanged(setting);
  }

  /** A differing report, made after the acknowledgement and after a resync has ended. */
  #isOwnChange(setting: Setting, report: Point, timeKind: TimeKind): boolean {
    if (setting.waiting || setting.confirmedNs === undefined) return false;
    if (this.#resyncDue || this.downlink.restoring) return false;
    if (timeKind !== 'real' && timeKind !== 'mapped') return true;
    const before = setting.confirmedNs - report.time;
    return before <= 0n || before > REPORT_UNDERWAY_NS;
  }

  /** The device has acknowledged a setting. */
  #acknowledged(setting: Setting): void {
    const { point } = setting;
    const newest = this.replica.newest(point.type, point.key);
    if (newest === undefined || newest.time <= point.time || setting.reportedSinceSent) return;
    // Reports with later times have overtaken it: SIOT is to show what is in force.
    const value = isDeleted(point) ? newest.value : point.value;
    if (this.#ownPoint(point.type, point.key, value, point.tombstone)) return;
    this.clock.setTimer(OWED_RETRY_MS, () => {
      const due = this.#open && this.settings.isCurrent(setting) && !setting.waiting;
      if (due) this.#acknowledged(setting);
    });
  }

  #settingChanged(setting: Setting): void {
    this.host.changed();
    this.host.settingChanged(setting);
  }

  #learned(acknowledges: Acknowledges): void {
    if (acknowledges === 'no') {
      this.log.warn(
        {},
        'the device does not acknowledge points: settings are sent once and stay unconfirmed',
      );
    } else {
      this.log.info({}, 'the device acknowledges points');
    }
    this.host.changed();
  }

  #isRepetition(frame: Uint8Array): boolean {
    const last = this.#last;
    return (
      last.length === frame.length &&
      this.#sequenceMoves &&
      this.clock.monotonicMs() - last.ms <= SAME_PACKET_WITHIN_MS &&
      this.#hasBytesOfLast(frame)
    );
  }

  #hasBytesOfLast(frame: Uint8Array): boolean {
    const length = this.#lastBytesLength;
    return (
      frame.length === length && Buffer.compare(this.#lastBytes.subarray(0, length), frame) === 0
    );
  }

  #remember(sequence: number, frame: Uint8Array): void {
    // A packet sent again says nothing about whether its sequence moves otherwise.
    const same = this.#hasBytesOfLast(frame);
    this.#lastBytes.set(frame);
    this.#lastBytesLength = frame.length;
    this.#last = {
      length: frame.length,
      ms: this.clock.monotonicMs(),
      safe: false,
      whenSafe: undefined,
    };
    if (this.#lastSequence !== undefined && !same) {
      this.#sequenceMoves = sequence !== this.#lastSequence;
    }
    this.#lastSequence = sequence;
  }

  #forgetLastPacket(): void {
    this.#last = NO_PACKET;
  }

  #acknowledge(sequence: number): void {
    if (this.#codec === undefined || !this.#open) return;
    // Unread acks help nobody: the device will send its packet again.
    if (this.host.congested()) return;
    this.counters.tx += 1;
    this.host.write(this.#acks.get(sequence, this.#codec));
  }

  #heard(): void {
    this.downlink.heard();
    if (this.#connected) return;
    this.#setConnected(true);
    if (this.options.silenceTimeoutMs > 0) this.#watchSilence(this.options.silenceTimeoutMs);
  }

  #watchSilence(ms: number): void {
    this.#silenceTimer?.cancel();
    this.#silenceTimer = this.clock.setTimer(ms, () => {
      const quietMs = this.clock.monotonicMs() - (this.downlink.heardMs ?? 0);
      const leftMs = this.options.silenceTimeoutMs - quietMs;
      if (leftMs > 0) this.#watchSilence(leftMs);
      // One that acknowledges is asked instead, and gone when it does not answer.
      else if (this.downlink.acknowledges === 'yes')
        this.#watchSilence(this.options.silenceTimeoutMs);
      else this.#setConnected(false);
    });
  }

  #setConnected(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    if (!connected) {
      this.#silenceTimer?.cancel();
      this.#silenceTimer = undefined;
    }
    this.host.connected(connected);
  }

  #arrival(): bigint {
    return this.#inChunk ? (this.#arrivalNs ??= this.clock.wallNs()) : this.clock.wallNs();
  }
}

/** The last packet with points that was taken. */
interface LastPacket {
  readonly length: number;
  /** Monotonic ms of its arrival, or of its last repetition. */
  ms: number;
  /** Its points are safe: it may be acknowledged (again). */
  safe: boolean;
  /** What else waits for that. */
  whenSafe: (() => void)[] | undefined;
}

const NO_PACKET: LastPacket = { length: -1, ms: 0, safe: false, whenSafe: undefined };

/** The compact form of no points at all. */
function isEmptyList(payload: Uint8Array): boolean {
  return payload.length === 4 && payload.every((byte) => byte === 0);
}
