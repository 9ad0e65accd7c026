/**
 * The settings of a device and what became of each (docs/contract.md, "Towards the
 * device"). Which one is sent when is the downlink's business.
 */
import { SILENT_LOG, type Log } from '../../point/log.js';
import { PointMap } from '../../point/point-map.js';
import { isDeleted, numberOf, textOf, type Point, type PointValue } from '../../point/point.js';
import { SettingQuota, type SettingRefusal } from '../node/setting-quota.js';
import { SettingTime, type Heard, type TimeRecord } from './time.js';

/**
 * - `pending`: on its way
 * - `inForce`: acknowledged, or confirmed by a report
 * - `unconfirmed`: sent as often as allowed; in force as far as anyone knows
 * - `ended`: a command that has acted, or of which nobody will know
 * - `replaced`: the device has changed the point itself since
 * - `refused`: it was pending when there was no room for a newer one of its point.
 *   Nobody wants it any more, so it is not sent. It is none of the others: the
 *   device has neither taken nor changed it, and no report may bring it back. Its
 *   time is kept, so that the newer one counts as soon as there is room.
 */
export type SettingState = 'pending' | 'inForce' | 'unconfirmed' | 'ended' | 'replaced' | 'refused';

/** What the device has made of a setting so far. */
export interface Standing {
  readonly state: SettingState;
  readonly restoring: boolean;
  readonly confirmedNs: bigint | undefined;
  readonly confirmedBy: ConfirmedBy | undefined;
}

/** By what a setting is known to have arrived: an acknowledgement, an equal report, or the bus that has taken its frame. */
export type ConfirmedBy = 'ack' | 'report' | 'bus';

export class Setting {
  #state: SettingState = 'pending';
  #restoring = false;
  #transmissions = 0;
  #spelling: string | undefined;
  #confirmedNs: bigint | undefined;
  #doubted = false;
  #time: SettingTime;
  /** Sent at least once since it was made, or since the restart that it is restored after. */
  sent = false;
  /** A command that is on disk as sent: it may be, once. */
  noted = false;
  /** The owner's value that SIOT showed when the node was read, while nothing newer is known. */
  shown: Point | undefined;
  /** What SIOT showed before the value was published once more, for its acknowledgement. */
  overtook: Point | undefined;
  /** How it was confirmed, in this life of the gateway; an acknowledgement outlasts the others. */
  confirmedBy: ConfirmedBy | undefined;
  /** What the device has reported of the point last, since the setting was first sent. */
  report: Point | undefined;
  /** That report says what the setting says. */
  reportEquals = false;
  /** SIOT did not have it, but none or an older one of the point, when the node was last read. */
  lacked = false;
  /** The device has reported the point since the setting was last sent. */
  reportedSinceSent = false;
  /** Set aside: unanswered while something else was heard. Pause before the next try, ms; 0: not. */
  asidePauseMs = 0;
  /** Monotonic ms of the next try while set aside. */
  asideUntilMs = 0;
  /** Why it cannot be sent at all, for people. */
  problem: string | undefined;

  constructor(
    /** As it was set, with the key of whoever set it, and the time as which it counts. */
    readonly point: Point,
    time: SettingTime,
    /** Acts once: never sent again after its end. */
    readonly command: boolean,
    /** The same object for all settings of one point, one after the other. */
    readonly turn: object,
    /** Told of each change of what is kept over restarts. */
    private readonly changed: (setting: Setting) => void,
  ) {
    this.#time = time;
  }

  get time(): SettingTime {
    return this.#time;
  }

