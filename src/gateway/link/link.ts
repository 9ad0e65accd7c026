/**
 * One attached device: its channel, its session, and its node in SIOT, joined.
 *
 * ```
 *  transport ─► ChannelKeeper ─► SchedulerSlot ─► DeviceSession ─► report ─► outbox ─► SIOT
 *            ◄─ ChannelKeeper ◄───────────────────────┘ ▲
 *                                                      └── LinkNode ◄──────────────── SIOT
 * ```
 */
import type { Outbox, OutboxLane } from '../../outbox/outbox.js';
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { PointInfo } from '../../point/point-info.js';
import { stringValue, type Point, type PointValue } from '../../point/point.js';
import { RESTART_TYPE } from '../../point/reserved.js';
import type {
  DeviceRestart,
  DeviceSession,
  DeviceSessionHost,
} from '../../session/device-session.js';
import type { KnownNames } from '../../session/node-state.js';
import type { LogRing } from '../../session/node/log-ring.js';
import type { KnownTarget } from '../../session/node/point-infos.js';
import type { PointBudget } from '../../session/node/point-quota.js';
import type { Setting } from '../../session/settings/setting.js';
import type { Tap } from '../../transport/tap.js';
import type { ChannelDiscard, Transport } from '../../transport/transport.js';
import type { LinkConfig } from '../config/config.js';
import type { FileToDevice } from '../state/file-to-device.js';
import type { LinkFile } from '../state/link-file.js';
import type { LinkRecord } from '../state/link-record.js';
import type { NamesFile } from '../state/names-file.js';
import type { RestartFile, RestartFiles } from '../state/restart-files.js';
import { Saver } from '../state/saver.js';
import type { ChannelHandler, LinkChannel } from './channel-keeper.js';
import type { LinkSlot } from './device-protocol.js';
import { DescriptionOverrides } from './description-overrides.js';
import { formatOf, type LinkFormat } from './format.js';
import type { KeptLog } from './kept-log.js';
import { LinkFiles, type LinkFilesHost } from './link-files.js';
import { tellTimes } from './known-times.js';
import { Restarts, type RestartHost } from './restarts.js';
import { LinkNode, type LinkNodeHost } from './link-node.js';
import { disables, isOwnSwitch } from './remote-point-router.js';
import type { Scheduler } from './scheduler.js';
import { createSession } from './sessions.js';
import { SettingTimestamps } from './setting-timestamps.js';
import { pendingOf, summaryOf, whyPending, type DescribedLink } from './described-link.js';
import type { LinkSummary, LinkView, PendingSetting } from './status.js';
import { UnpublishedSettings } from './unpublished-settings.js';

/** What a link works with: its configuration, what was kept of it, and what all links share. */
interface LinkParts {
  readonly config: LinkConfig;
  readonly nodeId: string;
  readonly transport: Transport;
  readonly outbox: Outbox;
  readonly budget: PointBudget;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly file: LinkFile;
  readonly names: NamesFile;
  /** As `names` had them. */
  readonly knownNames: KnownNames;
  readonly record: LinkRecord;
  /** For its device, on disk. */
  readonly fileToDevice: FileToDevice;
  /** How long files are sent to a device that is not heard, ms; as the configuration says now. */
  readonly giveUpMs: () => number;
  /** Of all links that have had this name: it outlives them. */
  readonly tap: Tap;
  /** Of all links that its node has had: it outlives them. */
  readonly keptLog: KeptLog;
  readonly restartFiles: { readonly folder: string; readonly files: RestartFiles };
}

type SettingWatcher = (setting: Setting) => void;

