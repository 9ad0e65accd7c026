/** What somebody has set a point to (docs/contract.md, "Towards the device"). What becomes of it: transitions.ts. */
import { NO_SCALE } from '../../point/point-scale.js';
import { isDeleted, numberOf, textOf, type Point } from '../../point/point.js';
import { isKeptTheSame, type KeptState } from './kept.js';
import {
  PENDING,
  confirmationOf,
  isInForce,
  isWaiting,
  restoredBy,
  type Confirmation,
  type ConfirmedBy,
  type SettingLife,
} from './states.js';
import type { SettingTime } from './time.js';
import { next, type SettingEffect, type SettingEvent } from './transitions.js';

/** What has become of a setting, in few words. One that is restored is what it was. */
type SettingState = KeptState | 'superseded';

/** Where a setting is kept. */
export interface SettingHost {
  /** What is kept of it over restarts of the gateway. */
  keptChanged(setting: Setting): void;
  /** This cannot happen to it: an error in the gateway. Nothing changes. */
  impossible(setting: Setting, event: SettingEvent): void;
}

/** What SIOT showed before a setting was published once more. */
export interface Overtaken {
  readonly before: Point;
  /** For which the setting was published. `undefined`: it was unconfirmed. */
  readonly confirmation: Confirmation | undefined;
  /** The newest point since the publication. If another one is newer, SIOT shows that. */
  readonly newest: Point | undefined;
}

/** One setting of one point, and its state. A newer one of the point is another object. */
export class Setting {
  #life: SettingLife;
  #spelling: string | undefined;
  #sentScale: number;
  #time: SettingTime;
  /** The owner's value that SIOT showed when the node was read, while nothing newer is known. */
  shown: Point | undefined;
  /** What its last publication overtook in SIOT, if anything. */
  overtook: Overtaken | undefined;
  /** SIOT did not have it, but none or an older one of the point, when the node was last read. */
  lacked = false;
  /** What the device has reported of the point last, since the setting was first sent. */
  report: Point | undefined;
  /** That report says what the setting says. */
  reportEquals = false;

  constructor(
    /** As it was set, with the key of whoever set it, and the time as which it counts. */
    readonly point: Point,
    time: SettingTime,
    /** Acts once: never sent again after its end. */
    readonly command: boolean,
    /** The same object for all settings of one point, one after the other. */
    readonly slot: object,
    private readonly host: SettingHost,
    life: SettingLife = PENDING,
    spelling?: string,
    sentScale = NO_SCALE,
  ) {
    this.#time = time;
    this.#life = life;
    this.#spelling = spelling;
    this.#sentScale = sentScale;
  }

  get life(): SettingLife {
    return this.#life;
  }

  /** Changes its state for an event. Returns what the caller has to do now. */
  on(event: SettingEvent): readonly SettingEffect[] {
    const before = this.#life;
    const step = next(before, event, this.command);
    if (step === undefined) {
      this.host.impossible(this, event);
      return [];
    }
    this.#life = step.life;
    if (step.life !== before && !isKeptTheSame(before, step.life)) this.host.keptChanged(this);
    return step.effects;
  }

  get time(): SettingTime {
    return this.#time;
  }

  /** A point was read that does not count: it will not count later either. */
  passOver(point: Point): void {
    const passing = this.#time.passing(point);
    if (passing === this.#time) return;
    this.#time = passing;
    this.host.keptChanged(this);
  }

  /** Its key as the device spells it, if it ever has: "" or "0". */
  get spelling(): string | undefined {
    return this.#spelling;
  }

  set spelling(spelling: string | undefined) {
    if (spelling === this.#spelling) return;
    this.#spelling = spelling;
    this.host.keptChanged(this);
  }

  /** The scale by which it went to the device last; it says nothing before that. */
  get sentScale(): number {
    return this.#sentScale;
  }

  set sentScale(scale: number) {
    if (scale === this.#sentScale) return;
    this.#sentScale = scale;
    this.host.keptChanged(this);
  }

  get state(): SettingState {
    const life = this.#life;
    if (!isWaiting(life)) return life.name;
    return restoredBy(life)?.name ?? 'pending';
  }

  /** On its way to the device. */
  get waiting(): boolean {
    return isWaiting(this.#life);
  }

  /** The device has it, as far as is known, and it is not being sent again. */
  get inForce(): boolean {
    return isInForce(this.#life);
  }

  /** It is in force, and nothing that the device has said since is newer. */
  get isNewest(): boolean {
    return isInForce(this.#life) && !this.#life.reported;
  }

  /** Wall time of its last confirmation, ns. */
  get confirmedNs(): bigint | undefined {
    return confirmationOf(this.#life)?.ns;
  }

  /** How it was confirmed, if that was since the gateway started. */
  get confirmedBy(): ConfirmedBy | undefined {
    return confirmationOf(this.#life)?.by;
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