  /** That was read, and does not count. */
  passOver(point: Point): void {
    const passing = this.#time.passing(point);
    if (passing === this.#time) return;
    this.#time = passing;
    this.changed(this);
  }

  get state(): SettingState {
    return this.#state;
  }

  set state(state: SettingState) {
    this.#state = state;
    this.changed(this);
  }

  /** In force, and being sent again because the device has restarted. */
  get restoring(): boolean {
    return this.#restoring;
  }

  set restoring(restoring: boolean) {
    this.#restoring = restoring;
    this.changed(this);
  }

  /** How often this very setting has been sent since it was made. */
  get transmissions(): number {
    return this.#transmissions;
  }

  set transmissions(count: number) {
    this.#transmissions = count;
    this.changed(this);
  }

  /** Its key as the device spells it, if it ever has: "" or "0". */
  get spelling(): string | undefined {
    return this.#spelling;
  }

  set spelling(spelling: string | undefined) {
    if (spelling === this.#spelling) return;
    this.#spelling = spelling;
    this.changed(this);
  }

  /** Wall time of the device's acknowledgement, ns. */
  get confirmedNs(): bigint | undefined {
    return this.#confirmedNs;
  }

  set confirmedNs(ns: bigint | undefined) {
    this.#confirmedNs = ns;
    this.changed(this);
  }

  /** The device has reported another value, and it is not known yet whether that stands (doubted-settings.ts). */
  get doubted(): boolean {
    return this.#doubted;
  }

  set doubted(doubted: boolean) {
    if (doubted === this.#doubted) return;
    this.#doubted = doubted;
    this.changed(this);
  }

  /** On its way to the device. */
  get waiting(): boolean {
    return this.state === 'pending' || this.restoring;
  }

  /** The device, or the bus, has it. `nowNs`: wall time, ns. */
  confirm(nowNs: bigint, by: ConfirmedBy): void {
    if (this.confirmedBy !== 'ack') this.confirmedBy = by;
    this.state = this.command ? 'ended' : 'inForce';
    this.restoring = false;
    this.asidePauseMs = 0;
    this.confirmedNs = nowNs;
  }

  get standing(): Standing {
    const { state, restoring, confirmedNs, confirmedBy } = this;
    return { state, restoring, confirmedNs, confirmedBy };
  }

  /** What has made it another was not the device. */
  takeBack({ state, restoring, confirmedNs, confirmedBy }: Standing): void {
    this.confirmedBy = confirmedBy;
    this.state = state;
    this.restoring = restoring;
    this.confirmedNs = confirmedNs;
  }

  get inForce(): boolean {
    return this.state === 'inForce' || this.state === 'unconfirmed';
  }
}

/** A setting as it is kept over restarts of the gateway. */
export interface SettingRecord extends TimeRecord {
  readonly type: string;
  readonly key: string;
  readonly value: ValueRecord;
  readonly tombstone: number;
  readonly origin: string;
  readonly state: SettingState;
  readonly restoring?: boolean;
  readonly doubted?: boolean;
  readonly spelling?: string;
  readonly transmissions: number;
  readonly confirmed?: string;
}

/** As {@link PointValue}, in JSON: numbers as text, which also holds infinities and 64 bits. */
export interface ValueRecord {
  readonly kind: PointValue['kind'];
  readonly number?: string;
  readonly text?: string;
}

/** What a setting counts as, or why it does not. */
export type Acceptance = SettingTime | 'notNewer' | SettingRefusal;

const LEFT_OUT =
  'settings that were kept have more bytes than a link may have (4 MiB): these are left out, and not ' +
  'sent to the device. Set them again to shorter texts';

export class SettingsBook {
  readonly #settings = new PointMap<Setting>();
  /** Changed since they were last kept. */
  readonly #changed = new Set<Setting>();
  readonly #noteChange = (setting: Setting): void => void this.#changed.add(setting);

  constructor(
    private readonly commands: ReadonlySet<string>,
    /** Most distinct settings; a bus that invents keys must not fill the memory. */
    private readonly limit: number,
    /** What they take, all of them: the one that is not in force any more is compared with later. */
    readonly quota = new SettingQuota(),
  ) {}

  get(type: string, key: string): Setting | undefined {
    return this.#settings.get(type, key);
  }

  all(): Iterable<Setting> {
    return this.#settings.values();
  }

  /**
   * Judges a point that somebody has set. Only one that is newer than the last
   * setting of its type and key counts (setting-time.ts); reports of the device do
   * not make it old.
   */
  judge(point: Point, heard: Heard, nowNs: bigint): Acceptance {
    const last = this.#settings.get(point.type, point.key);
    if (last === undefined && this.#settings.size >= this.limit) return 'tooManySettings';
    const once = this.isCommand(point.type);
    const time = SettingTime.judge(last?.time, point, heard, nowNs, once);
    if (time === undefined) return 'notNewer';
    return this.quota.fits(point, last?.point) ? time : 'tooManySettingBytes';
  }

  /** A command that was read and comes too late: it is known, and never acts. */
  passOver(point: Point, nowNs: bigint): void {
    const last = this.#settings.get(point.type, point.key);
    if (last !== undefined) {
      last.passOver(point);
      return;
    }
    const time = this.judge(point, 'reading', nowNs);
    if (typeof time !== 'string') this.take(point, time).setting.state = 'ended';
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

  /**
   * A setting was refused: the one before it, if that is still pending, is not
   * wanted any more, and ends as refused. Returns it.
   */
  endOlder(point: Point, nowNs: bigint): Setting | undefined {
    const older = this.#settings.get(point.type, point.key);
    if (older?.state !== 'pending') return undefined;
    if (SettingTime.judge(older.time, point, 'live', nowNs) === undefined) return undefined;
    older.state = 'refused';
    return older;
  }

  isCommand(type: string): boolean {
    return this.commands.has(type);
  }

  /** Takes a point that {@link judge} found to count as of that time; it takes the place of the last one. */
  take(
    point: Point,
    time = SettingTime.of(point),
  ): { setting: Setting; replaced: Setting | undefined } {
    const replaced = this.#settings.get(point.type, point.key);
    const setting = this.#make(point, time, replaced?.turn);
    setting.spelling = replaced?.spelling;
    setting.shown = replaced?.shown;
    this.#settings.set(point.type, point.key, setting);
    this.quota.take(point);
    if (replaced !== undefined) {
      this.quota.giveBack(replaced.point);
      this.#changed.delete(replaced);
    }
    return { setting, replaced };
  }

  /** True while this is still the last setting of its point. */
  isCurrent(setting: Setting): boolean {
    return this.#settings.get(setting.point.type, setting.point.key) === setting;
  }

  records(): SettingRecord[] {
    return [...this.#settings.values()].map(toRecord);
  }

  /** Of the settings that are new or have changed since the last call; a replaced one is gone. */
  takeChanged(): SettingRecord[] {
    const records: SettingRecord[] = [];
    for (const setting of this.#changed) {
      if (this.isCurrent(setting)) records.push(toRecord(setting));
    }
    this.#changed.clear();
    return records;
  }

  /** Of a point that is going to be set. */
  recordOf(point: Point, nowNs: bigint): SettingRecord {
    const last = this.#settings.get(point.type, point.key)?.time;
    const time = SettingTime.judge(last, point, 'live', nowNs) ?? SettingTime.of(point);
    return toRecord(new Setting(point, time, this.isCommand(point.type), {}, () => undefined));
  }

  #make(point: Point, time: SettingTime, turn: object = {}): Setting {
    const counted = point.time === time.ns ? point : { ...point, time: time.ns };
    const command = this.isCommand(point.type);
    const setting = new Setting(counted, time, command, turn, this.#noteChange);
    this.#changed.add(setting);
    return setting;
  }

  /** What there is no room for is left out, which is logged: an earlier version kept more. */
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
      const setting = this.#make(point, SettingTime.restore(record, point));
      setting.state = record.state;
      setting.restoring = record.restoring === true;
      setting.spelling = record.spelling;
      setting.transmissions = record.transmissions;
      setting.doubted = record.doubted === true;
      setting.sent = record.transmissions > 0 && !setting.restoring;
      if (record.confirmed !== undefined) setting.confirmedNs = BigInt(record.confirmed);
      this.#settings.set(record.type, record.key, setting);
    }
    this.#changed.clear();
    if (left > 0) log.warn({ left }, LEFT_OUT);
  }
}

function toRecord(setting: Setting): SettingRecord {
  const { point } = setting;
  return {
    type: point.type,
    key: point.key,
    ...setting.time.record(),
    value: toValueRecord(point.value),
    tombstone: point.tombstone,
    origin: point.origin,
    state: setting.state,
    transmissions: setting.transmissions,
    ...(setting.restoring ? { restoring: true } : {}),
    ...(setting.doubted ? { doubted: true } : {}),
    ...(setting.spelling === undefined ? {} : { spelling: setting.spelling }),
    ...(setting.confirmedNs === undefined ? {} : { confirmed: setting.confirmedNs.toString() }),
  };
}

export function toValueRecord(value: PointValue): ValueRecord {
  switch (value.kind) {
    case 'none':
      return { kind: 'none' };
    case 'float':
      return { kind: 'float', number: String(value.number) };
    case 'int':
      return { kind: 'int', number: value.integer.toString() };
    case 'json':
      return { kind: 'json', text: value.text };
    case 'string':
      return value.number === undefined
        ? { kind: 'string', text: value.text }
        : { kind: 'string', text: value.text, number: String(value.number) };
  }
}

export function fromValueRecord(record: ValueRecord): PointValue {
  switch (record.kind) {
    case 'none':
      return { kind: 'none' };
    case 'float':
      return { kind: 'float', number: Number(record.number) };
    case 'int':
      return { kind: 'int', integer: BigInt(record.number ?? '0') };
    case 'json':
      return { kind: 'json', text: record.text ?? '' };
    case 'string':
      return record.number === undefined
        ? { kind: 'string', text: record.text ?? '' }
        : { kind: 'string', text: record.text ?? '', number: Number(record.number) };
  }
}

/**
 * Whether a report says what a setting says. `asSent`: the setting as the
 * device's codec rounds it. A device that computes in single precision behind
 * the compact codec reports 0.1 as 0.10000000149: that is equal too.
 */
export function reportEquals(report: Point, asSent: Point): boolean {
  if (isDeleted(report) !== isDeleted(asSent)) return false;
  // What a deleted point had for a value is nobody's setting.
  if (isDeleted(report)) return true;
  const text = textOf(asSent.value);
  if (text !== '' || textOf(report.value) !== '') return text === textOf(report.value);
  const set = numberOf(asSent.value);
  const reported = numberOf(report.value);
  if (set === reported) return true;
  return !Number.isInteger(set) && Math.fround(set) === reported;
}
