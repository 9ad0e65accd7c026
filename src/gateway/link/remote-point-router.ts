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
  stringValue,
  textOf,
  type Point,
} from '../../point/point.js';
import { POINT_INFO_TYPE, isNeverSentDown, isReservedType } from '../../point/reserved.js';
import { MAX_TOKEN_BYTES, isTooLong } from '../../point/token.js';
import { SettingTime, isFar, type Heard } from '../../session/settings/time.js';
import type { Counters } from '../../session/node/counters.js';
import type { Replica } from '../../session/node/replica.js';
import type { Settings } from '../../session/settings/settings.js';
import type { RouterRecord } from '../state/link-record.js';
import type { Download } from './downloads.js';
import { isReset } from './statistics.js';

/** What the router calls for a point that acts on the link or its node. */
export interface RemotePointHost {
  disable(disabled: boolean): void;
  /** SIOT may have kept another value of the same time: it is to show this one. */
  show(point: Point): void;
  /** Somebody has named a file for the device in {@link RemotePointRouter.download}, or has emptied that. */
  downloadAsked(): void;
  /** Somebody has written 1 to a reset point. */
  reset(point: Point): void;
  /** Somebody has given the node a description, or has emptied it. */
  described(point: Point, heard: Heard): void;
}

/** What the router works with. */
interface RemotePointParts {
  readonly nodeId: string;
  /** Takes what goes to the device; `undefined`: it does not count. */
  readonly session: { set(point: Point, heard: Heard): object | undefined };
  readonly settings: Pick<Settings, 'get' | 'isCommand' | 'check' | 'passOver'>;
  readonly replica: Pick<Replica, 'find'>;
  readonly counters: Pick<Counters, 'notice'>;
  readonly host: RemotePointHost;
  readonly clock: Clock;
  readonly log: Log;
}

/** Types that act on the link itself: its port, its files, or its counters. */
export const isSwitch = (type: string): boolean =>
  type === 'disabled' || type === DOWNLOAD_TYPE || isReset(type);

/** As {@link isSwitch}; a switch has no key. */
export const isOwnSwitch = (type: string, key: string): boolean =>
  isSwitch(type) && canonicalKey(key) === '0';

/** Whether a point `disabled` stops the link. */
export const disables = (point: Point): boolean => isTrue(point.value) && !isDeleted(point);

/** Names a file node of which the device is to get the file. */
const DOWNLOAD_TYPE = 'download';

/** Other people choose types and keys: a limit keeps them from filling the memory. */
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
/** A command may be so much older than the last reading because of a slow clock: then it is logged. */
const SLOW_CLOCK_NS = 3_600n * NS_PER_S;

/** Decides for each point what it acts on: the device, the link, the description, or nothing. */
export class RemotePointRouter {
  #disabled: { readonly value: boolean; readonly time: SettingTime } | undefined;
  #download: { readonly name: string; readonly time: SettingTime } | undefined;
  /** Wall clock time; and wall clock minus monotonic clock then, unless it is of an earlier run. */
  #lastReading: { readonly ns: bigint; readonly offsetNs?: bigint } | undefined;
  readonly #resetTimes = new Map<string, SettingTime>();
  readonly #farSaid = new PointMap<true>();
  readonly #refused = new PointMap<bigint>();
  readonly #refusedTypes = new Set<string>();
  #foreignOwnerSaid = false;
  #longNameSaid = false;

