/**
 * What is known and counted of one node, whatever protocol its device speaks. It is
 * made once for a link, and handed to the device session.
 */
import type { Clock } from '../point/clock.js';
import type { Log } from '../point/log.js';
import { kindOfInfo, type PointInfo } from '../point/point-info.js';
import { floatValue, makePoint, type Point, type PointValue } from '../point/point.js';
import { STALE_TYPE } from '../point/reserved.js';
import { Counters } from './node/counters.js';
import { DeviceLog, type LogKeeper, type OwnPoints } from './node/device-log.js';
import { PointAges, type AgeRecord, type PointAgesHost } from './node/point-ages.js';
import { PointInfos } from './node/point-infos.js';
import { PointQuota, type PointBudget } from './node/point-quota.js';
import { Presence } from './node/presence.js';
import { Replica, asOwner, type ReportedKind } from './node/replica.js';
import { ReportedKinds, valueForDevice } from './node/reported-kinds.js';
import { SettingQuota, type SettingRefusal } from './node/setting-quota.js';
import { logImpossible, type OnImpossible } from './settings/impossible.js';
import type { SettingRecord } from './settings/record.js';
import type { Setting } from './settings/setting.js';
import { Settings } from './settings/settings.js';
import type { Heard } from './settings/time.js';

/** What the configuration says of a node. */
export interface NodeOptions {
  /** Types of settings that act once. */
  readonly commands: readonly string[];
  /** Most distinct points of this node. */
  readonly maxPoints: number;
  /** A device that does not acknowledge counts as gone after so long without a packet, ms; 0: never. */
  readonly silenceTimeoutMs: number;
  /** What is known of its points, by `TYPE` or `TYPE/KEY`. */
  readonly points?: Readonly<Record<string, PointInfo>>;
  /** Called where a setting gets an event that its state excludes. It is logged if nothing is given. */
  readonly onImpossible?: OnImpossible;
}

/** Who is told of what changes in the node's state: the link. */
export interface NodeHost extends LogKeeper {
  /**
   * The device's points, for SIOT. `taken`: `safe` is called when they may be
   * acknowledged; `dropped`: nobody wants them, acknowledge all the same;
   * `full`: not taken, do not acknowledge.
   */
  report(points: readonly Point[], safe: () => void): 'taken' | 'dropped' | 'full';
  /**
   * The samples of a high-rate packet, for SIOT, best effort; the bytes are its own from
   * now on. `dropped`: nobody wants them.
   */
  stream(payload: Uint8Array): 'taken' | 'dropped';
  /** The device talks, or does not any more. */
  connected(connected: boolean): void;
  /** The state of a setting, or the reason why it waits, has changed. */
  settingChanged(setting: Setting): void;
  /**
   * SIOT gets, or has, other distinct points than before, or the device reports one in
   * another form, or announces other things of its points.
   */
  namesChanged(): void;
  /** A point has become stale, or is not any more. */
  staleChanged(): void;
  /** The record is worth saving, soon. */
  changed(): void;
}

/** What is kept of the names of a node's points, as text. */
export interface KnownNames {
  /** Which SIOT has: point-quota.ts. */
  readonly names: string;
  /** How the device reports each: reported-kinds.ts. */
  readonly kinds: string;
  /** What the device announces of them: point-infos.ts. */
  readonly announced: Readonly<Record<string, string>>;
}

/** A setting that was taken, and the older one of the same point that it replaces. */
interface TakenSetting {
  readonly setting: Setting;
  readonly replaced: Setting | undefined;
}

/** The state of one node: settings, replica, quota, counters, presence, what its points are. */
export class NodeState implements OwnPoints, PointAgesHost {
  readonly counters: Counters;
  readonly settings: Settings;
  readonly quota: PointQuota;
  readonly replica: Replica;
  readonly kinds: ReportedKinds;
  readonly infos: PointInfos;
  readonly ages: PointAges;
  readonly presence: Presence;
  readonly deviceLog: DeviceLog;

