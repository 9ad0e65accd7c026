/**
 * Settings that `siot-mcu set` has been asked for, on disk before SIOT has them:
 * a setting that cannot be kept is refused before anybody has seen it, and no crash
 * loses one that was accepted.
 *
 * ```
 *  asked ─► add: on disk ─┬─► SIOT takes it ─► taken: the link has it
 *                         └─► SIOT does not ─► withdraw: the file is written anew
 * ```
 */
import { PointMap } from '../../point/point-map.js';
import type { Point } from '../../point/point.js';
import { SettingTime } from '../../session/settings/time.js';
import type { PointAges } from '../../session/node/point-ages.js';
import type { DeviceSession } from '../../session/device-session.js';
import type { Settings } from '../../session/settings/settings.js';
import type { LinkState } from '../state/link-file.js';
import type { DescriptionRecord, LinkHead, RouterRecord } from '../state/link-record.js';
import type { Statistics } from './statistics.js';
import type { SettingRecord } from '../../session/settings/record.js';

interface Unpublished {
  readonly point: Point;
  /** Of what goes to the device; `undefined`: `disabled`, which is the link's own. */
  readonly record: SettingRecord | undefined;
  /** What `disabled` will be. */
  readonly disabled: boolean | undefined;
}

/** The parts of a link of which something is kept. */
interface KeptParts {
  readonly session: Pick<DeviceSession, 'recordWithoutSettings'>;
  readonly settings: Pick<Settings, 'records' | 'takeChanged'>;
  readonly router: {
    record(): RouterRecord;
    /** As which the last setting of a point counts. */
    lastTime(type: string, key: string): { readonly ns: bigint } | undefined;
  };
  readonly descriptions: { record(): readonly DescriptionRecord[] };
  readonly ages: Pick<PointAges, 'record'>;
  readonly statistics: Pick<Statistics, 'connectedNs'>;
}

/** What is known of a link, and what is going to be. */
export class UnpublishedSettings implements LinkState {
  readonly #unpublished = new PointMap<Unpublished>();
  #stale = false;

  constructor(private readonly parts: KeptParts) {}

  add(point: Point, record: SettingRecord): void {
    this.#unpublished.set(point.type, point.key, { point, record, disabled: undefined });
  }

  addDisabled(point: Point, disabled: boolean): void {
    this.#unpublished.set(point.type, point.key, { point, record: undefined, disabled });
  }

  /** The link has it now. */
  taken(point: Point): void {
    this.#delete(point);
  }

  /** It is given up: the next save removes it from the disk. False: it was not there. */
  withdraw(point: Point): boolean {
    const deleted = this.#delete(point);
    if (deleted) this.#stale = true;
    return deleted;
  }

  /** Another link will take what SIOT has. */
  withdrawAll(): void {
    if (this.#unpublished.size > 0) this.#stale = true;
    this.#unpublished.clear();
  }

  head(): LinkHead {
    const { session, router, descriptions, ages, statistics } = this.parts;
    const kept = ages.record();
    const { connectedNs } = statistics;
    const head = {
      session: session.recordWithoutSettings(),
      judge: router.record(),
      descriptions: descriptions.record(),
      ...(Object.keys(kept).length === 0 ? {} : { ages: kept }),
      ...(connectedNs === undefined ? {} : { connected: String(connectedNs) }),
    };
    for (const { point, disabled } of this.#awaited()) {
      if (disabled === undefined) continue;
      const switched = { value: disabled, ...SettingTime.of(point).record() };
      return { ...head, judge: { ...head.judge, disabled: switched } };
    }
    return head;
  }

  *settings(): Iterable<SettingRecord> {
    yield* this.parts.settings.records();
    // Of two lines of a point the last counts.
    yield* this.#records();
  }

  *takeChangedSettings(): Iterable<SettingRecord> {
    yield* this.parts.settings.takeChanged();
    yield* this.#records();
  }

  takeStale(): boolean {
    const stale = this.#stale;
    this.#stale = false;
    return stale;
  }

  *#records(): Iterable<SettingRecord> {
    for (const { record } of this.#awaited()) if (record !== undefined) yield record;
  }

  /** What others have set since counts, and must not be lost for one that is older. */
  *#awaited(): Iterable<Unpublished> {
    for (const one of this.#unpublished.values()) {
      const { type, key, time } = one.point;
      const last = this.parts.router.lastTime(type, key);
      if (last === undefined || last.ns < time) yield one;
    }
  }

  #delete({ type, key, time }: Point): boolean {
    return (
      this.#unpublished.get(type, key)?.point.time === time && this.#unpublished.delete(type, key)
    );
  }
}
