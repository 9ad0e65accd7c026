/** Times of settings that the gateway itself publishes, two of which must not be equal. */
import { PointMap } from '../../point/point-map.js';
import type { Point } from '../../point/point.js';
import { laterTime } from '../../point/time.js';

/** Gives each setting that is being published a time of its own. */
export class SettingTimestamps {
  /** Of those that are being published: they do not count yet. */
  readonly #underWay = new PointMap<bigint>();

  /** `wishNs`, or later where one is under way. */
  give(type: string, key: string, wishNs: bigint): bigint {
    const last = this.#underWay.get(type, key);
    const time = last === undefined ? wishNs : laterTime(wishNs, last);
    this.#underWay.set(type, key, time);
    return time;
  }

  /** It counts, or could not be published. */
  done({ type, key, time }: Point): void {
    if (this.#underWay.get(type, key) === time) this.#underWay.delete(type, key);
  }
}
