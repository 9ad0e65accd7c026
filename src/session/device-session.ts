/**
 * What a link needs of whatever talks to its device: a session that
 * acknowledges packets, or one that reads signals from a bus.
 */
import type { PayloadCodecName } from '../packet/payload.js';
import type { Point, PointValue } from '../point/point.js';
import type { Counters } from './node/counters.js';
import type { Acknowledges } from './node/presence.js';
import type { Replica } from './node/replica.js';
import type { PointQuota } from './node/point-quota.js';
import type { LastKnown } from './receiving/restart.js';
import type { SettingRefusal } from './node/setting-quota.js';
import type { Heard } from './settings/time.js';
import type { Settings } from './settings/settings.js';
import type { Setting } from './settings/setting.js';
import type { SettingRecord } from './settings/record.js';

/** What is kept of a link over restarts of the gateway. */
export interface DeviceSessionRecord {
  readonly codec?: PayloadCodecName;
  readonly acknowledges?: Acknowledges;
  readonly sequence?: number;
  readonly last?: LastKnown;
  /** A restart was noticed and not yet served. */
  readonly resyncDue?: boolean;
  readonly settings?: readonly SettingRecord[];
}

/** What is kept of the names of a node's points, as text. */
export interface KnownNames {
  /** Which SIOT has: point-quota.ts. */
  readonly names: string;
  /** How the device reports each: reported-kinds.ts. */
  readonly kinds: string;
}

export interface DeviceSessionHost {
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
  /** The device has reported the point of a setting that was sent to it. */
  settingReported(setting: Setting): void;
  /** SIOT gets, or has, other distinct points than before, or the device reports one in another form. */
  namesChanged(): void;
  /** The record is worth saving, soon. */
  changed(): void;
  /** Makes the present record survive a crash, then calls `then`; `kept`: it does. */
  saved(then: (kept: boolean) => void): void;
}

/** The settings on their way to the device. */
export interface PendingSettings {
  readonly pendingCount: number;
  readonly acknowledges: Acknowledges;
  pending(): Setting[];
  /** Why a setting is still on its way, for people. */
  reason(setting: Setting): string;
  /** Its packet has been sent, and is not acknowledged yet. */
  awaitsAck(setting: Setting): boolean;
}

export interface DeviceSession {
  readonly counters: Counters;
  readonly settings: Settings;
  readonly quota: PointQuota;
  readonly replica: Replica;
  readonly downlink: PendingSettings;
  readonly connected: boolean;
  /** The line returns what is sent on it. */
  readonly echoes: boolean;
  readonly codecName: PayloadCodecName | 'signals' | 'unknown';
  /** For a person to do something about. */
  readonly advice: string | undefined;
  recordWithoutSettings(): Omit<DeviceSessionRecord, 'settings'>;
  /** The channel is open; nothing has been heard on it yet. */
  opened(): void;
  /** The channel is gone. */
  closed(): void;
  /** What was received. Returns the number of points that it brought at once. */
  data(chunk: Uint8Array): number;
  /** Sends no settings: it may be another device. */
  hold(held: boolean): void;
  /** A record was saved: the disk can be written. */
  recordKept(): void;
  /** Why this setting would not be taken, for people; `undefined`: it would. */
  whyNotSet(point: Point): string | undefined;
  /** What a word means that somebody sets a point to, by what the device reports of it. */
  valueOfWord(type: string, key: string, word: string): PointValue;
  /** What a setting says, in the form in which the device reports the point (docs/contract.md, "Values"). */
  inDeviceForm(setting: Setting): PointValue;
  /** Somebody has set a point of the node. `undefined`: it does not count. */
  set(point: Point, heard?: Heard): Setting | undefined;
  /** Somebody has set a point for which there is no room. */
  refuse(point: Point, cause: SettingRefusal): void;
  /** The node was read. `underWay`: some of what was given to SIOT may not be there yet. */
  read(stored: readonly Point[], underWay: boolean): void;
  /** What SIOT shows of the node then, as far as its owner has written it. */
  shown(points: readonly Point[]): void;
  knownNames(): KnownNames;
  /** What was kept of an earlier life. Before anything is heard. */
  restoreNames(known: KnownNames): void;
  /** The gateway's clock was stepped. */
  clockStepped(): void;
  /** Another one may take its place. */
  release(): void;
}