  constructor(
    private readonly host: NodeHost,
    options: NodeOptions,
    private readonly clock: Clock,
    log: Log,
    budget: PointBudget,
    settings: readonly SettingRecord[],
    ages: Readonly<Record<string, AgeRecord>> = {},
  ) {
    const namesChanged = (): void => host.namesChanged();
    this.counters = new Counters(clock, log);
    this.settings = new Settings(
      new Set(options.commands),
      options.maxPoints,
      new SettingQuota(budget.settings),
      options.onImpossible ?? logImpossible(log),
    );
    this.settings.restore(settings, log);
    this.quota = new PointQuota(options.maxPoints, budget, namesChanged);
    this.replica = new Replica(this.quota);
    this.kinds = new ReportedKinds(this.replica, options.maxPoints, namesChanged);
    this.ages = new PointAges(clock, this.counters, log, this, ages);
    this.infos = new PointInfos(
      options.points ?? {},
      options.maxPoints,
      this.counters,
      log,
      namesChanged,
      this.ages,
    );
    this.presence = new Presence(host, options.silenceTimeoutMs, clock);
    this.deviceLog = new DeviceLog(this, this.counters, clock, log, host);
  }

  /** The device talks, which an open port does not tell. */
  get connected(): boolean {
    return this.presence.connected;
  }

  /** The channel is gone. */
  closed(): void {
    this.deviceLog.closed();
    this.presence.gone();
    this.host.changed();
  }

  /** The node was read. `underWay`: some of what was given to SIOT may not be there yet. */
  read(stored: readonly Point[], underWay: boolean): void {
    this.quota.read(stored, this.replica.points(), underWay);
  }

  knownNames(): KnownNames {
    const { quota, kinds, infos } = this;
    return { names: quota.record(), kinds: kinds.record(), announced: infos.record() };
  }

  /** What {@link knownNames} gave before the gateway was restarted. Called before anything is heard. */
  restoreNames({ names, kinds, announced }: KnownNames): void {
    this.quota.restore(names);
    this.kinds.restore(kinds);
    this.infos.restore(announced);
  }

  /** The link ends: gives back what counts for all links together. */
  release(): void {
    this.ages.stop();
    this.replica.release();
    this.quota.release();
    this.settings.quota.release();
  }

  /** A point that the gateway makes in the device's name, now. False: no room for it in the outbox. */
  publishOwn(type: string, key: string, value: PointValue, tombstone = 0): boolean {
    const record = this.replica.own(type, key);
    const time = record.giveTime(this.clock.wallNs());
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

  /** Somebody has set a point. `refused`: there is no room for it; `undefined`: it does not count. */
  takeSetting(point: Point, heard: Heard): TakenSetting | SettingRefusal | undefined {
    const time = this.settings.check(point, heard, this.clock.wallNs());
    if (time === 'notNewer') return undefined;
    if (typeof time === 'string') return time;
    this.quota.learn(point);
    return this.settings.take(point, time);
  }

  /**
   * Somebody has set a point for which there is no room. Returns the older setting
   * of the point, which nobody wants any more.
   */
  refuseSetting(point: Point, cause: SettingRefusal): Setting | undefined {
    this.counters.noRoom(cause, point.type);
    return this.settings.replacedBy(point, this.clock.wallNs());
  }

  /** What a setting says, in the form in which the device reports the point (docs/contract.md, "Values"). */
  inDeviceForm({ type, key, value }: Point): PointValue {
    // Only text has another form.
    if (value.kind !== 'string') return value;
    return valueForDevice(value, this.kinds.of(type, key) ?? formOf(this.infos.of(type, key)));
  }

  /** See `PointAgesHost`. */
  staleChanged(name: string): void {
    // Its name is the device's: it takes room in SIOT as the points of the device do.
    this.quota.learn(makePoint({ type: STALE_TYPE, key: name, value: floatValue(1) }));
    this.host.staleChanged();
  }

  /** A setting's state, or the reason why it waits, has changed. */
  settingChanged(setting: Setting): void {
    this.host.changed();
    this.host.settingChanged(setting);
  }
}

/** In which form a device is going to report a point of which this is known. */
function formOf(info: PointInfo | undefined): ReportedKind | undefined {
  switch (info && kindOfInfo(info)) {
    case 'number':
    case 'switch':
      return 'number';
    case 'text':
    case 'json':
      return 'text';
    case undefined:
      return undefined;
  }
}
