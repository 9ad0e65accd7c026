/**
 * The settings of a device with a shell, from what somebody sets to what the device
 * reports (docs/contract.md, "Shell"). A report with the setting's own time is the
 * device's answer; where its firmware carries no times, an equal report is.
 */
import { isCutOff, setCommand } from '../../packet/shell/command.js';
import { isRounded } from '../../packet/shell/numbers.js';
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { isDeleted, textOf, type Point, type PointValue } from '../../point/point.js';
import type { DeviceSessionHost, DeviceSettings } from '../device-session.js';
import type { NodeState } from '../node-state.js';
import type { Acknowledges } from '../node/presence.js';
import { valueOfWord } from '../node/reported-kinds.js';
import type { SettingRefusal } from '../node/setting-quota.js';
import type { TakenPoint } from '../receiving/point-filter.js';
import type { ReportRound } from '../receiving/report-round.js';
import { SettingPublisher, type SettingPublisherHost } from '../settings/publisher.js';
import { SettingReconciler, type SettingReconcilerHost } from '../settings/reconciler.js';
import { reportEquals, type Setting } from '../settings/setting.js';
import { isWaiting, restoredBy, wasSent } from '../settings/states.js';
import type { Heard } from '../settings/time.js';
import { ShellSettingsClient, type ShellClientHost, type ShellSettingsOptions } from './client.js';

/** What a session offers to its settings. */
export interface ShellServices {
  readonly clock: Clock;
  readonly state: NodeState;
  readonly host: DeviceSessionHost;
  readonly round: ReportRound;
  readonly isOpen: boolean;
  readonly heardMs: number | undefined;
  /** The device may be another one: it has no part in settings. */
  readonly isHeld: boolean;
  /** The device has restarted, and the resync has not begun. */
  readonly resyncDue: boolean;
  /** A line may be written. */
  pump(): void;
  /** The device is to report all its points. */
  dump(): void;
}

const NO_WORD = 'somebody has removed this point, and the shell protocol has no word for that';

