/**
 * The bytes that the settings of one link may take, those that wait to be
 * looked at included (docs/contract.md, "Whose points"). Some are its own, whatever is
 * set on other links; the rest is of a pool that all links share.
 */
import type { Point } from '../../point/point.js';
import { replyBytes } from './point-quota.js';
import { SettingBudget } from './setting-budget.js';

/** Of all settings of a link together, as UTF-8: their texts, types, keys and origins. */
export const SETTING_BYTES = 4 * 1_048_576;
/** Of them, those that no other link can take: some hundred settings that a device can take. */
export const OWN_SETTING_BYTES = 65_536;

/** Why there is no room for a setting; the name that it is counted under. */
export type SettingRefusal = 'tooManySettings' | 'tooManySettingBytes';

export class SettingQuota {
  #bytes = 0;
  #released = false;

  constructor(
    private readonly pool = new SettingBudget(),
    private readonly most = SETTING_BYTES,
  ) {}

  /** Taken now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a point fits, in the place of another if there is one. What is no longer than that always does. */
  fits(point: Point, instead?: Point): boolean {
    const more = replyBytes(point) - (instead === undefined ? 0 : replyBytes(instead));
    if (more <= 0) return true;
    const bytes = this.#bytes + more;
    return (
      bytes <= this.most && (pooled(bytes) === 0 || this.pool.fits(pooledMore(this.#bytes, bytes)))
    );
  }

  take(point: Point): void {
    this.#set(this.#bytes + replyBytes(point));
  }

  giveBack(point: Point): void {
    this.#set(this.#bytes - replyBytes(point));
  }

  /** The link ends: other links may have its part of the pool. */
  release(): void {
    this.#set(0);
    this.#released = true;
  }

  #set(bytes: number): void {
    if (!this.#released) this.pool.take(pooledMore(this.#bytes, bytes));
    this.#bytes = bytes;
  }
}

/** What comes out of the pool, of so many bytes of one link. */
const pooled = (bytes: number): number => Math.max(0, bytes - OWN_SETTING_BYTES);

const pooledMore = (before: number, after: number): number => pooled(after) - pooled(before);
