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
import { ACK_SUBJECT, type Packet } from '../../packet/packet.js';
import type { PayloadCodec, PayloadCodecName } from '../../packet/payload.js';
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { Point } from '../../point/point.js';
import { CodecChoice, type CodecChoiceHost } from '../codec/choice.js';
import type {
  DeviceSession,
  DeviceSessionHost,
  DeviceSessionRecord,
  SessionChannel,
  SessionInput,
} from '../device-session.js';
import type { Expected } from '../diagnosis/analyse.js';
import { Diagnoser, type DiagnosedLine, type DeviceLife } from '../diagnosis/diagnoser.js';
import { STANDS_OR_DEAF, type Diagnosis } from '../diagnosis/diagnosis.js';
import { FileClient, type FileClientHost } from '../files/client.js';
import type { NodeState } from '../node-state.js';
import type { Acknowledges } from '../node/presence.js';
import { DeviceClock, type Arrival } from '../receiving/device-time.js';
import { ReportRound } from '../receiving/report-round.js';
import { RestartDetector, type RestartSign } from '../receiving/restart.js';
import { ResyncLimiter, type ResyncHost } from '../receiving/resync-limiter.js';
import { Outgoing } from '../sending/outgoing.js';
import { PossibleEchoes } from '../sending/possible-echoes.js';
import { ReliableSender, type SenderHost, type SenderOptions } from '../sending/sender.js';
import { TimeSync } from '../sending/time-sync.js';
import type { SettingsClient, SettingsClientOptions } from '../settings/client.js';
import { PacketLine, type PacketLineHost, type PacketLineOptions } from './line.js';
import { PacketSettings, type SettingServices } from './settings.js';
import type { PacketServices, SubjectHandler, SubjectHandlerClass } from './subject.js';
import { SUBJECTS } from './subjects.js';
import { PointsHandler } from './subjects/points.js';

/** `Unit`: of the channel below the framing. */
export interface PacketSessionOptions<Unit = Uint8Array>
  extends SenderOptions, SettingsClientOptions, PacketLineOptions<Unit> {
  /** `auto`: as the device's payloads are. */
  readonly codec: 'auto' | PayloadCodecName;
  /** What packets mean, by their subject; all others have points. */
  readonly subjects?: Readonly<Record<string, SubjectHandlerClass>>;
}

