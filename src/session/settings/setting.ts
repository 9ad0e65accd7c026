/** What somebody has set a point to, and what became of it (docs/contract.md, "Towards the device"). */
import { isDeleted, numberOf, textOf, type Point } from '../../point/point.js';
import type { SettingTime } from './time.js';

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

  /** The device has reported another value, and it is not known yet whether that stands (doubted.ts). */
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
