/**
 * The settings of a device that acknowledges packets, from what somebody sets to what
 * the device reports (docs/contract.md, "On every opening"). The parts are in
 * `settings/`; here they are joined to the session and to the state of the node.
 */
import type { PayloadCodec } from '../../packet/payload.js';
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { Point, PointValue } from '../../point/point.js';
import type { DeviceSessionHost, DeviceSettings } from '../device-session.js';
import type { NodeState } from '../node-state.js';
import { valueOfWord } from '../node/reported-kinds.js';
import type { SettingRefusal } from '../node/setting-quota.js';
import type { TakenPoint } from '../receiving/point-filter.js';
import type { ReportRound } from '../receiving/report-round.js';
import type { Outgoing } from '../sending/outgoing.js';
import type { ReliableSender } from '../sending/sender.js';
import type { TimeSync } from '../sending/time-sync.js';
import {
  SettingsClient,
  type SettingsClientHost,
  type SettingsClientOptions,
} from '../settings/client.js';
import { SettingPublisher, type SettingPublisherHost } from '../settings/publisher.js';
import { SettingReconciler, type SettingReconcilerHost } from '../settings/reconciler.js';
import { reportEquals, type Setting } from '../settings/setting.js';
import type { Heard } from '../settings/time.js';

/** What a session offers to its settings. */
export interface SettingServices {
  readonly clock: Clock;
  readonly sender: ReliableSender;
  readonly outgoing: Outgoing;
  readonly timeSync: TimeSync;
  readonly round: ReportRound;
  readonly state: NodeState;
  readonly host: DeviceSessionHost;
  /** The device has restarted, and the resync has not begun. */
  readonly resyncDue: boolean;
  /** `undefined`: not known yet, or the device is held and has no part in settings. */
  codec(): PayloadCodec | undefined;
}

/** The settings of one device. */
export class PacketSettings
  implements DeviceSettings, SettingsClientHost, SettingPublisherHost, SettingReconcilerHost
{
  readonly client: SettingsClient;
  readonly #reconciler: SettingReconciler;

  constructor(
    private readonly services: SettingServices,
    options: SettingsClientOptions,
    log: Log,
  ) {
    const { clock, sender, outgoing, round, state } = services;
    const { settings, replica, counters } = state;
    const publisher = new SettingPublisher(this, replica, clock);
    this.client = new SettingsClient(
      this,
      sender,
      settings,
      publisher,
      outgoing,
      clock,
      counters,
      log,
      options,
    );
    const { outcomes } = this.client;
    this.#reconciler = new SettingReconciler(this, settings, outcomes, replica, round, clock);
  }

  set(point: Point, heard: Heard = 'live'): Setting | undefined {
    const { state, host } = this.services;
    const taken = state.takeSetting(this.#reconciler.withLastValue(point), heard);
    if (typeof taken === 'string') this.refuse(point, taken);
    if (taken === undefined || typeof taken === 'string') return undefined;
    const { setting, replaced } = taken;
    setting.spelling ??= state.replica.find(point.type, point.key)?.spelling;
    host.changed();
    this.client.add(setting, replaced);
    if (replaced !== undefined) host.settingChanged(replaced);
    host.settingChanged(setting);
    return setting;
  }

  refuse(point: Point, cause: SettingRefusal): void {
    const older = this.services.state.refuseSetting(point, cause);
    if (older !== undefined) this.client.outcomes.on(older, { type: 'noRoom' });
  }

  whyNotSet(point: Point): string | undefined {
    return this.services.state.settings.whyNot(point);
  }

  valueOfWord(type: string, key: string, word: string): PointValue {
    return valueOfWord(word, this.services.state.kinds.of(type, key));
  }

  inDeviceForm({ point }: Setting): PointValue {
    return this.services.state.inDeviceForm(point);
  }

  asDeviceSays(setting: Setting): PointValue {
    const { type, key } = setting.point;
    return this.toDevice(type, key, this.inDeviceForm(setting));
  }

  toDevice(type: string, key: string, value: PointValue): PointValue {
    return this.services.state.infos.toDevice(type, key, value);
  }

  scaleOf({ point }: Setting): number {
    return this.services.state.infos.scaleOf(point.type, point.key);
  }

  /** The device announces other things of its points. True: settings are to be sent again for it. */
  rescale(): boolean {
    // A device that is held may be another one: what it says counts when it is no longer held.
    return this.codec() !== undefined && this.client.rescale();
  }

  shown(points: readonly Point[]): void {
    this.services.state.kinds.shown(points);
    this.#reconciler.shown(points);
  }

  /** The device has reported these points. Hot: called for each packet. */
  pointsReported(points: readonly TakenPoint[]): void {
    // A device that is held may be another one: its reports say nothing of these settings.
    const codec = this.codec();
    if (codec === undefined) return;
    for (const one of points) {
      this.services.state.kinds.reported(one.record, one.point, codec.name);
      this.#reconciler.reported(one);
    }
  }

  codec(): PayloadCodec | undefined {
    return this.services.codec();
  }

  reportsSame(report: Point, asSent: Point): boolean | undefined {
    const codec = this.codec();
    return codec && reportEquals(report, codec.asDeviceSees(asSent));
  }

  resyncing(): boolean {
    return this.services.resyncDue || this.client.restoring;
  }

  lastValue(type: string, key: string): Point | undefined {
    return this.services.state.replica.find(type, key)?.newest;
  }

  changed(setting: Setting): void {
    this.services.state.settingChanged(setting);
  }

  reported(setting: Setting): void {
    this.services.host.settingReported(setting);
  }

  settingAcknowledged(): void {
    this.services.host.settingAcknowledged();
  }

  saved(then: (kept: boolean) => void): void {
    this.services.host.saved(then);
  }

  publish(type: string, key: string, value: PointValue, tombstone: number): boolean {
    return this.services.state.publishOwn(type, key, value, tombstone);
  }

  askAll(): void {
    this.services.timeSync.send();
  }
}
