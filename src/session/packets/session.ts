/**
 * One link's conversation with its device, over all openings of the channel
 * (docs/contract.md, "Towards the device"; docs/siot.md, 2).
 *
 * ```
 *                           own echo?
 *  bytes ─► frames ─► packets ─┬─ points ─► filter ─► uplink ─► outbox, then an ack
 *                              │               └──► reconciler ────┐
 *                              ├─ ack ────► downlink ──────────────┤
 *                              ├─ hello ──► restart? ─► resync     │
 *                              └─ log                              ▼
 *  bytes ◄─ frames ◄─ packets ◄── downlink ◄────────────── settings ◄── set in SIOT
 * ```
 */
import type { Deframer, Framing } from '../../framing/framing.js';
import {
  ACK_SUBJECT,
  FILE_SUBJECT,
  HIGH_RATE_SUBJECT,
  LOG_SUBJECT,
  parsePacket,
  type Packet,
} from '../../packet/packet.js';
import type { PayloadCodec, PayloadCodecName } from '../../packet/payload.js';
import { isMended, readText } from '../../packet/text.js';
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { stringValue, type Point, type PointValue } from '../../point/point.js';
import type {
  DeviceSession,
  DeviceSessionHost,
  DeviceSessionRecord,
  KnownNames,
} from '../device-session.js';
import { CodecChoice, isEmptyList } from '../codec/choice.js';
import { Counters, type Discard } from '../node/counters.js';
import type { Arrival } from '../receiving/device-time.js';
import { DEVICE_SAYS, DeviceLog } from '../node/device-log.js';
import { PossibleEchoes } from '../sending/possible-echoes.js';
import { Downlink, type DownlinkOptions } from '../sending/downlink.js';
import { PointFilter } from '../receiving/point-filter.js';
import { Outgoing } from '../sending/outgoing.js';
import { ECHO_ADVICE, OwnEcho, type Transmission, type Whose } from '../receiving/own-echo.js';
import { Presence, type Acknowledges } from '../node/presence.js';
import { Replica, asOwner } from '../node/replica.js';
import { ReportedKinds, valueForDevice, valueOfWord } from '../receiving/reported-kinds.js';
import { RestartDetector, type RestartSign } from '../receiving/restart.js';
import { ReportRound } from '../receiving/report-round.js';
import { ResyncLimiter } from '../receiving/resync-limiter.js';
import { PointQuota, type PointBudget } from '../node/point-quota.js';
import { SettingReconciler } from '../settings/reconciler.js';
import { SettingQuota, type SettingRefusal } from '../node/setting-quota.js';
import type { Heard } from '../settings/time.js';
import { Settings } from '../settings/settings.js';
import { Uplink } from '../receiving/uplink.js';
import type { Setting } from '../settings/setting.js';

export interface PacketSessionOptions extends DownlinkOptions {
  readonly protocol: 'auto' | PayloadCodecName;
  readonly framing: Framing;
  /** Types of settings that act once. */
  readonly commands: readonly string[];
  /** Most distinct points of this link. */
  readonly maxPoints: number;
  /** A device that does not acknowledge counts as gone after so long without a packet, ms; 0: never. */
  readonly silenceTimeoutMs: number;
  /** Of a line that may echo; `undefined`: it cannot. */
  readonly echo?: EchoOptions;
}

export interface EchoOptions {
  /** See `Transport.mayEcho`. */
  readonly byteMs: number;
  /** 0 … 1. */
  readonly random: () => number;
}

/** Retries on a line that echoes come up to so much later: it may be one on which only one can speak. */
const JITTER = 0.5;
const ECHO_TOLD_EVERY_MS = 3_600_000;

/** Of a line that a device logs; SIOT answers with all points of a node in one message. */
const LONGEST_LOG = 1_000;

export class PacketSession implements DeviceSession {
  readonly counters: Counters;
  readonly settings: Settings;
  readonly quota: PointQuota;
  readonly replica: Replica;
  readonly downlink: Downlink;
  readonly #deframer: Deframer;
  readonly #filter: PointFilter;
  readonly #deviceLog: DeviceLog;
  readonly #restarts: RestartDetector;
  readonly #codecs: CodecChoice;
  readonly #uplink: Uplink;
  readonly #reconciler: SettingReconciler;
  readonly #kinds: ReportedKinds;
  readonly #outgoing: Outgoing;
  readonly #presence: Presence;
  readonly #resync: ResyncLimiter;
  readonly #echo: OwnEcho | undefined;
  readonly #possibleEchoes = new PossibleEchoes();
  /** Monotonic ms. */
  #echoToldMs = Number.NEGATIVE_INFINITY;