/** The settings of one device. */
export class ShellSettings
  implements DeviceSettings, ShellClientHost, SettingPublisherHost, SettingReconcilerHost
{
  readonly client: ShellSettingsClient;
  readonly #reconciler: SettingReconciler;

  constructor(
    private readonly services: ShellServices,
    options: ShellSettingsOptions,
    private readonly log: Log,
    acknowledges: Acknowledges,
  ) {
    const { clock, state, round } = services;
    const { settings, replica, counters } = state;
    const publisher = new SettingPublisher(this, replica, clock);
    this.client = new ShellSettingsClient(
      this,
      settings,
      publisher,
      clock,
      counters,
      log,
      options,
      acknowledges,
    );
    const { outcomes } = this.client;
    this.#reconciler = new SettingReconciler(this, settings, outcomes, replica, round, clock);
  }

  // What somebody sets.

  set(point: Point, heard: Heard = 'live'): Setting | undefined {
    const { state, host } = this.services;
    const taken = state.takeSetting(point, heard);
    if (typeof taken === 'string') this.refuse(point, taken);
    if (taken === undefined || typeof taken === 'string') return undefined;
    const { setting, replaced } = taken;
    host.changed();
    if (isDeleted(point)) this.#dropRemoved(setting, replaced);
    else this.client.add(setting, replaced);
    if (replaced !== undefined) host.settingChanged(replaced);
    host.settingChanged(setting);
    return setting;
  }

  refuse(point: Point, cause: SettingRefusal): void {
    const older = this.services.state.refuseSetting(point, cause);
    if (older !== undefined) this.client.outcomes.on(older, { type: 'noRoom' });
  }

  whyNotSet(point: Point): string | undefined {
    const { state } = this.services;
    const { type, key } = point;
    const value = state.infos.toDevice(type, key, state.inDeviceForm(point));
    return setCommand(point, value).whyNot ?? state.settings.whyNot(point);
  }

  valueOfWord(type: string, key: string, word: string): PointValue {
    return valueOfWord(word, this.services.state.kinds.of(type, key));
  }

  inDeviceForm({ point }: Setting): PointValue {
    return this.services.state.inDeviceForm(point);
  }

  shown(points: readonly Point[]): void {
    this.services.state.kinds.shown(points);
    this.#reconciler.shown(points);
  }

  #dropRemoved(setting: Setting, replaced: Setting | undefined): void {
    const { type, key } = setting.point;
    if (replaced !== undefined) this.client.dequeue(replaced);
    this.services.state.counters.notice('refusedSetting');
    this.log.warn({ type, key }, `${NO_WORD}: it is not sent`);
    this.client.outcomes.on(setting, { type: 'noRoom' });
  }

  // What the device reports.

  /** Whether a report is the answer to the setting of its point, and with which value. */
  answerIn({ type, key, value, time }: Point): 'same' | 'other' | undefined {
    const setting = this.services.state.settings.get(type, key);
    if (setting === undefined || this.services.isHeld) return undefined;
    const { life, point } = setting;
    if (time !== point.time || isDeleted(point)) return undefined;
    // It was not sent to this device, or not again yet: then it still has it.
    if (isWaiting(life) && !wasSent(life) && restoredBy(life) === undefined) return undefined;
    const asSent = { ...point, value: this.asDeviceSays(setting) };
    return isSame({ ...point, value }, asSent) ? 'same' : 'other';
  }

  /** The device has reported a point; `answer`: see {@link answerIn}. */
  pointReported(one: TakenPoint, answer: 'same' | 'other' | undefined): void {
    if (this.services.isHeld) return;
    const { point, record } = one;
    this.services.state.kinds.reported(record, point, 'compact');
    const setting = this.services.state.settings.get(point.type, point.key);
    if (setting !== undefined && answer !== undefined) {
      this.client.answered(setting);
      const { outcomes } = this.client;
      // It reports another value in the same line: SIOT is not to show the setting before that.
      if (answer === 'other') {
        outcomes.on(setting, {
          type: 'reportedOther',
          datedNs: undefined,
          first: false,
          resyncing: true,
        });
      }
      outcomes.on(setting, { type: 'acknowledged', ns: this.services.clock.wallNs() });
    } else if (setting !== undefined && this.#isEqual(setting, one)) {
      this.client.answered(setting);
    }
    this.#reconciler.reported(one, answer !== undefined);
  }

  #isEqual(setting: Setting, { point, said }: TakenPoint): boolean {
    const asSent = { ...setting.point, value: this.asDeviceSays(setting) };
    return isSame({ ...point, value: said }, asSent);
  }

  reportsSame(report: Point, asSent: Point): boolean | undefined {
    return this.services.isHeld ? undefined : isSame(report, asSent);
  }

  asDeviceSays(setting: Setting): PointValue {
    const { type, key } = setting.point;
    return this.services.state.infos.toDevice(type, key, this.inDeviceForm(setting));
  }

  scaleOf({ point }: Setting): number {
    return this.services.state.infos.scaleOf(point.type, point.key);
  }

  resyncing(): boolean {
    return this.services.resyncDue || this.client.restoring;
  }

  // What the client and the outcomes need.

  get isOpen(): boolean {
    return this.services.isOpen;
  }

  get isHeard(): boolean {
    return this.services.state.connected;
  }

  get heardMs(): number | undefined {
    return this.services.heardMs;
  }

  get maySend(): boolean {
    return !this.services.isHeld && !this.services.resyncDue;
  }

  pump(): void {
    this.services.pump();
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
    this.services.dump();
  }
}

/** Whether a report says what was sent, as today's firmware rounds a number or cuts off a text. */
function isSame(report: Point, asSent: Point): boolean {
  if (reportEquals(report, asSent)) return true;
  if (isDeleted(report) || isDeleted(asSent)) return false;
  const [said, sent] = [report.value, asSent.value];
  if (sent.kind === 'string' || sent.kind === 'json') return isCutOff(textOf(said), sent.text);
  const number =
    said.kind === 'int' ? Number(said.integer) : said.kind === 'float' ? said.number : NaN;
  return sent.kind === 'float' && isRounded(number, sent.number);
}
