/**
 * What a link needs of whatever talks to its device: one small interface for each
 * device protocol. `packets/` acknowledges packets, `signals/` reads a bus that a
 * database explains, `shell/` reads and writes lines. Each works on the same node state, which it is given.
 *
 * `protocol: auto` chooses a payload codec, not a protocol: it is a part of
 * `packets/` (codec/choice.ts), which looks at each payload, since a device may be
 * given other firmware at any time.
 */
import type { PayloadCodecName } from '../packet/payload.js';
import type { Point, PointValue } from '../point/point.js';
import type { Diagnosis } from './diagnosis/diagnosis.js';
import type { DeviceFiles } from './files/file.js';
import type { NodeHost, NodeState } from './node-state.js';
import type { Acknowledges } from './node/presence.js';
import type { RecentUnit } from './node/recent-traffic.js';
import type { SettingRefusal } from './node/setting-quota.js';
import type { LastKnown, RestartEvidence, RestartSign } from './receiving/restart.js';
import type { SettingRecord } from './settings/record.js';
import type { Setting } from './settings/setting.js';
import type { Heard } from './settings/time.js';

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

/** Where a session writes: the channel of its link, whichever is open. */
export interface SessionChannel<in Unit> {
  /** Lost while no channel is open. */
  write(unit: Unit): void;
  /** The device, or its flow control, does not take what was written before. */
  readonly congested: boolean;
}

/** Where a session reads: its link gives it what the channel receives. */
export interface SessionInput<in Unit> {
  /**
   * What was received. Never throws, whatever it is. Returns the number of points in
   * the largest packet that it completed.
   */
  data(unit: Unit): number;
}

/** A packet that crossed the line shortly before. */
export interface RecentPacket extends RecentUnit {
  readonly sequence: number;
  readonly subject: string;
  /** What is in it, for people, as far as it can be read; it may hold any character. */
  readonly content: string;
}

/** A restart of the device. */
export interface DeviceRestart extends RestartEvidence {
  readonly sign: RestartSign;
  /** The last ones, the oldest first; the last of them told of the restart. */
  readonly packets?: readonly RecentPacket[];
  /** As {@link packets}, of a console. */
  readonly lines?: readonly RecentUnit[];
}

/** What a device session needs of its link, and tells it. */
export interface DeviceSessionHost extends NodeHost {
  /** The device has reported the point of a setting that was sent to it. */
  settingReported(setting: Setting): void;
  /** The device has acknowledged a packet with a setting, perhaps one that is not the newest of its point. */
  settingAcknowledged(): void;
  /** The device has restarted. Told at most every 5 s, and perhaps several times of one restart. */
  deviceRestarted(restart: DeviceRestart): void;
  /** Makes the present record survive a crash, then calls `then`; `kept`: it does. */
  saved(then: (kept: boolean) => void): void;
}

/** The settings on their way to the device. */
export interface PendingSettings {
  readonly pendingCount: number;
  readonly acknowledges: Acknowledges;
  pending(): Setting[];
  /** Why a setting is still on its way, for people. It has no times and counts that move: see {@link progress}. */
  reason(setting: Setting): string;
  /** What moves on while the reason stays, for people. */
  progress(setting: Setting): string | undefined;
  /** Its packet has been sent, and is not acknowledged yet. */
  awaitsAck(setting: Setting): boolean;
}

/** What somebody sets on the device's node. */
export interface DeviceSettings {
  /** Why this setting would not be taken, for people; `undefined`: it would. */
  whyNotSet(point: Point): string | undefined;
  /**
   * The value of a word that a person sets a point to: the number that it says (`on` is 1), unless
   * it says none, or the device reports the point as text.
   */
  valueOfWord(type: string, key: string, word: string): PointValue;
  /** What a setting says, in the form in which the device reports the point (docs/contract.md, "Values"). */
  inDeviceForm(setting: Setting): PointValue;
  /** Somebody has set a point of the node. `undefined`: it does not count, or there is no room for it. */
  set(point: Point, heard?: Heard): Setting | undefined;
  /** Somebody has set a point for which there is no room. */
  refuse(point: Point, cause: SettingRefusal): void;
  /** The node was read: what SIOT shows of it, as far as its owner has written it. */
  shown(points: readonly Point[]): void;
}

/** A conversation with one device by one protocol, over all openings of its channel. */
export interface DeviceSession {
  readonly state: NodeState;
  readonly settings: DeviceSettings;
  readonly downlink: PendingSettings;
  /** Files for the device; absent: the protocol has none. */
  readonly files?: DeviceFiles;
  /** The line returns what is sent on it (docs/contract.md, "Own echo"). */
  readonly echoes: boolean;
  readonly codecName: PayloadCodecName | 'signals' | 'shell' | 'unknown';
  /** What a person should change in the configuration or the wiring; `undefined`: nothing. */
  readonly advice: string | undefined;
  /** Why the device does not talk, or loses points though it does; `undefined`: nothing is known to be wrong. */
  readonly diagnosis: Diagnosis | undefined;
  /** Monotonic ms of what was heard last of the device, over all openings; `undefined`: nothing yet. */
  readonly heardMs: number | undefined;
  /** From a packet to its ack, smoothed, ms; `undefined`: not measured since the opening. */
  readonly roundTripMs: number | undefined;
  recordWithoutSettings(): Omit<DeviceSessionRecord, 'settings'>;
  /** The channel is open; nothing has been heard on it yet. */
  opened(): void;
  /** The channel is gone. */
  closed(): void;
  /**
   * Sends no settings, and learns nothing of them: it may be another device. When it
   * is no longer held, what waits is sent.
   */
  hold(held: boolean): void;
  /** A record was saved: the disk can be written. */
  recordKept(): void;
  /** The gateway's clock was stepped. */
  clockStepped(): void;
}
