/**
 * One attached device: its channel, its session, and its node in SIOT, joined.
 *
 * ```
 *  transport ◄─► ChannelKeeper ◄─► DeviceSession ─► outbox lane ─► SIOT
 *                                      ▲    └─────► Statistics ──► SIOT
 *                                      └─── RemotePointRouter ◄──────────── SIOT
 * ```
 */
import type { Outbox } from '../../outbox/outbox.js';
import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import {
  canonicalKey,
  isDeleted,
  makePoint,
  plainValue,
  type Point,
  type PointValue,
} from '../../point/point.js';
import { DESCRIPTION_TYPE } from '../../point/reserved.js';
import type { DeviceSession, KnownNames } from '../../session/device-session.js';
import { ECHO_ADVICE } from '../../session/receiving/own-echo.js';
import type { PointBudget } from '../../session/node/point-quota.js';
import type { SettingTime } from '../../session/settings/time.js';
import type { Siot, SiotNode } from '../../siot/siot.js';
import type { Transport } from '../../transport/transport.js';
import { RemotePointRouter, disables, isSwitch } from './remote-point-router.js';
import { ChannelKeeper } from './channel-keeper.js';
import type { LinkConfig } from '../config/config.js';
import { createSession } from './sessions.js';
import type { Scheduler, SchedulerSlot } from './scheduler.js';
import { DescriptionOverrides } from './description-overrides.js';
import { Limits } from './limits.js';
import type { LinkFile } from '../state/link-file.js';
import { LinkLane } from './link-lane.js';
import type { LinkRecord } from '../state/link-record.js';
import type { NamesFile } from '../state/names-file.js';
import { pointsToResend } from './points-to-resend.js';
import { Resender } from './resender.js';
import { Saver } from '../state/saver.js';
import { SettingTimestamps } from './setting-timestamps.js';
import { SettingRateLimiter } from './setting-rate-limiter.js';
import { UnpublishedSettings } from './unpublished-settings.js';
import { PUBLISH_EVERY_MS, Statistics } from './statistics.js';
import type { LinkStatus, PendingSetting } from './status.js';
import type { Setting } from '../../session/settings/setting.js';

export interface LinkParts {
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
}

type SettingWatcher = (setting: Setting) => void;

