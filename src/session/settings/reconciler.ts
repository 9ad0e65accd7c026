/** What a device's reports mean for its settings (docs/contract.md, "On every opening"). */
import type { Clock } from '../../point/clock.js';
import { isDeleted, type Point, type PointValue } from '../../point/point.js';
import type { Replica } from '../node/replica.js';
import type { TakenPoint } from '../receiving/point-filter.js';
import type { ReportRound } from '../receiving/report-round.js';
import type { SettingOutcomes } from './outcomes.js';
import type { Setting } from './setting.js';
import type { Settings } from './settings.js';
import { wasSent } from './states.js';

/** What the reconciler needs of the session, and tells it. */
export interface SettingReconcilerHost {
  /**
   * Whether the device says by this report what a setting says, as it rounds it.
   * `undefined`: its reports say nothing of settings now.
   */
  reportsSame(report: Point, asSent: Point): boolean | undefined;
  /** What a setting says, as it goes to the device. */
  asDeviceSays(setting: Setting): PointValue;
  /** A resync has not ended yet. */
  resyncing(): boolean;
  /** The device has reported the point of a setting that was sent to it. */
  reported(setting: Setting): void;
}

/** Compares what a device reports with its settings. */
export class SettingReconciler {
  constructor(
    private readonly host: SettingReconcilerHost,
    private readonly settings: Settings,
    private readonly outcomes: SettingOutcomes,
    private readonly replica: Replica,
    private readonly round: ReportRound,
    private readonly clock: Clock,
  ) {}

  /** A deletion keeps the last value, over a restart of the gateway as well. */
  withLastValue(point: Point): Point {
    if (!isDeleted(point)) return point;
    const { type, key } = point;
    const last = this.replica.find(type, key)?.newest ?? this.settings.get(type, key)?.point;
    return last === undefined ? point : { ...point, value: last.value };
  }

  /** The device has reported a point. `isAnswer`: it answers the point's setting, which it has. */
  reported({ record, point, said, spelling, timeKind }: TakenPoint, isAnswer = false): void {
    const first = this.round.isFirst(record) && !isAnswer;
    const setting = this.settings.get(point.type, point.key);
    if (setting === undefined) return;
    const asSent = { ...setting.point, value: this.host.asDeviceSays(setting) };
    const asSaid = said === point.value ? point : { ...point, value: said };
    const equals = this.host.reportsSame(asSaid, asSent);
    if (equals === undefined) return;
    setting.spelling = spelling;
    if (wasSent(setting.life)) {
      setting.report = point;
      setting.reportEquals = equals;
      this.host.reported(setting);
    }
    if (equals) {
      const { newest } = record;
      this.outcomes.on(setting, {
        type: 'reportedSame',
        ns: this.clock.wallNs(),
        newest: newest === undefined || newest.time <= point.time,
      });
      return;
    }
    const isDated = timeKind === 'real' || timeKind === 'mapped';
    this.outcomes.on(setting, {
      type: 'reportedOther',
      datedNs: isDated ? point.time : undefined,
      first,
      resyncing: this.host.resyncing() && !isAnswer,
    });
  }

  /** What SIOT shows of the node's points, all by their owner. */
  shown(points: Iterable<Point>): void {
    for (const point of points) {
      const setting = this.settings.get(point.type, point.key);
      if (setting !== undefined) setting.shown = point;
    }
  }
}
