/**
 * One link's session with a device that sends and acknowledges packets, over all
 * openings of the channel (docs/contract.md, "Towards the device"; docs/siot.md, 2).
 *
 * ```
 *                   own echo?
 *  bytes ─► frames ─► packets ─► subjects ─┬─ points ─► filter ─► uplink ─► outbox, then an ack
 *                                          │     └────► reconciler ────┐
 *                                          ├─ ack ────► sender ────────┤
 *                                          ├─ hello ──► restart? ─► resync
 *                                          └─ log, phr, file           ▼
 *  bytes ◄─ frames ◄─ packets ◄─────────────── sender ◄──────────── settings ◄── set in SIOT
 * ```
 */
import type { Packet } from '../../packet/packet.js';
import type { PayloadCodec, PayloadCodecName } from '../../packet/payload.js';
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { Point, PointValue } from '../../point/point.js';
import { CodecChoice, type CodecChoiceHost } from '../codec/choice.js';
import type {
  DeviceSession,
  DeviceSessionHost,
  DeviceSessionRecord,
  SessionChannel,
  SessionInput,
} from '../device-session.js';
import type { NodeState } from '../node-state.js';
import type { Acknowledges } from '../node/presence.js';
import { valueForDevice, valueOfWord } from '../node/reported-kinds.js';
import type { SettingRefusal } from '../node/setting-quota.js';
import type { Arrival } from '../receiving/device-time.js';
import type { TakenPoint } from '../receiving/point-filter.js';
import { ReportRound } from '../receiving/report-round.js';
import { RestartDetector, type RestartSign } from '../receiving/restart.js';
import { ResyncLimiter, type ResyncHost } from '../receiving/resync-limiter.js';
import { Outgoing } from '../sending/outgoing.js';
import { PossibleEchoes } from '../sending/possible-echoes.js';
import { ReliableSender, type SenderHost, type SenderOptions } from '../sending/sender.js';
import { TimeSync } from '../sending/time-sync.js';
import {
  SettingsClient,
  type SettingsClientHost,
  type SettingsClientOptions,
} from '../settings/client.js';
import { SettingPublisher, type SettingPublisherHost } from '../settings/publisher.js';
import { SettingReconciler, type SettingReconcilerHost } from '../settings/reconciler.js';
import type { Setting } from '../settings/setting.js';
import type { Heard } from '../settings/time.js';
import { PacketLine, type PacketLineHost, type PacketLineOptions } from './line.js';
import type { PacketServices, SubjectHandler, SubjectHandlerClass } from './subject.js';
import { SUBJECTS } from './subjects.js';
import { PointsHandler } from './subjects/points.js';

/** `Unit`: of the channel below the framing. */
export interface PacketSessionOptions<Unit = Uint8Array>
  extends SenderOptions, SettingsClientOptions, PacketLineOptions<Unit> {
  readonly protocol: 'auto' | PayloadCodecName;
  /** What packets mean, by their subject; all others have points. */
  readonly subjects?: Readonly<Record<string, SubjectHandlerClass>>;
}

