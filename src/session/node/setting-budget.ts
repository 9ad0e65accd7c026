/**
 * The bytes that the settings of all links of a gateway may take together, beyond what
 * each link has for itself. So memory is bounded, however many links are flooded.
 */

/** Bytes, as `SettingQuota` counts them. */
const POOL_BYTES = 8 * 1_048_576;

/** One for all links. */
export class SettingBudget {
  #bytes = 0;

  constructor(private readonly most = POOL_BYTES) {}

  fits(more: number): boolean {
    return this.#bytes + more <= this.most;
  }

  /** A negative number gives back. */
  take(bytes: number): void {
    this.#bytes += bytes;
  }
}
