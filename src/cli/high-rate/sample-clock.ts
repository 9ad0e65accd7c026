import { highRateEndNs, missingSamples, type HighRateTiming } from '../../packet/high-rate.js';

/** How a packet follows the one before it. */
export type Following =
  /** The first, one with another period, or one that begins before the end of the last: a clock was set back. */
  | { readonly kind: 'begins'; readonly why: 'first' | 'period' | 'back' }
  | { readonly kind: 'follows' }
  /** So many samples are missing, from `fromNs` on. */
  | { readonly kind: 'gap'; readonly missing: number; readonly fromNs: bigint };

const FOLLOWS: Following = { kind: 'follows' };

/** Finds what is missing in one channel, by the times of its packets. */
export class SampleClock {
  #nextNs: bigint | undefined;
  #periodNs = 0;

  /** The next packet of the channel. Its period is not 0. */
  take(packet: HighRateTiming): Following {
    const { periodNs } = packet;
    const nextNs = this.#nextNs;
    const isOther = periodNs !== this.#periodNs;
    this.#nextNs = highRateEndNs(packet);
    this.#periodNs = periodNs;
    if (nextNs === undefined) return { kind: 'begins', why: 'first' };
    if (isOther) return { kind: 'begins', why: 'period' };
    const missing = missingSamples(nextNs, packet);
    if (missing > 0) return { kind: 'gap', missing, fromNs: nextNs };
    return missing < 0 ? { kind: 'begins', why: 'back' } : FOLLOWS;
  }
}
