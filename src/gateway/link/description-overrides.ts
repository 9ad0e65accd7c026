/**
 * Descriptions that somebody has given a link's node. While one stands, the
 * device's own is not published, whatever the times of both; once it is emptied
 * the device's latest goes out (docs/contract.md, "Whose points").
 */
import {
  canonicalKey,
  isDeleted,
  makePoint,
  textOf,
  type Point,
  type PointValue,
} from '../../point/point.js';
import type { Clock } from '../../point/clock.js';
import type { Counters } from '../../session/node/counters.js';
import type { Replica } from '../../session/node/replica.js';
import type { Saver } from '../state/saver.js';
import { DESCRIPTION_TYPE } from '../../point/reserved.js';
import { isFar, type Heard } from '../../session/settings/time.js';
import type { DescriptionRecord } from '../state/link-record.js';
import { fromValueRecord, toValueRecord } from '../../session/settings/record.js';

/** Distinct keys that are kept: other people choose them, and must not fill the memory. */
const MOST_GIVEN = 100;
/** Characters of a device's text that are kept on disk; a longer one is known until the gateway ends. */
const LONGEST_KEPT = 1_000;

interface Given {
  /** ns */
  time: bigint;
  /** False: it has been emptied since. */
  stands: boolean;
  device: PointValue | undefined;
}

/** What is known of the device, and counted. */
interface DescribedDevice {
  readonly replica: Replica;
  readonly counters: Pick<Counters, 'notice'>;
}

/** Which descriptions of the device are not published, since somebody has given another. */
export class DescriptionOverrides {
  readonly #given = new Map<string, Given>();
  /** How many stand. */
  #standing = 0;

  constructor(
    private readonly device: DescribedDevice,
    private readonly saver: Pick<Saver, 'promptly' | 'soon'>,
    private readonly clock: Clock,
    records: readonly DescriptionRecord[],
  ) {
    for (const { key, time, device } of records.slice(0, MOST_GIVEN)) {
      this.#given.set(canonicalKey(key), {
        time: BigInt(time),
        stands: true,
        device: device === undefined ? undefined : fromValueRecord(device),
      });
    }
    this.#standing = this.#given.size;
  }

  record(): DescriptionRecord[] {
    const records: DescriptionRecord[] = [];
    for (const [key, { time, stands, device }] of this.#given) {
      if (!stands) continue;
      const kept = device !== undefined && textOf(device).length <= LONGEST_KEPT;
      records.push({
        key,
        time: time.toString(),
        ...(kept ? { device: toValueRecord(device) } : {}),
      });
    }
    return records;
  }

  /**
   * Somebody else than the node's owner has given it, or has emptied it. Returns
   * the device's own where that is to be published now, later than theirs.
   */
  heard(point: Point, heard: Heard): Point | undefined {
    const key = canonicalKey(point.key);
    const now = this.clock.wallNs();
    const time = isFar(point.time, now) ? now : point.time;
    const before = this.#given.get(key);
    // A reading shows the same one again; what is live comes in order, also within one tick of a clock.
    if (
      before !== undefined &&
      (time < before.time || (heard === 'reading' && time === before.time))
    )
      return undefined;
    const stands = !isDeleted(point) && textOf(point.value) !== '';
    if (before === undefined) {
      if (!stands) return undefined;
      if (this.#given.size >= MOST_GIVEN && !this.#forgetEmptied()) {
        this.device.counters.notice('refusedSetting');
        return undefined;
      }
    }
    const released = before?.stands === true && !stands;
    if ((before?.stands ?? false) !== stands) this.#standing += stands ? 1 : -1;
    this.#given.set(key, { time, stands, device: before?.device });
    // There is no other copy of it.
    this.saver.promptly();
    if (!released) return undefined;
    const value = this.device.replica.find(DESCRIPTION_TYPE, key)?.newest?.value ?? before.device;
    return value === undefined ? undefined : this.#release(key, value, time);
  }

  #release(key: string, value: PointValue, afterNs: bigint): Point {
    const record = this.device.replica.own(DESCRIPTION_TYPE, key);
    record.givenBefore(afterNs);
    const time = record.giveTime(this.clock.wallNs());
    const point = makePoint({ type: DESCRIPTION_TYPE, key, time, value });
    record.merge(point, false);
    return point;
  }

  /** Whether a device's point is not to be published. */
  withholds({ type, key }: Point): boolean {
    if (this.#standing === 0 || type !== DESCRIPTION_TYPE) return false;
    return this.#given.get(canonicalKey(key))?.stands === true;
  }

  /** As {@link withholds}, of one that was put into the outbox before theirs was known. Hot: called for each point. */
  withholdsQueued(point: Point): boolean {
    if (!this.withholds(point)) return false;
    const given = this.#given.get(canonicalKey(point.key));
    // What was reported since is newer.
    if (given?.device === undefined) this.#note(point);
    this.device.counters.notice('givenDescription');
    return true;
  }

  /** Those of a device's points that are to be published. Hot: called for each packet. */
  passing(points: readonly Point[]): readonly Point[] {
    if (this.#standing === 0) return points;
    const passing = points.filter((point) => !this.withholds(point));
    if (passing.length === points.length) return points;
    for (const point of points) if (this.withholds(point)) this.#note(point);
    this.device.counters.notice('givenDescription', points.length - passing.length);
    return passing;
  }

  #note({ key, value }: Point): void {
    const given = this.#given.get(canonicalKey(key));
    if (given === undefined) return;
    const isNew = given.device === undefined || textOf(given.device) !== textOf(value);
    given.device = value;
    if (isNew) this.saver.soon();
  }

  /** Room for another. */
  #forgetEmptied(): boolean {
    for (const [key, { stands }] of this.#given) {
      if (!stands) return this.#given.delete(key);
    }
    return false;
  }
}
