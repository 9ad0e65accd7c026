/**
 * A link's node in SIOT: what others publish there is routed, what the store lacks is
 * sent again, and what is known of the link is published as points of the node.
 *
 * ```
 *  SIOT ─► heard ─► SettingRateLimiter ─► RemotePointRouter ─► session
 *       ─► read ──────────────────────────────┘ └─► resent: what the store lacks
 *       ◄─ status ◄─ Statistics, Limits
 * ```
 */
import type { OutboxLane } from '../../outbox/outbox.js';
import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { Point } from '../../point/point.js';
import type { DeviceSession, DeviceSessionHost } from '../../session/device-session.js';
import type { Heard } from '../../session/settings/time.js';
import type { DropCause, NodeLife, Siot, SiotNode, SiotNodeEvents } from '../../siot/siot.js';
import type { BusStatus, Transport } from '../../transport/transport.js';
import type { LinkConfig } from '../config/config.js';
import type { LinkRecord } from '../state/link-record.js';
import type { Saver } from '../state/saver.js';
import type { DescriptionOverrides } from './description-overrides.js';
import type { FileGauge, LinkFiles } from './link-files.js';
import { Downloads, type Download, type DownloadsHost } from './downloads.js';
import { Limits, type LimitCause, type LimitsHost } from './limits.js';
import { OutboxAlarm, type OutboxAlarmHost } from './outbox-alarm.js';
import { pointsToResend } from './points-to-resend.js';
import { RemotePointRouter, type RemotePointHost } from './remote-point-router.js';
import { Resender, type ResenderHost } from './resender.js';
import { SettingRateLimiter } from './setting-rate-limiter.js';
import { PUBLISH_EVERY_MS, Statistics, type LinkGauges } from './statistics.js';

/** Where more than this part of a lane is used, points that are resent wait: new points of the device come first. */
const CROWDED = 0.5;

/** What the node works with, of its link and of the gateway. */
interface LinkNodeParts {
  readonly config: LinkConfig;
  readonly nodeId: string;
  readonly session: DeviceSession;
  /** That the session reads. */
  readonly transport: Transport;
  readonly lane: OutboxLane;
  readonly descriptions: DescriptionOverrides;
  readonly saver: Saver;
  readonly files: LinkFiles;
  readonly clock: Clock;
  readonly log: Log;
  /** From an earlier life. */
  readonly record: LinkRecord;
}

/** The link whose node it is. */
export interface LinkNodeHost extends Pick<DeviceSessionHost, 'report'> {
  /** Somebody has stopped the link in SIOT, or has started it again. */
  disable(disabled: boolean): void;
}