/** One attached device, for as long as its configuration is the same. */
export class Link
  implements LinkView, DeviceSessionHost, ChannelHandler, LinkNodeHost, LinkFilesHost, RestartHost
{
  /** Its node in SIOT. */
  readonly node: LinkNode;
  /** For its device. */
  readonly files: LinkFiles;
  readonly #session: DeviceSession;
  readonly #lane: OutboxLane;
  readonly #saver: Saver;
  readonly #descriptions: DescriptionOverrides;
  readonly #unpublished: UnpublishedSettings;
  readonly #slot: LinkSlot;
  readonly #channel: LinkChannel;
  readonly #restarts: Restarts;
  readonly #watchers = new Set<SettingWatcher>();
  readonly #timestamps = new SettingTimestamps();
  /** Why settings are held back, for people. */
  #held: string | undefined;
  #running = false;

  constructor(private readonly parts: LinkParts) {
    const { config, outbox, clock, record } = parts;
    const { session, channel, connect } = createSession(parts, this);
    const { settings, counters } = session.state;
    this.#session = session;
    this.#channel = channel;
    session.state.restoreNames(parts.knownNames);
    const lane = outbox.lane(parts.nodeId, {
      backlog: config.backlog,
      onSuperseded: (count) => counters.notice('superseded', count),
      onUnwritable: (points) => counters.discard('unwritable', {}, points.length),
    });
    this.#lane = lane;
    tellTimes(lane, session.state.replica, clock);
    const saver = new Saver(clock, () => this.#save());
    this.#saver = saver;
    const descriptions = new DescriptionOverrides(
      session.state,
      saver,
      clock,
      record.descriptions ?? [],
    );
    this.#descriptions = descriptions;
    this.files = new LinkFiles({ ...parts, device: session.files, file: parts.fileToDevice }, this);
    const { files } = this;
    this.node = new LinkNode({ ...parts, session, lane, descriptions, saver, files }, this);
    const { router, limits, statistics } = this.node;
    const { ages } = session.state;
    this.#unpublished = new UnpublishedSettings({
      session,
      settings,
      router,
      descriptions,
      ages,
      statistics,
    });
    const { restartFiles, keptLog, log } = parts;
    this.#restarts = new Restarts(
      config.name,
      restartFiles.folder,
      restartFiles.files,
      keptLog.ring,
      clock,
      log,
      this,
    );
    this.#slot = connect(this, limits);
  }

  get name(): string {
    return this.parts.config.name;
  }

  get nodeId(): string {
    return this.parts.nodeId;
  }

  get config(): LinkConfig {
    return this.parts.config;
  }

  /** What crosses its channels. */
  get tap(): Tap {
    return this.parts.tap;
  }

  /** The log lines of its device. */
  get logRing(): LogRing {
    return this.parts.keptLog.ring;
  }

  /** What is kept of restarts of its device, the oldest first. */
  restarts(): Promise<readonly RestartFile[]> {
    return this.parts.restartFiles.files.all();
  }

  get format(): LinkFormat {
    return formatOf(this.parts.config, this.parts.transport);
  }

  /** Its device has just been plugged in. */
  retryNow(): void {
    this.#channel.retryNow();
  }

  /** Keeps settings back, for this reason; `undefined`: no longer. */
  hold(why: string | undefined): void {
    if (why === this.#held) return;
    this.#held = why;
    if (why === undefined) this.parts.log.info({}, 'settings are no longer held back');
    else this.parts.log.warn({ reason: why }, 'settings are held back');
    this.#session.hold(why !== undefined);
  }

  get isDeleted(): boolean {
    return this.node.state === 'deleted';
  }

  start(): void {
    this.#running = true;
    if (!this.node.router.disabled) this.#channel.start();
    else this.parts.log.info({}, 'the link is disabled in SIOT');
    this.node.start();
    this.#saver.start();
    this.files.start();
  }

  /** Releases the device and keeps what is known. Its last points may still wait in the outbox. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.files.stop();
    await this.#channel.stop();
    this.#slot.leave();
    this.node.stop();
    this.#saver.stop();
    this.#unpublished.withdrawAll();
    await this.#saver.now();
    this.#saver.end();
    await this.parts.names.save(() => this.#session.state.knownNames());
    await this.parts.keptLog.save();
    await this.#restarts.idle();
    this.#session.state.release();
  }

  /** Resolves when all that is known now is safe, also what was heard since {@link stop}; false: it cannot be. */
  async keep(): Promise<boolean> {
    this.node.rateLimiter.flush();
    return this.#saver.now();
  }

  /**
   * A setting that is going to be published: resolves when it is on disk; or
   * says why it cannot be kept, for people. {@link set} or {@link withdraw} follows.
   */
  async announce(point: Point): Promise<string | undefined> {
    if (isOwnSwitch(point.type, point.key)) {
      // A reset is over when it has acted.
      if (point.type !== 'disabled') return undefined;
      this.#unpublished.addDisabled(point, disables(point));
    } else
      this.#unpublished.add(
        point,
        this.#session.state.settings.recordOf(point, this.parts.clock.wallNs()),
      );
    if (await this.#saver.now()) return undefined;
    return this.parts.file.problem ?? 'it cannot be kept';
  }

  /** Ends what {@link announce} began, for a setting that was not published. */
  async withdraw(point: Point): Promise<void> {
    this.#timestamps.done(point);
    // If the link was ended meanwhile, there is nothing to withdraw, and another link has the file.
    if (this.#unpublished.withdraw(point)) await this.#saver.now();
  }

  /** Reads the node again: SIOT may have a setting that was not heard. */
  readAgain(): void {
    this.node.readAgain();
  }

  /** The gateway's clock was stepped. */
  clockStepped(): void {
    this.#session.clockStepped();
  }

  /**
   * A setting made through `siot-mcu set`, already published. The returned one
   * is undefined when it was not taken; `watch` hears of its changes. `applied`:
   * it acts on the link itself, and has.
   */
  set(point: Point): Setting | 'applied' | undefined {
    this.#timestamps.done(point);
    this.node.router.live([point]);
    const outcome = this.#outcomeOf(point);
    if (outcome === undefined) this.#unpublished.withdraw(point);
    else this.#unpublished.taken(point);
    return outcome;
  }

  #outcomeOf({ type, key, time, origin }: Point): Setting | 'applied' | undefined {
    if (isOwnSwitch(type, key)) {
      return this.node.router.switchTime(type)?.stated === time ? 'applied' : undefined;
    }
    const setting = this.#session.state.settings.get(type, key);
    // It may have been heard before, and another may have taken its place since.
    return setting?.time.stated === time && setting.point.origin === origin ? setting : undefined;
  }

  /** Why a setting would not be taken, for people; `undefined`: it would. */
  whyNotSet(point: Point): string | undefined {
    return isOwnSwitch(point.type, point.key) ? undefined : this.#session.settings.whyNotSet(point);
  }

  /** A time for a setting of now: newer than the last one. {@link set} or {@link withdraw} follows. */
  settingTime(type: string, key: string): bigint {
    const last = this.node.router.lastTime(type, key);
    const now = this.parts.clock.wallNs();
    return this.#timestamps.give(type, key, last?.following(now) ?? now);
  }

  watchSettings(watcher: SettingWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Why a setting is still on its way, for people. */
  reason(setting: Setting): string {
    return whyPending(this.#described(), setting);
  }

  /** Its packet has been sent, and is not acknowledged yet. */
  awaitsAck(setting: Setting): boolean {
    return this.#session.downlink.awaitsAck(setting);
  }

  /** The value for a word of `siot-mcu set`: a number or text, as the device reports the point. */
  valueOfWord(type: string, key: string, word: string): PointValue {
    return this.#session.settings.valueOfWord(type, key, word);
  }

  /** What is known of a point besides its value; `undefined`: nothing. */
  infoOf(type: string, key: string): PointInfo | undefined {
    return this.#session.state.infos.of(type, key);
  }

  /** What is known of its points, as far as it is known of any. */
  infos(): Iterable<KnownTarget> {
    return this.#session.state.infos.all();
  }

  summary(): LinkSummary {
    return summaryOf(this.#described());
  }

  get pendingCount(): number {
    return this.node.pendingCount;
  }

  pending(from: number): Iterable<PendingSetting> {
    return pendingOf(this.#described(), from);
  }

  #described(): DescribedLink {
    return {
      ...this.parts,
      session: this.#session,
      node: this.node,
      channel: this.#channel,
      held: this.#held,
    };
  }

  async #save(): Promise<boolean> {
    const kept = await this.parts.file.save(this.#unpublished);
    if (kept) this.#session.recordKept();
    return kept;
  }

  // What the channel tells (ChannelHandler).

  opened(): void {
    this.#session.opened();
    this.node.busChanged();
  }

  discarded(cause: ChannelDiscard, detail: object): void {
    this.#session.state.counters.discard(cause, detail);
  }

  closed(): void {
    this.#slot.clear();
    this.#session.closed();
    this.node.busChanged();
  }

  // What the session needs, and tells (DeviceSessionHost).

  report(points: readonly Point[], safe: () => void): 'taken' | 'dropped' | 'full' {
    const passing = this.#descriptions.passing(points);
    if (passing.length === 0) {
      safe();
      return 'taken';
    }
    if (this.isDeleted) return 'dropped';
    if (this.#lane.put(passing, safe)) return 'taken';
    this.node.outboxAlarm.refused();
    return 'full';
  }

  stream(payload: Uint8Array): 'taken' | 'dropped' {
    return this.node.stream(payload);
  }

  connected(connected: boolean): void {
    this.node.connected(connected);
  }

  settingChanged(setting: Setting): void {
    // Without a store there is no other copy of it.
    this.#saver.promptly();
    this.settingReported(setting);
  }

  settingReported(setting: Setting): void {
    for (const watcher of this.#watchers) watcher(setting);
  }

  settingAcknowledged(): void {
    this.node.rateLimiter.acknowledged();
  }

  deviceRestarted(restart: DeviceRestart): void {
    this.#restarts.restarted(restart);
  }

  /** See `RestartHost`. */
  restartKept(text: string): void {
    if (this.#running) this.#session.state.publishOwn(RESTART_TYPE, '', stringValue(text));
  }

  logged(text: string): void {
    this.parts.keptLog.add(text);
  }

  namesChanged(): void {
    this.parts.names.changed(() => this.#session.state.knownNames());
  }

  staleChanged(): void {
    this.#saver.soon();
    // Before its start the node has no place in SIOT yet, and it publishes all then.
    if (this.#running) this.node.staleChanged();
  }

  changed(): void {
    this.#saver.soon();
  }

  saved(then: (kept: boolean) => void): void {
    void this.#saver.now().then(then);
  }

  /** See `LinkFilesHost`. */
  fileChanged(): void {
    this.node.fileChanged();
  }

  /** See `LinkNodeHost`. */
  disable(disabled: boolean): void {
    this.#saver.promptly();
    this.parts.log.info({ disabled }, disabled ? 'disabled in SIOT' : 'enabled in SIOT');
    if (!this.#running) return;
    if (!disabled) this.#channel.start();
    else void this.#channel.stop();
  }
}
