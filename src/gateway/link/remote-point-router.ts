/**
 * What the points that others publish on a link's node mean (docs/contract.md, "Whose
 * points", "Listening").
 */
import { CLOCK_STEP_NS, NS_PER_S, wallMinusMonotonic, type Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { PointMap } from '../../point/point-map.js';
import {
  canonicalKey,
  floatValue,
  isDeleted,
  isTrue,
  makePoint,
  numberOf,
  type Point,
} from '../../point/point.js';
import { isNeverSentDown, isReservedType } from '../../point/reserved.js';
import { MAX_TOKEN_BYTES, isTooLong } from '../../point/token.js';
import { SettingTime, isFar, type Heard } from '../../session/settings/time.js';
import type { RouterRecord } from '../state/link-record.js';
import { isReset } from './statistics.js';

export interface RemotePointActions {
  /** Somebody has set a point that goes to the device. False: it does not count. */
  set(point: Point, heard: Heard): boolean;
  /** True if the type is one of the link's commands. */
  isCommand(type: string): boolean;
  /** True if nothing as new was ever set of this point, as far as is known. */
  isNews(point: Point): boolean;
  /** That was read, and never acts: as a command it comes too late. */
  passOver(point: Point): void;
  disable(disabled: boolean): void;
  /** SIOT may have kept another value of the same time: it is to show this one. */
  show(point: Point): void;
  reset(point: Point): void;
  /** Somebody has given the node a description, or has emptied it. */
  described(point: Point, heard: Heard): void;
  refused(): void;
}

/** Acts on the link itself: its port, or its counters. */
export const isSwitch = (type: string): boolean => type === 'disabled' || isReset(type);

/** Whether a point `disabled` stops the link. */
export const disables = (point: Point): boolean => isTrue(point.value) && !isDeleted(point);

/** Types and keys are other people’s words: they must not fill the memory. */
const MOST_REFUSED = 1_000;
/** Characters of a name that is too long, for the log. */
const SHOWN_OF_LONG = 40;
const FAR_SETTING =
  'somebody has set this point with a time far ahead of this machine’s clock: it counts as ' +
  'set now, and so does what is set after it; but SIOT keeps the later time, and goes on ' +
  'showing this value until then (which of the two clocks is wrong?)';
const FAR_OF_OWNER =
  'SIOT has this point of the device with a time far ahead of this machine’s clock, as somebody ' +
  'has written it in the device’s name: SIOT shows that value until a later time comes, or for ' +
  'ever where there is none (which of the two clocks is wrong?)';
/** A command that is so much older than the last reading may have been passed over because of a slow clock. */
const SLOW_CLOCK_NS = 3_600n * NS_PER_S;

export class RemotePointRouter {
  #disabled: { readonly value: boolean; readonly time: SettingTime } | undefined;
  /** By the wall clock; and how that differed from the other one then, if it was in this life. */
  #lastReading: { readonly ns: bigint; readonly offsetNs?: bigint } | undefined;
  readonly #resetTimes = new Map<string, SettingTime>();
  readonly #farSaid = new PointMap<true>();
  readonly #refused = new PointMap<bigint>();
  readonly #refusedTypes = new Set<string>();
  #foreignOwnerSaid = false;
  #longNameSaid = false;

  constructor(
    private readonly nodeId: string,
    private readonly actions: RemotePointActions,
    private readonly clock: Clock,
    private readonly log: Log,
    record: RouterRecord,
  ) {
    const { disabled, resets = {}, lastReading } = record;
    if (disabled !== undefined) {
      const { value } = disabled;
      const point = makePoint({ type: 'disabled', value: floatValue(value ? 1 : 0) });
      this.#disabled = { value, time: SettingTime.restore(disabled, point) };
    }
    for (const [type, time] of Object.entries(resets)) {
      if (!isReset(type)) continue;
      const point = makePoint({ type, value: floatValue(1) });
      this.#resetTimes.set(type, SettingTime.restore(time, point));
    }
    if (lastReading !== undefined) this.#lastReading = { ns: BigInt(lastReading) };
  }

  get disabled(): boolean {
    return this.#disabled?.value ?? false;
  }

  /** Of the last point that acted on the link itself. */
  lastTime(type: string): SettingTime | undefined {
    return type === 'disabled' ? this.#disabled?.time : this.#resetTimes.get(type);
  }

  record(): RouterRecord {
    const disabled = this.#disabled;
    const resets = [...this.#resetTimes].map(([type, time]) => [type, time.record()] as const);
    const lastReading = this.#lastReadingNs?.toString();
    return {
      ...(disabled === undefined
        ? {}
        : { disabled: { value: disabled.value, ...disabled.time.record() } }),
      ...(resets.length === 0 ? {} : { resets: Object.fromEntries(resets) }),
      ...(lastReading === undefined ? {} : { lastReading }),
    };
  }

  live(points: readonly Point[]): void {
    for (const point of points) this.#judge(point, 'live');
  }

  /** Those of them that others than the node's owner have published, and that can be a setting. */
  ofOthers(points: readonly Point[]): readonly Point[] {
    return points.filter((point) => !this.#isOwners(point, 'live') && !this.#isTooLong(point));
  }

  /** The node as the store has it. */
  reading(points: readonly Point[]): void {
    for (const point of points) this.#judge(point, 'reading');
    this.#lastReading = { ns: this.clock.wallNs(), offsetNs: wallMinusMonotonic(this.clock) };
  }

  /** As the clock would have dated it that is right now: it may have been stepped since. */
  get #lastReadingNs(): bigint | undefined {
    const last = this.#lastReading;
    if (last?.offsetNs === undefined) return last?.ns;
    const steppedNs = wallMinusMonotonic(this.clock) - last.offsetNs;
    const isStep = steppedNs > CLOCK_STEP_NS || steppedNs < -CLOCK_STEP_NS;
    return isStep ? last.ns + steppedNs : last.ns;
  }

  #judge(point: Point, heard: Heard): void {
    if (this.#isOwners(point, heard) || this.#isTooLong(point)) return;
    const { type } = point;
    if (type === 'disabled') {
      this.#judgeDisabled(point, heard);
    } else if (isReset(type)) {
      this.#judgeReset(point, heard);
    } else if (isNeverSentDown(type)) {
      if (isReservedType(type)) this.#refuse(point, 'it is not the device’s');
      else this.actions.described(point, heard);
    } else if (Number.isNaN(numberOf(point.value))) {
      this.#refuse(point, 'NaN is no setting');
    } else {
      const isStale = heard === 'reading' && this.actions.isCommand(type) && !this.#isFresh(point);
      if (isStale) this.#passOver(point);
      else if (this.actions.set(point, heard)) this.#sayFar(point, FAR_SETTING);
    }
  }

  #isOwners(point: Point, heard: Heard): boolean {
    const { type, key, origin } = point;
    if (origin !== '' && origin !== this.nodeId) return false;
    if (type === 'connected' && origin === '' && heard === 'live') this.#foreignOwner();
    if (!isTooLong(type) && !isTooLong(key)) this.#sayFar(point, FAR_OF_OWNER);
    return true;
  }

  /** A device cannot report such a point, and its names would fill memory and log. */
  #isTooLong({ type, key, origin }: Point): boolean {
    if (!isTooLong(type) && !isTooLong(key) && !isTooLong(origin)) return false;
    this.actions.refused();
    if (!this.#longNameSaid) {
      this.#longNameSaid = true;
      this.log.warn(
        { type: type.slice(0, SHOWN_OF_LONG) },
        `somebody has set a point whose type, key or origin has more than ${String(MAX_TOKEN_BYTES)} bytes: not sent to the device`,
      );
    }
    return true;
  }

  /** A command found in a reading counts only if it is newer than the one before. */
  #isFresh(point: Point): boolean {
    const last = this.#lastReadingNs;
    return last !== undefined && point.time > last;
  }

  /** It is known from now on: a clock that is set otherwise does not make it newer. */
  #passOver(point: Point): void {
    this.#sayPassedOver(point);
    this.actions.passOver(point);
  }

  /** Nobody is to wonder where a command has gone that was made while the gateway was away. */
  #sayPassedOver(point: Point): void {
    const last = this.#lastReadingNs;
    if (last === undefined || point.time < last - SLOW_CLOCK_NS) return;
    if (!this.actions.isNews(point)) return;
    const why =
      'as a command it is older than the last reading of the node (is the clock slow where it was set?)';
    this.#refuse(point, why);
  }

  #judgeReset(point: Point, heard: Heard): void {
    const { type } = point;
    const last = this.#resetTimes.get(type);
    const time = SettingTime.after(last, point, heard, this.clock.wallNs());
    if (time === undefined) return;
    this.#resetTimes.set(type, time);
    this.actions.reset(point);
    this.#sayFar(point, FAR_SETTING);
  }

  #judgeDisabled(point: Point, heard: Heard): void {
    if (canonicalKey(point.key) !== '0') return;
    const time = SettingTime.after(this.#disabled?.time, point, heard, this.clock.wallNs());
    if (time === undefined) return;
    const before = this.disabled;
    this.#disabled = { value: disables(point), time };
    if (this.disabled !== before) this.actions.disable(this.disabled);
    if (time.tied)
      this.actions.show({ ...point, origin: '', time: time.following(this.clock.wallNs()) });
    this.#sayFar(point, FAR_SETTING);
  }

  /** SIOT keeps the latest, whatever counts here: nobody is to wonder why it shows that. Once a point. */
  #sayFar({ type, key, time }: Point, message: string): void {
    const nowNs = this.clock.wallNs();
    if (!isFar(time, nowNs) || this.#farSaid.get(type, key) === true) return;
    if (this.#farSaid.size >= MOST_REFUSED) return;
    this.#farSaid.set(type, key, true);
    const aheadS = Number((time - nowNs) / NS_PER_S);
    this.log.warn({ type, key, aheadS }, message);
  }

  #refuse(point: Point, why: string): void {
    // The same point is found again in each reading.
    const { type, key, time } = point;
    const last = this.#refused.get(type, key);
    if (last !== undefined && time <= last) return;
    if (last !== undefined || this.#refused.size < MOST_REFUSED) {
      this.#refused.set(type, key, time);
    }
    this.actions.refused();
    if (this.#refusedTypes.has(type) || this.#refusedTypes.size >= MOST_REFUSED) return;
    this.#refusedTypes.add(type);
    this.log.warn({ type }, `somebody has set this point: not sent to the device, since ${why}`);
  }

  #foreignOwner(): void {
    if (this.#foreignOwnerSaid) return;
    this.#foreignOwnerSaid = true;
    this.log.warn(
      { node: this.nodeId },
      'somebody else publishes `connected` on this node with a blank origin, as its owner: ' +
        'is a second gateway, or SIOT itself, attached to it?',
    );
  }
}