/** `Unit`: of the channel below the framing. */
export class PacketSession<Unit = Uint8Array>
  implements
    DeviceSession,
    SessionInput<Unit>,
    PacketServices,
    PacketLineHost,
    CodecChoiceHost,
    ResyncHost,
    SenderHost,
    SettingServices,
    FileClientHost,
    DiagnosedLine
{
  readonly diagnoser: Diagnoser;
  readonly line: PacketLine<Unit>;
  readonly codecs: CodecChoice;
  readonly sender: ReliableSender;
  readonly settings: PacketSettings;
  readonly downlink: SettingsClient;
  readonly files: FileClient;
  readonly restarts: RestartDetector;
  readonly deviceClock = new DeviceClock();
  readonly possibleEchoes = new PossibleEchoes();
  readonly maxFrameLength: number;
  readonly outgoing: Outgoing;
  readonly round: ReportRound;
  readonly timeSync: TimeSync;
  readonly #resync: ResyncLimiter;
  readonly #points: SubjectHandler;
  readonly #subjects: ReadonlyMap<string, SubjectHandler>;

  /** See {@link PacketServices}. */
  sequenceBefore: number | undefined;
  /** When the chunk that is being processed came; `undefined` before its first packet. */
  #arrival: Arrival | undefined;
  /** Points in the largest packet of that chunk. */
  #mostPoints = 0;
  /** The packet that is being processed is a sign of life. */
  #isHeard = false;
  /** It says by which scale settings are to be sent again. */
  #isRescaled = false;

  /** Monotonic ms of what was heard last before this opening. */
  #heardBeforeMs: number | undefined;
  #open = false;
  #held = false;

  constructor(
    readonly host: DeviceSessionHost,
    channel: SessionChannel<Unit>,
    private readonly options: PacketSessionOptions<Unit>,
    readonly state: NodeState,
    readonly clock: Clock,
    private readonly log: Log,
    record: DeviceSessionRecord,
  ) {
    const { counters } = state;
    this.maxFrameLength = options.maxFrameLength;
    this.diagnoser = new Diagnoser(this, clock, log);
    this.line = new PacketLine(this, channel, options, clock, counters, log, this.diagnoser);
    this.restarts = new RestartDetector(clock, record.last ?? {});
    this.#resync = new ResyncLimiter(this, clock, record.resyncDue === true);
    this.round = new ReportRound(clock);
    this.outgoing = new Outgoing(options.framing, record.sequence ?? 0, this.round);
    this.codecs = new CodecChoice(
      this,
      options.codec,
      record.codec,
      clock,
      counters,
      log,
      options.ackTimeoutMs,
    );
    const acknowledges = record.acknowledges ?? 'unknown';
    this.sender = new ReliableSender(this, this.line, clock, counters, options, acknowledges);
    this.timeSync = new TimeSync(this.sender, this.outgoing, clock);
    this.settings = new PacketSettings(this, options, log);
    this.downlink = this.settings.client;
    this.files = new FileClient(this, this.sender, this.outgoing, clock, log);
    this.sender.attach(this.timeSync);
    this.sender.attach(this.downlink);
    this.sender.attach(this.files);
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

  get diagnosis(): Diagnosis | undefined {
    if (!this.codecs.isMixed) this.diagnoser.retract('twoCodecs');
    return this.diagnoser.diagnosis;
  }

  get heardMs(): number | undefined {
    return this.sender.heardMs ?? this.#heardBeforeMs;
  }

  get roundTripMs(): number | undefined {
    return this.sender.roundTripMs;
  }

  recordWithoutSettings(): Omit<DeviceSessionRecord, 'settings'> {
    const { codec } = this.codecs;
    return {
      ...(codec === undefined ? {} : { codec: codec.name }),
      acknowledges: this.sender.acknowledges,
      sequence: this.outgoing.sequence,
      last: this.restarts.lastKnown,
      ...(this.#resync.due ? { resyncDue: true } : {}),
    };
  }

  opened(): void {
    this.#open = true;
    this.#heardBeforeMs = this.heardMs;
    this.line.opened();
    this.diagnoser.opened();
    this.deviceClock.reset();
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
    this.diagnoser.closed();
    this.downlink.closed();
    this.sender.closed();
    // Not before: the next packet would be sent at once.
    this.files.closed();
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

  clockStepped(): void {
    if (this.#open) this.timeSync.send();
  }

  expected(): Expected {
    const { maxFrameLength, codec, listener } = this.options;
    return { maxFrameLength, codec, listener, echoes: this.echoes };
  }

  life(): DeviceLife {
    if (!this.state.presence.connected) return 'gone';
    return this.sender.acknowledges === 'yes' ? 'answers' : 'unknown';
  }

  // Packets that come.

  packet(packet: Packet, doubtful: boolean): void {
    this.#arrival ??= { ns: this.clock.wallNs(), ms: this.clock.monotonicMs() };
    const handler = this.#subjects.get(packet.subject) ?? this.#points;
    const points = handler.packet(packet, this.#arrival, doubtful);
    if (points > this.#mostPoints) this.#mostPoints = points;
    if (packet.subject !== ACK_SUBJECT) this.sequenceBefore = packet.sequence;
    if (this.#isRescaled) {
      // Not before: what else it reports was said before the device could have them.
      this.#isRescaled = false;
      this.sender.pump();
    }
    // Not before: a packet that tells of a restart is answered with a resync first.
    if (!this.#isHeard) return;
    this.#isHeard = false;
    this.sender.awake();
  }

  printed(line: string): void {
    this.state.deviceLog.printed(line);
  }

  printedTooMuch(): void {
    this.state.deviceLog.leftOut();
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
    // Until the resync, others are not told.
    if (!this.#resync.due) {
      this.log.info({ sign }, 'the device has restarted');
      const packets = this.line.recent.all(this.codecs.codec);
      this.host.deviceRestarted({ sign, ...this.restarts.evidence(sign), packets });
    }
    this.deviceClock.reset();
    for (const handler of this.#handlers()) handler.restarted?.();
    this.sender.restarted();
    this.host.changed();
    this.#resync.restarted();
  }

  acknowledge(sequence: number): boolean {
    const { codec } = this.codecs;
    if (codec === undefined || !this.#open) return false;
    // An ack that waits comes too late: the device will send its packet again.
    if (this.line.congested()) return false;
    this.line.write(this.outgoing.ack(sequence, codec));
    return true;
  }

  sequenceStands(stands: boolean, sequence: number, evidence: 'differ' | 'equal'): void {
    if (!stands) {
      this.diagnoser.retract('sequenceStands');
      return;
    }
    const always = `the sequence of their packets is always ${String(sequence)}`;
    if (evidence === 'differ') {
      this.diagnoser.note('sequenceStands', `points arrive, and ${always}`);
    } else {
      const what = `points arrive, ${always}, and all are the same`;
      // A device that acknowledges hears the gateway.
      const advice = this.diagnoser.hasAcknowledged ? undefined : STANDS_OR_DEAF;
      this.diagnoser.note('sequenceStands', what, advice);
    }
  }

  unheard(unheard: boolean): void {
    const what = 'points arrive, and their packets are repeated though they were acknowledged';
    if (unheard) this.diagnoser.note('deaf', what);
    else this.diagnoser.retract('deaf');
  }

  mixed(): void {
    this.diagnoser.note('twoCodecs', 'points come in two codecs by turns');
  }

  *#handlers(): Generator<SubjectHandler> {
    yield this.#points;
    yield* this.#subjects.values();
  }

  // The codec, and the device after a restart.

  /** Not by the sender, which sends nothing before the codec is known. */
  sendTime(codec: PayloadCodec): number | undefined {
    // A time that comes late is wrong, and another probe follows.
    if (this.line.congested()) return undefined;
    const packet = this.outgoing.timeSync(this.clock.wallNs(), codec);
    this.line.write(packet);
    return packet.sequence;
  }

  decoded(points: readonly Point[]): void {
    if (this.state.infos.heard(points) && this.settings.rescale()) this.#isRescaled = true;
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

  get resyncDue(): boolean {
    return this.#resync.due;
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
}
