/**
 * What the points that others publish on a link's node mean (design.md, "Whose
 * points", "Listening").
 */
import { NS_PER_S } from '../point/clock.js';
import type { Log } from '../point/log.js';
import { PointMap } from '../point/point-map.js';
import { canonicalKey, isDeleted, isTrue, numberOf, type Point } from '../point/point.js';
import { isNeverSentDown, isReservedType } from '../point/reserved.js';
import { MAX_TOKEN_BYTES, isTooLong } from '../point/token.js';
import { isReset } from './statistics.js';

/** Live, or found when the node was read. */
export type Heard = 'live' | 'reading';

export interface BusActions {
  /** Somebody has set a point that goes to the device. */
  set(point: Point): void;
  /** True if the type is one of the link's commands. */
  isCommand(type: string): boolean;
  /** True if nothing as new was ever set of this point, as far as is known. */
  isNews(point: Point): boolean;
  disable(disabled: boolean): void;
  reset(point: Point): void;
  /** Somebody has given the node a description, or has emptied it. */
  described(point: Point, heard: Heard): void;
  refused(): void;
}

/** What is kept of the judge over restarts of the gateway. */
export interface JudgeRecord {
  readonly disabled?: { readonly value: boolean; readonly time: string };
  /** When the node was last read, ns as decimal text. */
  readonly lastReading?: string;
}

/** Acts on the link itself: its port, or its counters. */
export const isSwitch = (type: string): boolean => type === 'disabled' || isReset(type);

/** Types and keys are other people’s words: they must not fill the memory. */
const MOST_REFUSED = 1_000;
/** Characters of a name that is too long, for the log. */
const SHOWN_OF_LONG = 40;
/** A command that is so much older than the last reading may have been passed over because of a slow clock. */
const SLOW_CLOCK_NS = 3_600n * NS_PER_S;

export class BusJudge {
  #disabled: { readonly value: boolean; readonly time: bigint } | undefined;
  #lastReadingNs: bigint | undefined;
  readonly #resetTimes = new Map<string, bigint>();
  readonly #refused = new PointMap<bigint>();
  readonly #refusedTypes = new Set<string>();
  #foreignOwnerSaid = false;
  #longNameSaid = false;

  constructor(
    private readonly nodeId: string,
    private readonly actions: BusActions,
    private readonly log: Log,
    record: JudgeRecord,
  ) {
    const { disabled, lastReading } = record;
    if (disabled !== undefined) {
      this.#disabled = { value: disabled.value, time: BigInt(disabled.time) };
    }
    if (lastReading !== undefined) this.#lastReadingNs = BigInt(lastReading);
  }

  get disabled(): boolean {
    return this.#disabled?.value ?? false;
  }

  /** Of the last point that acted on the link itself, ns; 0 if there was none. */
  lastTime(type: string): bigint {
    const last = type === 'disabled' ? this.#disabled?.time : this.#resetTimes.get(type);
    return last ?? 0n;
  }

  record(): JudgeRecord {
    return {
      ...(this.#disabled === undefined
        ? {}
        : {
            disabled: { value: this.#disabled.value, time: this.#disabled.time.toString() },
          }),
      ...(this.#lastReadingNs === undefined ? {} : { lastReading: this.#lastReadingNs.toString() }),
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
  reading(points: readonly Point[], nowNs: bigint): void {
    for (const point of points) this.#judge(point, 'reading');
    this.#lastReadingNs = nowNs;
  }

  /** The gateway's clock was stepped, by so many ns: all that it has dated is now. */
  clockStepped(byNs: bigint): void {
    if (this.#lastReadingNs !== undefined) this.#lastReadingNs += byNs;
  }

  #judge(point: Point, heard: Heard): void {
    if (this.#isOwners(point, heard) || this.#isTooLong(point)) return;
    const { type } = point;
    if (type === 'disabled') {
      this.#judgeDisabled(point);
    } else if (isReset(type)) {
      const last = this.#resetTimes.get(type);
      if (last !== undefined && point.time <= last) return;
      this.#resetTimes.set(type, point.time);
      this.actions.reset(point);
    } else if (isNeverSentDown(type)) {
      if (isReservedType(type)) this.#refuse(point, 'it is not the device’s');
      else this.actions.described(point, heard);
    } else if (Number.isNaN(numberOf(point.value))) {
      this.#refuse(point, 'NaN is no setting');
    } else {
      const isStale = heard === 'reading' && this.actions.isCommand(type) && !this.#isFresh(point);
      if (isStale) this.#passOver(point);
      else this.actions.set(point);
    }
  }

  #isOwners({ type, origin }: Point, heard: Heard): boolean {
    if (origin !== '' && origin !== this.nodeId) return false;
    if (type === 'connected' && origin === '' && heard === 'live') this.#foreignOwner();
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
    return this.#lastReadingNs !== undefined && point.time > this.#lastReadingNs;
  }

  /** Nobody is to wonder where a command has gone that was made while the gateway was away. */
  #passOver(point: Point): void {
    const last = this.#lastReadingNs;
    if (last === undefined || point.time < last - SLOW_CLOCK_NS) return;
    if (!this.actions.isNews(point)) return;
    const why =
      'as a command it is older than the last reading of the node (is the clock slow where it was set?)';
    this.#refuse(point, why);
  }

  #judgeDisabled(point: Point): void {
    if (canonicalKey(point.key) !== '0') return;
    if (this.#disabled !== undefined && point.time <= this.#disabled.time) return;
    const before = this.disabled;
    this.#disabled = {
      value: isTrue(point.value) && !isDeleted(point),
      time: point.time,
    };
    if (this.disabled !== before) this.actions.disable(this.disabled);
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
