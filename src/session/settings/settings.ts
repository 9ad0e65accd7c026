/**
 * The settings of a device, the last one of each point (docs/contract.md, "Towards
 * the device"). Which one is sent when: client.ts.
 */
import { SILENT_LOG, type Log } from '../../point/log.js';
import { PointMap } from '../../point/point-map.js';
import type { Point } from '../../point/point.js';
import { SettingQuota, type SettingRefusal } from '../node/setting-quota.js';
import { throwImpossible, type OnImpossible } from './impossible.js';
import { lifeOf } from './kept.js';
import { fromValueRecord, toRecord, type SettingRecord } from './record.js';
import { Setting, type SettingHost } from './setting.js';
import type { SettingLife } from './states.js';
import { SettingTime, type Heard } from './time.js';
import type { SettingEvent } from './transitions.js';

/** What a setting counts as, or why it does not. */
type Acceptance = SettingTime | 'notNewer' | SettingRefusal;

const LEFT_OUT =
  'settings that were kept have more bytes than a link may have (4 MiB): these are left out, and not ' +
  'sent to the device. Set them again to shorter texts';

/** What a setting begins with, if not with nothing. */
interface SettingStart {
  readonly slot?: object | undefined;
  readonly spelling?: string | undefined;
  readonly sentScale?: number | undefined;
  readonly life?: SettingLife | undefined;
}

/** The settings of one node. */
export class Settings implements SettingHost {
  readonly #settings = new PointMap<Setting>();
  /** Changed since they were last kept. */
  readonly #changed = new Set<Setting>();

  constructor(
    private readonly commands: ReadonlySet<string>,
    /** Most distinct settings; a bus that invents keys must not fill the memory. */
    private readonly limit: number,
    /** Bytes of all settings, also of those that have ended: newer points are compared with these. */
    readonly quota = new SettingQuota(),
    /** What to do where a setting gets an event that its state excludes. */
    private readonly onImpossible: OnImpossible = throwImpossible,
  ) {}

  get(type: string, key: string): Setting | undefined {
    return this.#settings.get(type, key);
  }

  all(): Iterable<Setting> {
    return this.#settings.values();
  }

  /**
   * What a point that somebody has set counts as. Only one that is newer than the last
   * setting of its type and key counts (time.ts); reports of the device do
   * not make it old.
   */
  check(point: Point, heard: Heard, nowNs: bigint): Acceptance {
    const last = this.#settings.get(point.type, point.key);
    if (last === undefined && this.#settings.size >= this.limit) return 'tooManySettings';
    const once = this.isCommand(point.type);
    const time = SettingTime.after(last?.time, point, heard, nowNs, once);
    if (time === undefined) return 'notNewer';
    return this.quota.fits(point, last?.point) ? time : 'tooManySettingBytes';
  }

  /** A command was found too late when the node was read: it is remembered, and not sent. */
  passOver(point: Point, nowNs: bigint): void {
    const last = this.#settings.get(point.type, point.key);
    if (last !== undefined) {
      last.passOver(point);
      return;
    }
    const time = this.check(point, 'reading', nowNs);
    if (typeof time !== 'string') this.take(point, time, { name: 'ended' });
  }

  /** Why a setting cannot be taken, for people. */
  whyNot(point: Point): string | undefined {
    const last = this.#settings.get(point.type, point.key);
    if (last === undefined && this.#settings.size >= this.limit) {
      return (
        `the link has settings of ${String(this.#settings.size)} distinct points, and may have no ` +
        'more: raise maxPoints if all are meant'
      );
    }
    if (this.quota.fits(point, last?.point)) return undefined;
    return (
      `the settings of the link have ${String(this.quota.bytes)} bytes together, and there is no ` +
      'room for this one: set long texts among them, or of other links, to shorter ones'
    );
  }

  /** The setting that this point replaces, or would if there were room; `undefined`: there is none, or the point is not newer. */
  replacedBy(point: Point, nowNs: bigint): Setting | undefined {
    const older = this.#settings.get(point.type, point.key);
    return SettingTime.after(older?.time, point, 'live', nowNs) === undefined ? undefined : older;
  }

  isCommand(type: string): boolean {
    return this.commands.has(type);
  }

  /** Takes a point, with the time that {@link check} has found for it. It replaces the last one. */
  take(
    point: Point,
    time = SettingTime.of(point),
    life?: SettingLife,
  ): { setting: Setting; replaced: Setting | undefined } {
    const replaced = this.#settings.get(point.type, point.key);
    const { slot, spelling } = replaced ?? {};
    const setting = this.#make(point, time, { slot, spelling, life });
    setting.shown = replaced?.shown;
    this.#settings.set(point.type, point.key, setting);
    this.quota.take(point);
    if (replaced !== undefined) {
      this.quota.giveBack(replaced.point);
      replaced.on({ type: 'superseded' });
      this.#changed.delete(replaced);
    }
    return { setting, replaced };
  }

  records(): SettingRecord[] {
    return [...this.#settings.values()].map(toRecord);
  }

  /** Of the settings that are new or have changed since the last call, except those that were replaced. */
  takeChanged(): SettingRecord[] {
    const changed = [...this.#changed].filter(({ state }) => state !== 'superseded');
    this.#changed.clear();
    return changed.map(toRecord);
  }

  /** What would be kept of a point that is going to be set. */
  recordOf(point: Point, nowNs: bigint): SettingRecord {
    const last = this.#settings.get(point.type, point.key)?.time;
    const time = SettingTime.after(last, point, 'live', nowNs) ?? SettingTime.of(point);
    return toRecord(new Setting(point, time, this.isCommand(point.type), {}, this));
  }

  keptChanged(setting: Setting): void {
    this.#changed.add(setting);
  }

  impossible(setting: Setting, event: SettingEvent): void {
    this.onImpossible(setting, event);
  }

  #make(point: Point, time: SettingTime, start: SettingStart): Setting {
    const { slot = {}, spelling, sentScale, life } = start;
    const counted = point.time === time.ns ? point : { ...point, time: time.ns };
    const command = this.isCommand(point.type);
    const setting = new Setting(counted, time, command, slot, this, life, spelling, sentScale);
    this.#changed.add(setting);
    return setting;
  }

  /** Takes what was kept. What there is no room for, since an earlier version kept more, is left out and logged. */
  restore(records: readonly SettingRecord[], log: Log = SILENT_LOG): void {
    let left = 0;
    for (const record of records) {
      const point: Point = {
        type: record.type,
        key: record.key,
        time: BigInt(record.time),
        value: fromValueRecord(record.value),
        tombstone: record.tombstone,
        origin: record.origin,
      };
      if (!this.quota.fits(point)) {
        left += 1;
        continue;
      }
      this.quota.take(point);
      const { spelling, scale: sentScale } = record;
      const life = lifeOf(record, this.isCommand(point.type));
      const start = { spelling, sentScale, life };
      const setting = this.#make(point, SettingTime.restore(record, point), start);
      this.#settings.set(record.type, record.key, setting);
    }
    this.#changed.clear();
    if (left > 0) log.warn({ left }, LEFT_OUT);
  }
}
