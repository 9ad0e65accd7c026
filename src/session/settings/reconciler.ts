/**
 * What a device's reports and acknowledgements mean for its settings, and what
 * SIOT is to show of them (docs/contract.md, "On every opening").
 */
import type { PayloadCodec } from '../../packet/payload.js';
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { isDeleted, type Point, type PointValue } from '../../point/point.js';
import { DoubtedSettings } from './doubted.js';
import type { TakenPoint } from '../receiving/point-filter.js';
import type { Replica } from '../node/replica.js';
import type { ReportRound } from '../receiving/report-round.js';
import { type Settings } from './settings.js';
import { reportEquals, type Setting } from './setting.js';

export interface SettingReconcilerHost {
  codec(): PayloadCodec | undefined;
  /** What a setting says, in the form in which the device reports the point. */
  valueOf(setting: Setting): PointValue;
  /** A resync has not ended yet. */
  resyncing(): boolean;
  /** Nothing more is to be sent for this setting. */
  settled(setting: Setting): void;
  changed(setting: Setting): void;
  /** The device is to report all its points once more. */
  askAll(): void;
  /** The device has reported the point of a setting that was sent to it. */
  reported(setting: Setting): void;
  /** Publishes in the device's name, now. False: no room for it in the outbox. */
  publish(type: string, key: string, value: PointValue, tombstone: number): boolean;
}

const PUBLISH_AGAIN_MS = 1_000;

export class SettingReconciler {
  readonly #doubts: DoubtedSettings;

  constructor(
    private readonly host: SettingReconcilerHost,
    private readonly settings: Settings,
    private readonly replica: Replica,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly round: ReportRound,
  ) {
    this.#doubts = new DoubtedSettings(
      {
        ask: () => host.askAll(),
        uncontradicted: (setting) => {
          if (this.settings.isCurrent(setting) && this.#canBeReplaced(setting))
            this.#replaced(setting);
        },
      },
      clock,
    );
  }

  /** The device gets the time, and may say what it has in force. */
  opened(): void {
    this.#doubts.opened([...this.settings.all()].filter(({ doubted }) => doubted));
  }

  closed(): void {
    this.#doubts.closed();
  }

  /** A deletion keeps the last value, over a restart of the gateway as well. */
  withLastValue(point: Point): Point {
    if (!isDeleted(point)) return point;
    const { type, key } = point;
    const last = this.replica.find(type, key)?.newest ?? this.settings.get(type, key)?.point;
    return last === undefined ? point : { ...point, value: last.value };
  }

  /** The device has reported a point. */
  reported({ record, point, spelling, timeKind }: TakenPoint): void {
    const first = this.round.isFirst(record);
    const setting = this.settings.get(point.type, point.key);
    const codec = this.host.codec();
    if (setting === undefined || codec === undefined) return;
    setting.spelling = spelling;
    const asSent = { ...setting.point, value: this.host.valueOf(setting) };
    const equals = reportEquals(point, codec.asDeviceSees(asSent));
    if (setting.sent) {
      setting.report = point;
      setting.reportEquals = equals;
      this.host.reported(setting);
    }
    if (setting.state === 'ended') return;
    setting.reportedSinceSent = setting.sent;
    if (equals) {
      if (setting.doubted) {
        this.#doubts.end(setting);
        this.host.changed(setting);
      }
      if (this.#confirms(setting, point)) this.#confirmedByReport(setting);
      return;
    }
    if (!this.#canBeReplaced(setting)) return;
    // A time of the device's own tells what was still under way, or is history.
    const dated = timeKind === 'real' || timeKind === 'mapped';
    if (dated) {
      if (setting.confirmedNs !== undefined && point.time >= setting.confirmedNs)
        this.#replaced(setting);
    } else if (first && !setting.doubted) {
      this.#doubts.begin(setting);
      this.host.changed(setting);
    } else {
      this.#replaced(setting);
    }
  }

  /** What SIOT shows of the node's points, all by their owner. */
  shown(points: Iterable<Point>): void {
    for (const point of points) {
      const setting = this.settings.get(point.type, point.key);
      if (setting !== undefined) setting.shown = point;
    }
  }

  /** The device has acknowledged a setting. */
  acknowledged(setting: Setting): void {
    this.#doubts.end(setting);
    this.#showInForce(setting);
  }

  /** SIOT is to show what is in force, where it does not. */
  #showInForce(setting: Setting): void {
    const { point, time } = setting;
    setting.overtook = undefined;
    const newest = this.replica.find(point.type, point.key)?.newest ?? setting.shown;
    if (setting.reportedSinceSent) return;
    // Reports with later times have overtaken it, or SIOT has kept another one of the same time, or lost it.
    const isOvertaken = newest !== undefined && newest.time > time.stated;
    if (!isOvertaken && !time.tied && !setting.lacked) return;
    const value =
      isDeleted(point) && newest !== undefined ? newest.value : this.host.valueOf(setting);
    if (time.tied)
      this.replica.givenBefore([{ ...point, time: time.shownNs(this.clock.wallNs()) }]);
    if (this.host.publish(point.type, point.key, value, point.tombstone)) {
      setting.lacked = false;
      if (isOvertaken) setting.overtook = newest;
      return;
    }
    this.clock.setTimer(PUBLISH_AGAIN_MS, () => {
      if (this.settings.isCurrent(setting) && setting.inForce && !setting.waiting) {
        this.#showInForce(setting);
      }
    });
  }

  /** It had not: SIOT is to show again what it did. */
  notAcknowledged(setting: Setting): void {
    const { overtook, point } = setting;
    setting.overtook = undefined;
    if (overtook === undefined || setting.reportedSinceSent) return;
    this.host.publish(point.type, point.key, overtook.value, overtook.tombstone);
  }

  /** It was sent, and the device will not say what became of it. */
  unconfirmed(setting: Setting): void {
    const isShown = !setting.time.tied && !setting.lacked;
    if (!isShown && this.settings.isCurrent(setting)) this.#showInForce(setting);
  }

  /** Whether an equal report tells anything new. */
  #confirms(setting: Setting, report: Point): boolean {
    // Before it was sent it says nothing: the one sent before it may still come.
    if (setting.waiting) return setting.sent;
    // What took its place was under way when the device took it, or has been taken back there.
    if (setting.state === 'replaced') {
      const newest = this.replica.find(report.type, report.key)?.newest;
      return newest === undefined || newest.time <= report.time;
    }
    return setting.state === 'unconfirmed';
  }

  #confirmedByReport(setting: Setting): void {
    setting.confirm(this.clock.wallNs(), 'report');
    this.host.settled(setting);
    this.host.changed(setting);
  }

  /** By a differing report, made after the acknowledgement and after a resync has ended. */
  #canBeReplaced(setting: Setting): boolean {
    if (!setting.inForce || setting.waiting || this.host.resyncing()) return false;
    return setting.confirmedNs !== undefined;
  }

  #replaced(setting: Setting): void {
    const { type, key } = setting.point;
    this.#doubts.end(setting);
    setting.state = 'replaced';
    this.log.info({ type, key }, 'the device has changed this itself');
    this.host.changed(setting);
  }
}