  readonly #host: RemotePointHost;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(
    private readonly parts: RemotePointParts,
    record: RouterRecord,
  ) {
    this.#host = parts.host;
    this.#clock = parts.clock;
    this.#log = parts.log;
    const { disabled, download, resets = {}, lastReading } = record;
    if (disabled !== undefined) {
      const { value } = disabled;
      const point = makePoint({ type: 'disabled', value: floatValue(value ? 1 : 0) });
      this.#disabled = { value, time: SettingTime.restore(disabled, point) };
    }
    if (download !== undefined) {
      const { name } = download;
      const point = makePoint({ type: DOWNLOAD_TYPE, value: stringValue(name) });
      this.#download = { name, time: SettingTime.restore(download, point) };
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

  /** The file that somebody wants the device to have, as it was written last. */
  get download(): Download {
    const { name = '', time } = this.#download ?? {};
    return { name, time: time?.ns.toString() ?? '' };
  }

  /** Its file has ended. Returns `download`, emptied, as SIOT is to show it; `undefined`: it is empty. */
  downloadEnded(): Point | undefined {
    const ended = this.#download;
    if (ended === undefined || ended.name === '') return undefined;
    this.#download = { name: '', time: ended.time };
    const time = ended.time.following(this.#clock.wallNs());
    return makePoint({ type: DOWNLOAD_TYPE, key: '0', value: stringValue(''), time });
  }

  /** Of the last point of that name that was set, whether it went to the device or acted on the link. */
  lastTime(type: string, key: string): SettingTime | undefined {
    return this.parts.settings.get(type, key)?.time ?? this.switchTime(type);
  }

  /** Of the last point that acted on the link itself. */
  switchTime(type: string): SettingTime | undefined {
    if (type === DOWNLOAD_TYPE) return this.#download?.time;
    return type === 'disabled' ? this.#disabled?.time : this.#resetTimes.get(type);
  }

  /** It has been set before, the device has reported it, or it acts on the link itself: the number of such points is bounded. */
  isKnown(type: string, key: string): boolean {
    const { settings, replica } = this.parts;
    return (
      settings.get(type, key) !== undefined ||
      replica.find(type, key) !== undefined ||
      isOwnSwitch(type, key)
    );
  }

  record(): RouterRecord {
    const disabled = this.#disabled;
    const download = this.#download;
    const resets = [...this.#resetTimes].map(([type, time]) => [type, time.record()] as const);
    const lastReading = this.#lastReadingNs?.toString();
    return {
      ...(disabled === undefined
        ? {}
        : { disabled: { value: disabled.value, ...disabled.time.record() } }),
      ...(download === undefined
        ? {}
        : { download: { name: download.name, ...download.time.record() } }),
      ...(resets.length === 0 ? {} : { resets: Object.fromEntries(resets) }),
      ...(lastReading === undefined ? {} : { lastReading }),
    };
  }

  /** As they are published, in order. */
  live(points: readonly Point[]): void {
    for (const point of points) this.#route(point, 'live');
  }

  /** The points that somebody other than the node's owner has published, without names that are too long. */
  ofOthers(points: readonly Point[]): readonly Point[] {
    return points.filter((point) => !this.#isOwners(point, 'live') && !this.#isTooLong(point));
  }

  /** The node as the store has it. */
  reading(points: readonly Point[]): void {
    for (const point of points) this.#route(point, 'reading');
    this.#lastReading = { ns: this.#clock.wallNs(), offsetNs: wallMinusMonotonic(this.#clock) };
  }

  /** Time of the last reading by the clock as it is set now: it may have been stepped since. */
  get #lastReadingNs(): bigint | undefined {
    const last = this.#lastReading;
    if (last?.offsetNs === undefined) return last?.ns;
    const steppedNs = wallMinusMonotonic(this.#clock) - last.offsetNs;
    const isStep = steppedNs > CLOCK_STEP_NS || steppedNs < -CLOCK_STEP_NS;
    return isStep ? last.ns + steppedNs : last.ns;
  }

  #route(point: Point, heard: Heard): void {
    if (this.#isOwners(point, heard) || this.#isTooLong(point)) return;
    const { type } = point;
    if (type === 'disabled') {
      this.#routeDisabled(point, heard);
    } else if (type === DOWNLOAD_TYPE) {
      this.#routeDownload(point, heard);
    } else if (isReset(type)) {
      this.#routeReset(point, heard);
    } else if (isNeverSentDown(type)) {
      if (isReservedType(type)) this.#refuse(point, 'it is not the device’s');
      else if (type === POINT_INFO_TYPE) this.#refuse(point, 'the device announces it');
      else this.#host.described(point, heard);
    } else if (Number.isNaN(numberOf(point.value))) {
      this.#refuse(point, 'NaN is no setting');
    } else {
      const isStale =
        heard === 'reading' && this.parts.settings.isCommand(type) && !this.#isFresh(point);
      if (isStale) this.#passOver(point);
      else if (this.parts.session.set(point, heard) !== undefined) this.#sayFar(point, FAR_SETTING);
    }
  }

  #isOwners(point: Point, heard: Heard): boolean {
    const { type, key, origin } = point;
    if (origin !== '' && origin !== this.parts.nodeId) return false;
    if (type === 'connected' && origin === '' && heard === 'live') this.#foreignOwner();
    if (!isTooLong(type) && !isTooLong(key)) this.#sayFar(point, FAR_OF_OWNER);
    return true;
  }

  /** Such a name fits no packet, and would fill memory and log. */
  #isTooLong({ type, key, origin }: Point): boolean {
    if (!isTooLong(type) && !isTooLong(key) && !isTooLong(origin)) return false;
    this.parts.counters.notice('refusedSetting');
    if (!this.#longNameSaid) {
      this.#longNameSaid = true;
      this.#log.warn(
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

  /** Remembers it, so that a step of the clock does not make it count later. */
  #passOver(point: Point): void {
    this.#sayPassedOver(point);
    this.parts.settings.passOver(point, this.#clock.wallNs());
  }

  /** Logs a command that was made while the gateway was away, and does not count. */
  #sayPassedOver(point: Point): void {
    const last = this.#lastReadingNs;
    if (last === undefined || point.time < last - SLOW_CLOCK_NS) return;
    const { settings } = this.parts;
    if (settings.check(point, 'reading', this.#clock.wallNs()) === 'notNewer') return;
    const why =
      'as a command it is older than the last reading of the node (is the clock slow where it was set?)';
    this.#refuse(point, why);
  }

  #routeReset(point: Point, heard: Heard): void {
    const { type } = point;
    const last = this.#resetTimes.get(type);
    const time = SettingTime.after(last, point, heard, this.#clock.wallNs());
    if (time === undefined) return;
    this.#resetTimes.set(type, time);
    this.#host.reset(point);
    this.#sayFar(point, FAR_SETTING);
  }

  #routeDisabled(point: Point, heard: Heard): void {
    if (canonicalKey(point.key) !== '0') return;
    const time = SettingTime.after(this.#disabled?.time, point, heard, this.#clock.wallNs());
    if (time === undefined) return;
    const before = this.disabled;
    this.#disabled = { value: disables(point), time };
    if (this.disabled !== before) this.#host.disable(this.disabled);
    if (time.tied)
      this.#host.show({ ...point, origin: '', time: time.following(this.#clock.wallNs()) });
    this.#sayFar(point, FAR_SETTING);
  }

  /** It acts each time that it counts, as a command does. */
  #routeDownload(point: Point, heard: Heard): void {
    if (canonicalKey(point.key) !== '0') return;
    const nowNs = this.#clock.wallNs();
    const time = SettingTime.after(this.#download?.time, point, heard, nowNs, true);
    if (time === undefined) return;
    const name = isDeleted(point) ? '' : textOf(point.value);
    // What is found at the first reading was meant for whoever served the node before.
    const isOld = heard === 'reading' && !this.#isFresh(point);
    this.#download = { name: isOld ? '' : name, time };
    if (isOld) return;
    this.#host.downloadAsked();
    this.#sayFar(point, FAR_SETTING);
  }

  /** SIOT keeps the latest time, whatever counts here: logged once a point, since SIOT goes on showing it. */
  #sayFar({ type, key, time }: Point, message: string): void {
    const nowNs = this.#clock.wallNs();
    if (!isFar(time, nowNs) || this.#farSaid.get(type, key) === true) return;
    if (this.#farSaid.size >= MOST_REFUSED) return;
    this.#farSaid.set(type, key, true);
    const aheadS = Number((time - nowNs) / NS_PER_S);
    this.#log.warn({ type, key, aheadS }, message);
  }

  #refuse(point: Point, why: string): void {
    // The same point is found again in each reading.
    const { type, key, time } = point;
    const last = this.#refused.get(type, key);
    if (last !== undefined && time <= last) return;
    if (last !== undefined || this.#refused.size < MOST_REFUSED) {
      this.#refused.set(type, key, time);
    }
    this.parts.counters.notice('refusedSetting');
    if (this.#refusedTypes.has(type) || this.#refusedTypes.size >= MOST_REFUSED) return;
    this.#refusedTypes.add(type);
    this.#log.warn({ type }, `somebody has set this point: not sent to the device, since ${why}`);
  }

  #foreignOwner(): void {
    if (this.#foreignOwnerSaid) return;
    this.#foreignOwnerSaid = true;
    this.#log.warn(
      { node: this.parts.nodeId },
      'somebody else publishes `connected` on this node with a blank origin, as its owner: ' +
        'is a second gateway, or SIOT itself, attached to it?',
    );
  }
}