/** What a link does on its node in SIOT; see the top of this file. */
export class LinkNode
  implements
    SiotNodeEvents,
    RemotePointHost,
    ResenderHost,
    LinkGauges,
    LimitsHost,
    OutboxAlarmHost,
    DownloadsHost
{
  readonly router: RemotePointRouter;
  /** Before the router, for what is live. */
  readonly rateLimiter: SettingRateLimiter;
  readonly statistics: Statistics;
  readonly limits: Limits;
  readonly outboxAlarm: OutboxAlarm;
  readonly #downloads: Downloads;
  /** Of what the store lacks. */
  readonly #resender: Resender;
  /** Of a device's description that may be published again. */
  readonly #describer: Resender;
  #node: SiotNode | undefined;
  #state: NodeLife = 'unknown';
  #timer: Timer | undefined;

  constructor(
    private readonly parts: LinkNodeParts,
    private readonly host: LinkNodeHost,
  ) {
    const { config, nodeId, session, lane, clock, log } = parts;
    const { settings, replica, counters } = session.state;
    this.router = new RemotePointRouter(
      { nodeId, session: session.settings, settings, replica, counters, host: this, clock, log },
      parts.record.judge ?? {},
    );
    this.rateLimiter = new SettingRateLimiter({
      router: this.router,
      session: session.settings,
      counters,
      quota: settings.quota,
      node: this,
      clock,
      mostNew: config.maxPoints,
    });
    this.limits = new Limits(counters, clock, log, this);
    this.outboxAlarm = new OutboxAlarm(lane, this, clock, log);
    this.statistics = new Statistics(counters, clock, this);
    this.#downloads = new Downloads(parts, this);
    this.#resender = new Resender(this, clock);
    this.#describer = new Resender(this, clock);
  }

  get state(): NodeLife {
    return this.#state;
  }

  /** The link had left the configuration: its node may be marked so. To be called before {@link attach}. */
  cameBack(): void {
    this.statistics.cameBack();
  }

  /** Publishes statistics from now on. */
  start(): void {
    this.#look();
  }

  /** What waits to be routed is routed, and the last statistics are published. */
  stop(): void {
    this.rateLimiter.flush();
    this.#timer?.cancel();
    this.#downloads.stop();
    this.#resender.stop();
    this.#describer.stop();
    this.#publishChanged();
  }

  /** Joins the link to SIOT, again when the connection is another. */
  attach(siot: Siot): void {
    const { config, nodeId } = this.parts;
    const { type, description } = config.node;
    this.#state = 'unknown';
    const { name, highRateNode } = config;
    const spec = { id: nodeId, type, description, name };
    this.#node = siot.addNode(highRateNode === undefined ? spec : { ...spec, highRateNode }, this);
    this.#publishAll();
    this.parts.saver.soon();
  }

  /** Ends what is done for the node here; the node itself stays in SIOT. */
  async detach(): Promise<void> {
    await this.#node?.remove();
    this.#node = undefined;
  }

  /** Samples of the device, best effort. `dropped`: somebody deleted the node. */
  stream(payload: Uint8Array): 'taken' | 'dropped' {
    if (this.#state === 'deleted' || this.#node === undefined) return 'dropped';
    this.#node.stream(payload);
    return 'taken';
  }

  /** SIOT may have what was not heard of. */
  readAgain(): void {
    this.#node?.readAgain();
  }

  connected(connected: boolean): void {
    this.#node?.status([this.statistics.connected(connected)]);
    this.parts.saver.soon();
  }

  /** A bus that comes or goes is told at once. */
  busChanged(): void {
    if (this.parts.transport.bus === undefined || this.#state === 'deleted') return;
    this.#node?.status(this.statistics.busChanged());
  }

  /** How far a file for the device is. */
  fileChanged(): void {
    if (this.#state !== 'deleted') this.#node?.status(this.statistics.fileChanged());
    const { gauge, download } = this.parts.files;
    // Another one may have been asked for, and not have been read yet.
    const isOurs = download !== undefined && download === this.download.time;
    if (isOurs && gauge?.state !== 'sending') this.downloadEnded();
  }

  // Files that somebody starts in SIOT (DownloadsHost).

  get download(): Download {
    return this.router.download;
  }

  async fileNodes(): Promise<readonly (readonly Point[])[] | string> {
    return (await this.#node?.children('file')) ?? 'SIOT does not answer';
  }

  downloadEnded(): void {
    const ended = this.router.downloadEnded();
    if (ended === undefined) return;
    this.#node?.status([ended]);
    this.parts.saver.soon();
  }

  // Events of the node in SIOT (SiotNodeEvents).

  heard(points: readonly Point[]): void {
    const owners = points.filter((point) => this.#isOwners(point));
    if (owners.length > 0) this.#markedByAnother(owners);
    const ofOthers = this.router.ofOthers(points);
    if (ofOthers.length > 0) this.router.live(this.rateLimiter.admit(ofOthers));
  }

  read(points: readonly Point[], everything: boolean): void {
    const { session, lane, saver, clock } = this.parts;
    this.#node?.status(this.statistics.read(points, session.state.connected));
    session.state.read(points, lane.length > 0);
    const owners = points.filter((point) => this.#isOwners(point));
    session.state.replica.givenBefore(owners);
    this.router.reading(points);
    session.settings.shown(owners);
    void this.#downloads.resume();
    if (everything) this.#publishAll();
    this.#resender.send(pointsToResend(session, points, everything, clock.wallNs()));
    saver.soon();
  }

  life(life: NodeLife): void {
    this.#state = life;
  }

  withholds(point: Point): boolean {
    return this.parts.descriptions.withholdsQueued(point);
  }

  dropped(cause: DropCause, points: readonly Point[]): void {
    this.parts.session.state.counters.discard(cause, {}, points.length);
  }

  streamDropped(packets: number, why: string): void {
    this.parts.session.state.counters.discard('highRateDropped', { why }, packets);
  }

  // What the router finds that acts on the link (RemotePointHost).

  disable(disabled: boolean): void {
    this.host.disable(disabled);
  }

  show(point: Point): void {
    this.#node?.status([point]);
  }

  downloadAsked(): void {
    // Without a store there is no other copy of it.
    this.parts.saver.promptly();
    this.#downloads.asked();
  }

  reset(point: Point): void {
    this.#node?.status(this.statistics.reset(point));
  }

  described(point: Point, heard: Heard): void {
    const own = this.parts.descriptions.heard(point, heard);
    if (own !== undefined) this.#describer.send([own].values());
  }

  // What is sent once more (ResenderHost).

  get isCrowded(): boolean {
    return this.parts.lane.used > CROWDED;
  }

  resend(point: Point): boolean {
    if (this.parts.descriptions.withholds(point)) return true;
    return this.host.report([point], () => undefined) !== 'full';
  }

  // What the statistics say of the present (LinkGauges).

  get pendingCount(): number {
    return this.parts.session.downlink.pendingCount + this.rateLimiter.size;
  }

  get limited(): ReadonlyMap<LimitCause, boolean> {
    return this.limits.all();
  }

  get stale(): ReadonlyMap<string, boolean> {
    return this.parts.session.state.ages.stale;
  }

  get outboxFull(): boolean {
    return this.outboxAlarm.isFull;
  }

  get file(): FileGauge | undefined {
    return this.parts.files.gauge;
  }

  get bus(): BusStatus | undefined {
    return this.parts.transport.bus?.();
  }

  limitsChanged(): void {
    this.#publishChanged();
  }

  /** A point has become stale, or is not any more. */
  staleChanged(): void {
    this.#publishChanged();
  }

  outboxBecameFull(): void {
    this.#publishChanged();
  }

  #look(): void {
    this.#timer = this.parts.clock.setTimer(PUBLISH_EVERY_MS, () => this.#look());
    this.limits.look();
    this.statistics.measure();
    if (this.#node === undefined || this.#state === 'deleted') return;
    const changed = this.statistics.changed();
    if (changed.length > 0) this.#node.status(changed);
  }

  #publishChanged(): void {
    this.#node?.status(this.statistics.changed());
  }

  #publishAll(): void {
    this.#node?.status(this.statistics.all(this.parts.session.state.connected));
  }

  #markedByAnother(points: readonly Point[]): void {
    if (this.#state === 'deleted') return;
    const { connected } = this.parts.session.state;
    const changed = this.statistics.markedByAnother(points, connected);
    if (changed.length === 0) return;
    this.parts.log.warn(
      {},
      'another gateway has marked the node as removed: taken back; it has a link of this node in its stateDir',
    );
    this.#node?.status(changed);
    this.parts.saver.soon();
  }

  #isOwners({ origin }: Point): boolean {
    return origin === '' || origin === this.parts.nodeId;
  }
}