export class Link {
  readonly #session: DeviceSession;
  readonly #router: RemotePointRouter;
  readonly #gate: SettingRateLimiter;
  readonly #descriptions: DescriptionOverrides;
  readonly #statistics: Statistics;
  readonly #channel: ChannelKeeper;
  readonly #slot: SchedulerSlot;
  readonly #limits: Limits;
  readonly #lane: LinkLane;
  #node: SiotNode | undefined;
  #life: LinkStatus['node'] = 'unknown';
  /** Why settings are held back, for people. */
  #held: string | undefined;
  #running = false;
  readonly #saver: Saver;
  readonly #kept = new UnpublishedSettings({
    head: () => ({
      session: this.#session.recordWithoutSettings(),
      judge: this.#router.record(),
      descriptions: this.#descriptions.record(),
    }),
    settings: () => this.#session.settings.records(),
    takeChangedSettings: () => this.#session.settings.takeChanged(),
    takeStale: () => false,
    lastTime: (type, key) => this.#lastTime(type, key)?.ns,
  });
  #statisticsTimer: Timer | undefined;
  readonly #resender: Resender;
  /** Of a device's description that may be published again. */
  readonly #describer: Resender;
  readonly #watchers = new Set<SettingWatcher>();
  readonly #ownTimes = new SettingTimestamps();

  constructor(private readonly parts: LinkParts) {
    const { config, clock, log, record } = parts;
    const lane = parts.outbox.lane(parts.nodeId, {
      backlog: config.backlog,
      onSuperseded: (count) => this.#session.counters.notice('superseded', count),
      onUnwritable: (points) => this.#session.counters.discard('unwritable', {}, points.length),
    });
    this.#lane = new LinkLane(lane, clock, log, () =>
      this.#node?.status(this.#statistics.changed()),
    );
    this.#saver = new Saver(clock, async () => {
      const kept = await parts.file.save(this.#kept);
      if (kept) this.#session.recordKept();
      return kept;
    });
    const { session, transport } = createSession(parts, {
      write: (bytes) => this.#channel.write(bytes),
      congested: () => this.#channel.congested,
      report: (points, safe) => this.#report(points, safe),
      connected: (connected) => this.#node?.status([this.#statistics.connected(connected)]),
      settingChanged: (setting) => {
        // Nobody may ever send it again: without a store there is no other copy.
        this.#saver.atOnce();
        for (const watcher of this.#watchers) watcher(setting);
      },
      settingReported: (setting) => {
        for (const watcher of this.#watchers) watcher(setting);
      },
      namesChanged: () => parts.names.changed(() => this.#session.knownNames()),
      changed: () => this.#saver.soon(),
      saved: (then) => {
        void this.#saver.now().then(then);
      },
    });
    this.#session = session;
    this.#session.restoreNames(parts.knownNames);
    this.#lane.tellTimes(this.#session.replica);
    const resending = {
      isCrowded: () => this.#lane.isCrowded,
      report: (point: Point) =>
        this.#descriptions.withholds(point) || this.#put([point], () => undefined) !== 'full',
    };
    this.#resender = new Resender(resending, clock);
    this.#describer = new Resender(resending, clock);
    this.#descriptions = new DescriptionOverrides(
      {
        now: () => clock.wallNs(),
        latest: (key) => this.#session.replica.find(DESCRIPTION_TYPE, key)?.newest?.value,
        publish: (key, value, afterNs) => {
          const record = this.#session.replica.own(DESCRIPTION_TYPE, key);
          record.givenBefore(afterNs);
          const time = record.giveTime(clock.wallNs());
          const point = makePoint({ type: DESCRIPTION_TYPE, key, time, value });
          record.merge(point, false);
          this.#describer.send([point].values());
        },
        withheld: (count) => this.#session.counters.notice('givenDescription', count),
        changed: (said) => (said ? this.#saver.atOnce() : this.#saver.soon()),
        tooMany: () => this.#session.counters.notice('refusedSetting'),
      },
      record.descriptions ?? [],
    );
    this.#limits = new Limits(clock, log, () => this.#node?.status(this.#statistics.changed()));
    const { counters } = this.#session;
    this.#statistics = new Statistics(
      counters,
      clock,
      () => this.#session.downlink.pendingCount + this.#gate.size,
      () => this.#limits.all(),
      () => this.#lane.isFull,
      () => transport.bus?.(),
    );
    this.#slot = parts.scheduler.join({
      work: (piece) => this.#session.data(piece),
      pause: () => this.#channel.pause(),
      resume: () => this.#channel.resume(),
      limited: (limited) => this.#inputLimited(limited),
    });
    this.#router = new RemotePointRouter(
      parts.nodeId,
      {
        set: (point, heard) => this.#session.set(point, heard) !== undefined,
        isCommand: (type) => this.#session.settings.isCommand(type),
        isNews: (point) =>
          this.#session.settings.check(point, 'reading', clock.wallNs()) !== 'notNewer',
        passOver: (point) => this.#session.settings.passOver(point, clock.wallNs()),
        show: (point) => this.#node?.status([point]),
        disable: (disabled) => this.#disable(disabled),
        reset: (point) => this.#node?.status(this.#statistics.reset(point)),
        described: (point, heard) => this.#descriptions.heard(point, heard),
        refused: () => this.#session.counters.notice('refusedSetting'),
      },
      clock,
      log,
      record.judge ?? {},
    );
    this.#gate = new SettingRateLimiter(
      clock,
      {
        judge: (points) => this.#router.live(points),
        isKnown: (type, key) =>
          this.#session.settings.get(type, key) !== undefined || isOwnSwitch(type, key),
        delayed: () => this.#session.counters.notice('delayedSetting'),
        refused: (point, cause) => this.#session.refuse(point, cause),
        missed: () => this.readAgain(),
      },
      config.maxPoints,
      this.#session.settings.quota,
    );
    this.#channel = new ChannelKeeper(
      transport,
      {
        opened: () => {
          this.#session.opened();
          this.#busChanged();
        },
        data: (chunk) => this.#slot.take(chunk),
        discarded: (cause, detail) => counters.discard(cause, detail),
        closed: () => {
          this.#slot.clear();
          this.#session.closed();
          this.#busChanged();
        },
      },
      clock,
      log,
    );
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
    return this.#life === 'deleted';
  }

  start(): void {
    this.#running = true;
    if (!this.#router.disabled) this.#channel.start();
    else this.parts.log.info({}, 'the link is disabled in SIOT');
    this.#statisticsTick();
    this.#saver.start();
  }

  /** Releases the device and keeps what is known. Its last points may still wait in the outbox. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#channel.stop();
    this.#slot.leave();
    this.#gate.flush();
    this.#statisticsTimer?.cancel();
    this.#resender.stop();
    this.#describer.stop();
    this.#node?.status(this.#statistics.changed());
    this.#saver.stop();
    this.#kept.withdrawAll();
    await this.#saver.now();
    this.#saver.end();
    await this.parts.names.save(() => this.#session.knownNames());
    this.#session.release();
  }

  /** Resolves when all that is known now is safe, also what was heard since {@link stop}; false: it cannot be. */
  async keep(): Promise<boolean> {
    this.#gate.flush();
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
      this.#kept.addDisabled(point, disables(point));
    } else this.#kept.add(point, this.#session.settings.recordOf(point, this.parts.clock.wallNs()));
    if (await this.#saver.now()) return undefined;
    return this.parts.file.problem ?? 'it cannot be kept';
  }

  /** As {@link set}, of one that is not published, whyever. */
  async withdraw(point: Point): Promise<void> {
    this.#ownTimes.done(point);
    // Of a link that was ended meanwhile nothing is left to withdraw, and the file is another's.
    if (this.#kept.withdraw(point)) await this.#saver.now();
  }

  /** SIOT may have what was not heard of. */
  readAgain(): void {
    this.#node?.readAgain();
  }

  /** Joins the link to SIOT, again when the connection is another. */
  attach(siot: Siot): void {
    const { type, description } = this.parts.config.node;
    this.#life = 'unknown';
    this.#node = siot.addNode(
      { id: this.nodeId, type, description, name: this.name },
      {
        heard: (points) => {
          const ofOthers = this.#router.ofOthers(points);
          if (ofOthers.length > 0) this.#gate.heard(ofOthers);
        },
        read: (points, everything) => {
          this.#node?.status(this.#statistics.read(points, this.#session.connected));
          this.#session.read(points, this.#lane.length > 0);
          const owners = points.filter((point) => this.#isOwners(point));
          this.#session.replica.givenBefore(owners);
          this.#router.reading(points);
          this.#session.shown(owners);
          if (everything) this.#node?.status(this.#statistics.all(this.#session.connected));
          const now = this.parts.clock.wallNs();
          this.#resender.send(pointsToResend(this.#session, points, everything, now));
          this.#saver.soon();
        },
        life: (life) => void (this.#life = life),
        withholds: (point) => this.#descriptions.withholdsQueued(point),
        dropped: (cause, points) => this.#session.counters.discard(cause, {}, points.length),
      },
    );
    this.#node.status(this.#statistics.all(this.#session.connected));
  }

  /** Takes the link's node out of SIOT's view here; the node itself stays in SIOT. */
  async detach(): Promise<void> {
    await this.#node?.remove();
    this.#node = undefined;
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
    this.#ownTimes.done(point);
    this.#router.live([point]);
    const outcome = this.#outcomeOf(point);
    if (outcome === undefined) this.#kept.withdraw(point);
    else this.#kept.taken(point);
    return outcome;
  }

  #outcomeOf({ type, key, time, origin }: Point): Setting | 'applied' | undefined {
    if (isOwnSwitch(type, key)) {
      return this.#router.lastTime(type)?.stated === time ? 'applied' : undefined;
    }
    const setting = this.#session.settings.get(type, key);
    // It may have been heard before, and another may have taken its place since.
    return setting?.time.stated === time && setting.point.origin === origin ? setting : undefined;
  }

  /** Why a setting would not be taken, for people; `undefined`: it would. */
  whyNotSet(point: Point): string | undefined {
    return isOwnSwitch(point.type, point.key) ? undefined : this.#session.whyNotSet(point);
  }

  /** A time for a setting of now: newer than the last one. {@link set} or {@link withdraw} follows. */
  settingTime(type: string, key: string): bigint {
    const last = this.#lastTime(type, key);
    const now = this.parts.clock.wallNs();
    return this.#ownTimes.give(type, key, last?.following(now) ?? now);
  }

  #lastTime(type: string, key: string): SettingTime | undefined {
    return this.#session.settings.get(type, key)?.time ?? this.#router.lastTime(type);
  }

  watchSettings(watcher: SettingWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  reason(setting: Setting): string {
    if (this.#router.disabled) return 'the link is disabled in SIOT';
    if (this.#held !== undefined) return this.#held;
    const { problem } = this.#channel;
    const reason = this.#session.downlink.reason(setting);
    return problem === undefined || this.#channel.isOpen ? reason : `${reason}: ${problem}`;
  }

  /** Its packet has been sent, and is not acknowledged yet. */
  awaitsAck(setting: Setting): boolean {
    return this.#session.downlink.awaitsAck(setting);
  }

  /** What a word means that somebody sets a point to, by what the device reports of it. */
  valueOfWord(type: string, key: string, word: string): PointValue {
    return this.#session.valueOfWord(type, key, word);
  }

  isCurrent(setting: Setting): boolean {
    return this.#session.settings.isCurrent(setting);
  }

  status(): LinkStatus {
    const { downlink } = this.#session;
    const { problem } = this.#channel;
    const disabled = this.#router.disabled;
    return {
      name: this.name,
      nodeId: this.nodeId,
      transport: this.parts.transport.description,
      port: disabled ? 'disabled' : this.#channel.isOpen ? 'open' : 'closed',
      ...(disabled || problem === undefined ? {} : { portProblem: problem }),
      connected: this.#session.connected,
      echoes: this.#session.echoes,
      node: this.#life,
      codec: this.#session.codecName,
      acknowledges: downlink.acknowledges,
      counters: {
        rx: this.#statistics.value('rx'),
        tx: this.#statistics.value('tx'),
        hrRx: this.#statistics.value('hrRx'),
        errorCount: this.#statistics.value('errorCount'),
        ...Object.fromEntries(this.#statistics.causes()),
      },
      pending: [
        ...downlink.pending().map((setting) => this.#pending(setting)),
        ...[...this.#gate.waiting].map((point) => this.#waiting(point)),
      ],
      advice: this.#advice(),
    };
  }

  #pending(setting: Setting): PendingSetting {
    return pendingPoint(setting.point, setting.command, this.reason(setting));
  }

  /** Not looked at yet: it may turn out to be none for the device. */
  #waiting(point: Point): PendingSetting {
    const isCommand = this.#session.settings.isCommand(point.type);
    return pendingPoint(point, isCommand, 'much is set at once: it waits to be looked at');
  }

  #advice(): string[] {
    const advice = this.#limits.advice();
    const { file, names } = this.parts;
    for (const said of [file.problem, file.damage, names.problem])
      if (said !== undefined) advice.push(said);
    advice.push(...this.parts.outbox.adviceFor(this.nodeId));
    if (this.#session.echoes) advice.push(ECHO_ADVICE);
    if (this.#session.advice !== undefined) advice.push(this.#session.advice);
    if (this.#held !== undefined) advice.push(`settings are held back: ${this.#held}`);
    if (this.#life === 'deleted') {
      advice.push(
        'somebody deleted the node in SIOT: its points are dropped until it is undeleted there',
      );
    }
    return advice;
  }

  #isOwners({ origin }: Point): boolean {
    return origin === '' || origin === this.nodeId;
  }

  /** What the device says. */
  #report(points: readonly Point[], safe: () => void): 'taken' | 'dropped' | 'full' {
    const passing = this.#descriptions.passing(points);
    if (passing.length > 0) return this.#put(passing, safe);
    safe();
    return 'taken';
  }

  #put(points: readonly Point[], safe: () => void): 'taken' | 'dropped' | 'full' {
    if (this.#life === 'deleted') return 'dropped';
    return this.#lane.put(points, safe) ? 'taken' : 'full';
  }

  #inputLimited(limited: boolean): void {
    const { counters } = this.#session;
    if (limited) counters.notice('slowedInput');
    const { rx, hrRx, errorCount } = counters;
    this.#limits.set('input', limited, { rx, hrRx, errorCount });
  }

  #disable(disabled: boolean): void {
    this.#saver.atOnce();
    this.parts.log.info({ disabled }, disabled ? 'disabled in SIOT' : 'enabled in SIOT');
    if (!this.#running) return;
    if (!disabled) this.#channel.start();
    else void this.#channel.stop();
  }

  /** A bus that comes or goes is told at once. */
  #busChanged(): void {
    if (this.parts.transport.bus === undefined || this.#life === 'deleted') return;
    this.#node?.status(this.#statistics.busChanged());
  }

  #statisticsTick(): void {
    this.#statisticsTimer = this.parts.clock.setTimer(PUBLISH_EVERY_MS, () =>
      this.#statisticsTick(),
    );
    const { counters } = this.#session;
    this.#limits.counted('points', counters.get('tooManyPoints') + counters.get('tooManyBytes'));
    this.#limits.counted('log', counters.get('droppedLog'));
    this.#limits.counted('settings', counters.get('delayedSetting'));
    this.#limits.counted('settingNames', counters.get('tooManySettings'));
    this.#limits.counted('settingBytes', counters.get('tooManySettingBytes'));
    if (this.#node === undefined || this.#life === 'deleted') return;
    const changed = this.#statistics.changed();
    if (changed.length > 0) this.#node.status(changed);
  }
}

/** It acts on the link itself. */
const isOwnSwitch = (type: string, key: string): boolean =>
  isSwitch(type) && canonicalKey(key) === '0';

const pendingPoint = (point: Point, command: boolean, reason: string): PendingSetting => ({
  type: point.type,
  key: point.key,
  value: plainValue(point.value),
  time: point.time.toString(),
  deleted: isDeleted(point),
  command,
  reason,
});