export class PacketSession<Unit = Uint8Array>
  implements
    DeviceSession,
    SessionInput<Unit>,
    PacketServices,
    PacketLineHost,
    CodecChoiceHost,
    ResyncHost,
    SenderHost,
    SettingsClientHost,
    SettingPublisherHost,
    SettingReconcilerHost
{
  readonly line: PacketLine<Unit>;
  readonly codecs: CodecChoice;
  readonly sender: ReliableSender;
  readonly downlink: SettingsClient;
  readonly restarts: RestartDetector;
  readonly possibleEchoes = new PossibleEchoes();
  readonly maxFrameLength: number;
  readonly #outgoing: Outgoing;
  readonly #time: TimeSync;
  readonly #reconciler: SettingReconciler;
  readonly #resync: ResyncLimiter;
  readonly #points: SubjectHandler;
  readonly #subjects: ReadonlyMap<string, SubjectHandler>;

  /** Of the chunk in work, once it has a frame. */
  #arrival: Arrival | undefined;
  /** In one packet of it. */
  #mostPoints = 0;
  /** The packet in work is a sign of life. */
  #isHeard = false;

  #open = false;
  #held = false;

  constructor(
    readonly host: DeviceSessionHost,
    channel: SessionChannel<Unit>,
    options: PacketSessionOptions<Unit>,
    readonly state: NodeState,
    readonly clock: Clock,
    private readonly log: Log,
    record: DeviceSessionRecord,
  ) {
    const { counters, settings, replica } = state;
    this.maxFrameLength = options.maxFrameLength;
    this.line = new PacketLine(this, channel, options, clock, counters, log);
    this.restarts = new RestartDetector(clock, record.last ?? {});
    this.#resync = new ResyncLimiter(this, clock, record.resyncDue === true);
    const round = new ReportRound(clock);
    this.#outgoing = new Outgoing(
      (packet) => options.framing.encode(packet),
      record.sequence ?? 0,
      () => round.timeSent(),
    );
    this.codecs = new CodecChoice(
      this,
      options.protocol,
      record.codec,
      clock,
      counters,
      log,
      options.ackTimeoutMs,
    );
    const acknowledges = record.acknowledges ?? 'unknown';
    this.sender = new ReliableSender(this, this.line, clock, counters, options, acknowledges);
    this.#time = new TimeSync(this.sender, this.#outgoing, clock);
    this.downlink = new SettingsClient(
      this,
      this.sender,
      settings,
      new SettingPublisher(this, replica, clock),
      this.#outgoing,
      clock,
      counters,
      log,
      options,
    );
    const { outcomes } = this.downlink;
    this.#reconciler = new SettingReconciler(this, settings, outcomes, replica, round, clock);
    this.sender.attach(this.#time);
    this.sender.attach(this.downlink);
    this.#points = new PointsHandler(this);
    this.#subjects = new Map(
      Object.entries(options.subjects ?? SUBJECTS).map(([subject, Handler]) => [
        subject,
        new Handler(this),
      ]),
    );
  }

  // A device session.

  get echoes(): boolean {
    return this.line.echoes;
  }

  get codecName(): PayloadCodecName | 'unknown' {
    return this.codecs.codec?.name ?? 'unknown';
  }

  get advice(): string | undefined {
    return this.codecs.advice;
  }

  recordWithoutSettings(): Omit<DeviceSessionRecord, 'settings'> {
    const { codec } = this.codecs;
    return {
      ...(codec === undefined ? {} : { codec: codec.name }),
      acknowledges: this.sender.acknowledges,
      sequence: this.#outgoing.sequence,
      last: this.restarts.lastKnown,
      ...(this.#resync.due ? { resyncDue: true } : {}),
    };
  }

  opened(): void {
    this.#open = true;
    this.line.opened();
    for (const handler of this.#handlers()) handler.opened?.();
    this.possibleEchoes.opened();
    // Before the opening is served, so that the time goes out once.
    this.#resync.opened();
    this.sender.opened();
    this.codecs.opened();
  }

  closed(): void {
    this.#open = false;
    this.codecs.closed();
    this.#resync.closed();
    this.line.closed();
    this.downlink.closed();
    this.sender.closed();
    this.state.closed();
  }

  data(unit: Unit): number {
    this.#arrival = undefined;
    this.#mostPoints = 0;
    this.line.data(unit);
    return this.#mostPoints;
  }

  /** A device that is held gets acknowledgements all the same. */
  hold(held: boolean): void {
    this.#held = held;
    if (!held && this.codecs.codec !== undefined) this.sender.codecKnown();
  }

  recordKept(): void {
    this.downlink.stateKept();
  }

  whyNotSet(point: Point): string | undefined {
    return this.state.settings.whyNot(point);
  }

  valueOfWord(type: string, key: string, word: string): PointValue {
    return valueOfWord(word, this.state.kinds.of(type, key));
  }

  inDeviceForm({ point }: Setting): PointValue {
    return valueForDevice(point.value, this.state.kinds.of(point.type, point.key));
  }

  set(point: Point, heard: Heard = 'live'): Setting | undefined {
    const taken = this.state.takeSetting(this.#reconciler.withLastValue(point), heard);
    if (typeof taken === 'string') this.refuse(point, taken);
    if (taken === undefined || typeof taken === 'string') return undefined;
    const { setting, replaced } = taken;
    setting.spelling ??= this.state.replica.find(point.type, point.key)?.spelling;
    this.host.changed();
    this.downlink.add(setting, replaced);
    if (replaced !== undefined) this.host.settingChanged(replaced);
    this.host.settingChanged(setting);
    return setting;
  }

  refuse(point: Point, cause: SettingRefusal): void {
    const older = this.state.refuseSetting(point, cause);
    if (older !== undefined) this.downlink.outcomes.on(older, { type: 'noRoom' });
  }

  shown(points: readonly Point[]): void {
    this.state.kinds.shown(points);
    this.#reconciler.shown(points);
  }

  clockStepped(): void {
    if (this.#open) this.#time.send();
  }

  // Packets that come.

  packet(packet: Packet, doubtful: boolean): void {
    this.#arrival ??= { ns: this.clock.wallNs(), ms: this.clock.monotonicMs() };
    const handler = this.#subjects.get(packet.subject) ?? this.#points;
    const points = handler.packet(packet, this.#arrival, doubtful);
    if (points > this.#mostPoints) this.#mostPoints = points;
    // Now, since a packet that tells of a restart has been answered with a resync.
    if (!this.#isHeard) return;
    this.#isHeard = false;
    this.sender.awake();
  }

  echoRecognised(sinceMs: number): void {
    const back = this.possibleEchoes.take(sinceMs);
    if (back.life?.connected === false) this.state.presence.gone();
    this.sender.takeBack(back);
    this.host.changed();
  }

  heard(doubtful = false): void {
    this.#isHeard = true;
    if (!doubtful) this.possibleEchoes.surelyHeard();
    this.sender.heard();
    this.state.presence.heard(this.sender);
  }

  restarted(sign: RestartSign | undefined): void {
    if (sign === undefined) return;
    this.state.counters.notice('restart');
    // Until that one is served, more of them are no news.
    if (!this.#resync.due) this.log.info({ sign }, 'the device has restarted');
    for (const handler of this.#handlers()) handler.restarted?.();
    this.sender.restarted();
    this.host.changed();
    this.#resync.restarted();
  }

  acknowledge(sequence: number): void {
    const { codec } = this.codecs;
    if (codec === undefined || !this.#open) return;
    // Unread acks help nobody: the device will send its packet again.
    if (this.line.congested()) return;
    this.line.write(this.#outgoing.ack(sequence, codec));
  }

  pointsReported(points: readonly TakenPoint[]): void {
    // What another board says of a setting is nothing that the right one has done.
    const { codec } = this.codecs;
    if (this.#held || codec === undefined) return;
    for (const one of points) {
      this.state.kinds.reported(one.record, one.point, codec.name);
      this.#reconciler.reported(one);
    }
  }

  *#handlers(): Generator<SubjectHandler> {
    yield this.#points;
    yield* this.#subjects.values();
  }

  // The codec, and the device after a restart.

  /** Past the sender, which sends nothing before the codec is known. */
  sendTime(codec: PayloadCodec): number | undefined {
    // There will be others, and a time that comes late is wrong.
    if (this.line.congested()) return undefined;
    const packet = this.#outgoing.timeSync(this.clock.wallNs(), codec);
    this.line.write(packet);
    return packet.sequence;
  }

  codecKnown(): void {
    this.host.changed();
    this.sender.codecKnown();
  }

  probeAnswered(): void {
    this.sender.answered();
  }

  probesUnanswered(): void {
    this.state.presence.probesUnanswered(this.sender);
  }

  resync(): void {
    this.sender.resync();
    this.host.changed();
  }

  resyncWaits(): void {
    this.sender.pump();
  }

  // What the sender and the settings need.

  codec(): PayloadCodec | undefined {
    return this.#held ? undefined : this.codecs.codec;
  }

  lastValue(type: string, key: string): Point | undefined {
    return this.state.replica.find(type, key)?.newest;
  }

  changed(setting: Setting): void {
    this.state.settingChanged(setting);
  }

  silent(): void {
    this.state.presence.gone();
  }

  learned(acknowledges: Acknowledges): void {
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

  saved(then: (kept: boolean) => void): void {
    this.host.saved(then);
  }

  resyncing(): boolean {
    return this.#resync.due || this.downlink.restoring;
  }

  reported(setting: Setting): void {
    this.host.settingReported(setting);
  }

  publish(type: string, key: string, value: PointValue, tombstone: number): boolean {
    return this.state.publishOwn(type, key, value, tombstone);
  }

  askAll(): void {
    this.#time.send();
  }
}
