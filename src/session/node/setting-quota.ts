/**
 * The bytes that the settings of one link may take, also while they wait for the rate
 * limiter (docs/contract.md, "Whose points"). Some are its own, whatever is set on other
 * links. The rest comes out of a budget that all links share.
 */
import type { Point } from '../../point/point.js';
import { replyBytes } from './point-quota.js';
import { SettingBudget } from './setting-budget.js';

/** All settings of a link together: their texts, types, keys and origins as UTF-8. */
export const SETTING_BYTES = 4 * 1_048_576;
/** Of them, bytes that no other link can take: enough for some hundred settings of usual size. */
export const OWN_SETTING_BYTES = 65_536;

/** Why a setting is beyond the quota; it is counted under this name. */
export type SettingRefusal = 'tooManySettings' | 'tooManySettingBytes';

/** One for each link. */
export class SettingQuota {
  #bytes = 0;
  #released = false;

  constructor(
    private readonly budget = new SettingBudget(),
    private readonly most = SETTING_BYTES,
  ) {}

  /** Taken now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a point fits, in the place of another if there is one. One that is no longer than the other always does. */
  fits(point: Point, instead?: Point): boolean {
    const more = replyBytes(point) - (instead === undefined ? 0 : replyBytes(instead));
    if (more <= 0) return true;
    const bytes = this.#bytes + more;
    return (
      bytes <= this.most &&
      (shared(bytes) === 0 || this.budget.fits(sharedMore(this.#bytes, bytes)))
    );
  }

  take(point: Point): void {
    this.#set(this.#bytes + replyBytes(point));
  }

  giveBack(point: Point): void {
    this.#set(this.#bytes - replyBytes(point));
  }

  /** The link ends: its part of the budget is free for other links. */
  release(): void {
    this.#set(0);
    this.#released = true;
  }

  #set(bytes: number): void {
    if (!this.#released) this.budget.take(sharedMore(this.#bytes, bytes));
    this.#bytes = bytes;
  }
}

/** Of so many bytes of one link, those that come out of the budget. */
const shared = (bytes: number): number => Math.max(0, bytes - OWN_SETTING_BYTES);

const sharedMore = (before: number, after: number): number => shared(after) - shared(before);