  /** Of the chunk in work. */
  #chunkArrival: Arrival | undefined;
  #inChunk = false;
  /** In one packet of it. */
  #mostPoints = 0;

  #open = false;
  #held = false;

  constructor(
    private readonly host: DeviceSessionHost,
    private readonly options: PacketSessionOptions,
    private readonly clock: Clock,
    private readonly log: Log,
    budget: PointBudget,
    record: DeviceSessionRecord,
  ) {
    this.counters = new Counters(clock, log);
    this.settings = new Settings(
      new Set(options.commands),
      options.maxPoints,
      new SettingQuota(budget.settings),
    );
    this.settings.restore(record.settings ?? [], log);
    this.quota = new PointQuota(options.maxPoints, budget, () => this.host.namesChanged());
    this.replica = new Replica(this.quota);
    this.#kinds = new ReportedKinds(this.replica, options.maxPoints, () =>
      this.host.namesChanged(),
    );
    this.#deviceLog = new DeviceLog(
      clock,
      (text) => {
        this.log.info({ device: text }, DEVICE_SAYS);
        this.#ownPoint('log', '', stringValue(text));
      },
      () => this.counters.notice('droppedLog'),
    );
    this.#filter = new PointFilter(this.replica, this.counters);
    this.#restarts = new RestartDetector(clock, record.last ?? {});
    this.#resync = new ResyncLimiter(
      {
        resync: () => {
          this.downlink.resync();
          this.host.changed();
        },
        waits: () => this.downlink.resume(),
      },
      clock,
      record.resyncDue === true,
    );
    this.#echo = options.echo && new OwnEcho(clock, options.echo.byteMs);
    this.#presence = new Presence(
      {
        silenceTimeoutMs: options.silenceTimeoutMs,
        device: () => this.downlink,
        onChange: (connected) => this.host.connected(connected),
      },
      clock,
    );
    const round = new ReportRound(clock);
    this.#outgoing = new Outgoing(
      (packet) => options.framing.encode(packet),
      record.sequence ?? 0,
      () => round.timeSent(),
    );
    this.#codecs = this.#chooseCodec(record.codec);
    this.#uplink = new Uplink(
      {
        report: (points, safe) => this.host.report(points, safe),
        acknowledge: (sequence) => this.#acknowledge(sequence),
      },
      clock,
      this.counters,
      options.maxFrameLength,
      record.last?.sequence,
    );
    this.#reconciler = new SettingReconciler(
      {
        codec: () => this.#codecs.codec,
        valueOf: (setting) => this.inDeviceForm(setting),
        resyncing: () => this.#resync.due || this.downlink.restoring,
        settled: (setting) => this.downlink.settled(setting),
        changed: (setting) => this.#settingChanged(setting),
        reported: (setting) => this.host.settingReported(setting),
        publish: (type, key, value, tombstone) => this.#ownPoint(type, key, value, tombstone),
        askAll: () => this.downlink.syncTime(),
      },
      this.settings,
      this.replica,
      clock,
      log,
      round,
    );
    this.#deframer = options.framing.createDeframer(
      {
        frame: (frame) => this.#frame(frame),
        discard: (cause, length) => this.#discard(cause, length),
      },
      options.maxFrameLength,
    );
    this.downlink = new Downlink(
      {
        write: (packet) => this.#write(packet),
        jittered: (ms) => this.#jittered(ms),
        congested: () => this.host.congested(),
        codec: () => (this.#held ? undefined : this.#codecs.codec),
        lastValue: (type, key) => this.replica.find(type, key)?.newest,
        valueOf: (setting) => this.inDeviceForm(setting),
        acknowledged: (setting) => this.#reconciler.acknowledged(setting),
        notAcknowledged: (setting) => this.#reconciler.notAcknowledged(setting),
        unconfirmed: (setting) => this.#reconciler.unconfirmed(setting),
        changed: (setting) => this.#settingChanged(setting),
        silent: () => this.#presence.gone(),
        learned: (acknowledges) => this.#learned(acknowledges),
        saved: (then) => this.host.saved(then),
      },
      this.settings,
      clock,
      this.counters,
      log,
      options,
      this.#outgoing,
      record.acknowledges ?? 'unknown',
    );
  }

  #chooseCodec(last: PayloadCodecName | undefined): CodecChoice {
    return new CodecChoice(
      {
        sendTime: (codec) => this.#sendTime(codec),
        known: () => {
          this.host.changed();
          this.downlink.codecKnown();
        },
        answered: () => this.downlink.answered(),
        unanswered: () => this.#presence.probesUnanswered(),
        discarded: (payload) => this.#discardPayload(payload),
      },
      this.options.protocol,
      last,
      this.clock,
      this.log,
      this.options.ackTimeoutMs,
    );
  }

  /** Past the downlink, which sends nothing before the codec is known. */
  #sendTime(codec: PayloadCodec): number | undefined {
    // There will be others, and a time that comes late is wrong.
    if (this.host.congested()) return undefined;
    const packet = this.#outgoing.timeSync(this.clock.wallNs(), codec);
    this.#write(packet);
    return packet.sequence;
  }

  #write(packet: Transmission): void {
    this.counters.tx += 1;
    this.#echo?.sent(packet);
    this.host.write(packet.frame);
  }

  /** On a line on which only one can speak, two that repeat at the same pace would never be heard. */
  #jittered(ms: number): number {
    const { echo } = this.options;
    return echo !== undefined && this.echoes ? ms * (1 + JITTER * echo.random()) : ms;
  }

  get connected(): boolean {
    return this.#presence.connected;
  }

  get echoes(): boolean {
    return this.#echo?.recognised === true;
  }

  get codecName(): PayloadCodecName | 'unknown' {
    return this.#codecs.codec?.name ?? 'unknown';
  }

  get advice(): string | undefined {
    return this.#codecs.advice;
  }

  record(): DeviceSessionRecord {
    return { ...this.recordWithoutSettings(), settings: this.settings.records() };
  }

  recordWithoutSettings(): Omit<DeviceSessionRecord, 'settings'> {
    const { codec } = this.#codecs;
    return {
      ...(codec === undefined ? {} : { codec: codec.name }),
      acknowledges: this.downlink.acknowledges,
      sequence: this.#outgoing.sequence,
      last: this.#restarts.lastKnown,
      ...(this.#resync.due ? { resyncDue: true } : {}),
    };
  }

  /** The channel is open; nothing has been heard on it yet. */
  opened(): void {
    this.#open = true;
    this.#deframer.reset();
    this.#filter.reset();
    this.#echo?.opened();
    this.#possibleEchoes.opened();
    // Before the opening is served, so that the time goes out once.
    this.#resync.opened();
    this.#reconciler.opened();
    this.downlink.opened();
    this.#codecs.opened();
  }

  /** The channel is gone. */
  closed(): void {
    this.#open = false;
    this.#codecs.closed();
    this.#resync.closed();
    this.#echo?.closed();
    this.#reconciler.closed();
    this.downlink.closed();
    this.#deviceLog.closed();
    this.#presence.gone();
    this.host.changed();
  }

  /**
   * Bytes from the device. Never throws, whatever they are. Returns the number
   * of points in the largest packet that they completed.
   */
  data(chunk: Uint8Array): number {
    this.#inChunk = true;
    this.#chunkArrival = undefined;
    this.#mostPoints = 0;
    this.#deframer.push(chunk);
    this.#inChunk = false;
    return this.#mostPoints;
  }

  /**
   * Sends no settings, and learns nothing of them: it may be another device. It
   * gets acknowledgements all the same; when it is no longer held, what waits is sent.
   */
  hold(held: boolean): void {
    this.#held = held;
    if (!held && this.#codecs.codec !== undefined) this.downlink.codecKnown();
  }

  /** Another session may take its place. */
  release(): void {
    this.replica.release();
    this.quota.release();
    this.settings.quota.release();
  }

  /** A record was saved: the disk can be written. */
  recordKept(): void {
    this.downlink.stateKept();
  }

  whyNotSet(point: Point): string | undefined {
    return this.settings.whyNot(point);
  }

  valueOfWord(type: string, key: string, word: string): PointValue {
    return valueOfWord(word, this.#kinds.of(type, key));
  }

  inDeviceForm({ point }: Setting): PointValue {
    return valueForDevice(point.value, this.#kinds.of(point.type, point.key));
  }

  knownNames(): KnownNames {
    return { names: this.quota.record(), kinds: this.#kinds.record() };
  }

  restoreNames({ names, kinds }: KnownNames): void {
    this.quota.restore(names);
    this.#kinds.restore(kinds);
  }

  /** Somebody has set a point of the node. `undefined`: it does not count, or there is no room for it. */
  set(point: Point, heard: Heard = 'live'): Setting | undefined {
    const wanted = this.#reconciler.withLastValue(point);
    const time = this.settings.check(wanted, heard, this.clock.wallNs());
    if (time === 'notNewer') return undefined;
    if (typeof time === 'string') {
      this.refuse(point, time);
      return undefined;
    }
    this.quota.learn(point);
    const { setting, replaced } = this.settings.take(wanted, time);
    setting.spelling ??= this.replica.find(point.type, point.key)?.spelling;
    this.host.changed();
    this.downlink.add(setting, replaced);
    if (replaced !== undefined) this.host.settingChanged(replaced);
    this.host.settingChanged(setting);
    return setting;
  }

  refuse(point: Point, cause: SettingRefusal): void {
    this.counters.noRoom(cause, point.type);
    const older = this.settings.endOlder(point, this.clock.wallNs());
    if (older === undefined) return;
    this.downlink.settled(older);
    this.#settingChanged(older);
  }

  /** The node was read. `underWay`: some of what was given to SIOT may not be there yet. */
  read(stored: readonly Point[], underWay: boolean): void {
    this.quota.read(stored, this.replica.points(), underWay);
  }

  /** What SIOT shows of the node then, as far as its owner has written it. */
  shown(points: readonly Point[]): void {
    this.#kinds.shown(points);
    this.#reconciler.shown(points);
  }

  /** The gateway's clock was stepped: the device is to have the time again. */
  clockStepped(): void {
    if (this.#open) this.downlink.syncTime();
  }

  #frame(frame: Uint8Array): void {
    const packet = parsePacket(frame);
    if (typeof packet === 'string') {
      this.#discard(packet, frame.length);
      return;
    }
    const whose = this.#whose(packet, frame);
    if (whose === 'own' || whose === 'recognised') {
      this.counters.notice('echo');
      if (whose === 'recognised') this.#echoRecognised();
      return;
    }
    switch (packet.subject) {
      case LOG_SUBJECT:
        // No CRC: neither a sign of life nor a sequence to trust.
        this.counters.rx += 1;
        this.#logPacket(packet);
        return;
      case ACK_SUBJECT:
        this.#ack(packet.sequence, whose === 'doubtful');
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
        // `proto`, blank, and any other word (docs/siot.md, 2.2).
        this.counters.rx += 1;
        this.#heard();
        this.#pointsPacket(packet, frame);
    }
    // Now, since a packet that tells of a restart has been answered with a resync.
    this.downlink.awake();
  }

  #discard(cause: Discard, bytes: number): void {
    this.counters.discard(cause, { bytes });
    this.#echo?.broken();
  }

  #whose({ subject }: Packet, frame: Uint8Array): Whose {
    if (this.#echo === undefined) return 'theirs';
    return this.#echo.received(subject === ACK_SUBJECT ? 'ack' : 'points', frame);
  }

  #ack(sequence: number, doubtful: boolean): void {
    const before = { ...this.downlink.life, connected: this.connected };
    const effect = this.#codecs.ack(sequence) ? undefined : this.downlink.ack(sequence);
    if (!doubtful || this.#echo === undefined) {
      if (effect !== undefined) this.#possibleEchoes.surelyAcknowledged();
      this.#heard();
      return;
    }
    const { notEchoedMs } = this.#echo;
    const nowMs = this.clock.monotonicMs();
    if (effect !== undefined) this.#possibleEchoes.ack(effect, nowMs, notEchoedMs);
    this.#possibleEchoes.heard(before, nowMs, notEchoedMs);
    this.downlink.heard();
    this.#presence.heard();
  }

  /** The first of our packets has come back: what came back before it is no news of the device. */
  #echoRecognised(): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.#echoToldMs >= ECHO_TOLD_EVERY_MS) {
      this.#echoToldMs = nowMs;
      this.log.warn({}, ECHO_ADVICE);
    }
    const back = this.#possibleEchoes.take(this.#echo?.notEchoedMs ?? nowMs);
    if (back.life?.connected === false) this.#presence.gone();
    this.downlink.takeBack(back);
    this.host.changed();
  }

  #pointsPacket({ sequence, payload }: Packet, frame: Uint8Array): void {
    if (payload.length === 0 || isEmptyList(payload)) {
      if (payload.length > 0) this.#codecs.decode(payload);
      this.#hello(sequence);
      return;
    }
    if (this.#uplink.repeats(sequence, frame)) return;
    const decoded = this.#codecs.decode(payload);
    if (decoded === undefined) return;
    const { points, oddValues, mendedTexts } = decoded;
    this.#mostPoints = Math.max(this.#mostPoints, points.length);
    if (oddValues > 0) this.counters.discard('oddValue', {}, oddValues);
    if (mendedTexts > 0) this.counters.notice('mendedText', mendedTexts);

    const bySequence = this.#restarts.sequence(sequence);
    this.#restarted(this.#filter.restartSign(points, this.#restarts) ?? bySequence);
    const taken = this.#filter.take(points, this.#arrival());
    if (!this.#uplink.deliver(sequence, frame, taken)) return;
    // What another board says of a setting is nothing that the right one has done.
    const { codec } = this.#codecs;
    if (this.#held || codec === undefined) return;
    for (const one of taken) {
      this.#kinds.reported(one, codec.name);
      this.#reconciler.reported(one);
    }
  }

  #discardPayload(payload: Uint8Array): void {
    this.counters.discard('payload', { bytes: payload.length, protocol: this.options.protocol });
  }

  #hello(sequence: number): void {
    this.#uplink.hello(sequence);
    this.#restarted(this.#restarts.hello(sequence));
  }

  #restarted(sign: RestartSign | undefined): void {
    if (sign === undefined) return;
    this.counters.notice('restart');
    // Until that one is served, more of them are no news.
    if (!this.#resync.due) this.log.info({ sign }, 'the device has restarted');
    this.#filter.reset();
    this.#uplink.restarted();
    this.downlink.restartNoticed();
    this.host.changed();
    this.#resync.restarted();
  }

  #logPacket(packet: Packet): void {
    const { payload } = packet;
    const text = readText(payload, 0, payload.length);
    if (isMended(text, payload, 0, payload.length)) this.counters.notice('mendedText');
    this.#deviceLog.line(text.slice(0, LONGEST_LOG));
  }

  /** A point that the gateway makes in the device's name. False: no room for it now. */
  #ownPoint(type: string, key: string, value: PointValue, tombstone = 0): boolean {
    const record = this.replica.own(type, key);
    const time = record.giveTime(this.#arrival().ns);
    const point = asOwner({ type, key, time, value, tombstone, origin: '' }, time);
    const outcome = this.host.report([point], () => undefined);
    if (outcome === 'full') {
      this.counters.discard('outboxFull', { type });
      return false;
    }
    if (outcome === 'dropped') this.counters.discard('nodeDeleted', { type });
    record.merge(point, false);
    return true;
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

  #acknowledge(sequence: number): void {
    const { codec } = this.#codecs;
    if (codec === undefined || !this.#open) return;
    // Unread acks help nobody: the device will send its packet again.
    if (this.host.congested()) return;
    this.#write(this.#outgoing.ack(sequence, codec));
  }

  /** By a packet that is no echo of ours, as far as is known. */
  #heard(): void {
    this.#possibleEchoes.surelyHeard();
    this.downlink.heard();
    this.#presence.heard();
  }

  #arrival(): Arrival {
    if (!this.#inChunk) return this.#now();
    return (this.#chunkArrival ??= this.#now());
  }

  #now(): Arrival {
    return { ns: this.clock.wallNs(), ms: this.clock.monotonicMs() };
  }
}
