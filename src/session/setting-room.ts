/**
 * The bytes that the settings of one link may take, those that wait to be
 * looked at included (design.md, "Whose points"). Each link has its own: what
 * is set on one takes no room from another.
 */
import type { Point } from '../point/point.js';
import { replyBytes } from './room.js';

/** Of all settings of a link together, as UTF-8: their texts, types, keys and origins. */
export const SETTING_BYTES = 4 * 1_048_576;

/** Why there is no room for a setting; the name that it is counted under. */
export type SettingRefusal = 'tooManySettings' | 'tooManySettingBytes';

export class SettingRoom {
  #bytes = 0;

  constructor(private readonly most = SETTING_BYTES) {}

  /** Taken now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a point fits, in the place of another if there is one. What is no longer than that always does. */
  fits(point: Point, instead?: Point): boolean {
    const more = replyBytes(point) - (instead === undefined ? 0 : replyBytes(instead));
    return more <= 0 || this.#bytes + more <= this.most;
  }

  take(point: Point): void {
    this.#bytes += replyBytes(point);
  }

  giveBack(point: Point): void {
    this.#bytes -= replyBytes(point);
  }
}
