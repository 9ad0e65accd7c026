/**
 * One high-rate channel of a device: which samples are missing, and when its samples were
 * taken (docs/wire.md, "High rate").
 */
import { highRateEndNs, missingSamples, type HighRateTiming } from '../../packet/high-rate.js';
import { countsFromStart, type Arrival } from './device-time.js';

/** What a packet says of those before it. */
export interface Continuity {
  /**
   * - `follows`: nothing is missing, as far as can be told
   * - `gap`: samples are missing before it
   * - `new`: the first packet since the start; or its clock was set back, or is another
   */
  readonly kind: 'follows' | 'gap' | 'new';
  /** Samples that are missing; by the sequence alone, as many as this packet has for each packet. */
  readonly missing: number;
}

const FOLLOWS: Continuity = { kind: 'follows', missing: 0 };
const NEW: Continuity = { kind: 'new', missing: 0 };

/** 0 is left out by devices that count 1 … 255 (docs/siot.md, 7). */
const SEQUENCES = 256;

/**
 * Times that the gateway gives follow each other without a gap, as the samples do. They
 * move towards the time of arrival by this part of the time that the samples take: more
 * than any crystal drifts, and less than an analysis would notice.
 */
const SLEW = 0.001;
/** Further off than this, they begin anew at the time of arrival, ns. */
const AHEAD_NS = 100_000_000;
/** As {@link AHEAD_NS}, behind it: so much later than expected a packet may come, and so many packets. */
const LATE_NS = 10_000_000;
const LATE_PACKETS = 4;

/** The state of one channel. */
export class HighRateChannel {
  /** By the device's clock, when the next packet begins; `undefined`: not known. */
  #nextNs: bigint | undefined;
  /** That time counts from the device's start. */
  #isFromStart = false;
  /** As {@link #nextNs}, by the times that were given. */
  #givenNs: bigint | undefined;
  #sequence: number | undefined;
  #periodNs = 0;

  constructor(
    readonly type: string,
    readonly key: string,
  ) {}

  /** The device has restarted: what comes does not go on from what came. */
  forget(): void {
    this.#nextNs = undefined;
    this.#givenNs = undefined;
    this.#sequence = undefined;
  }

  /**
   * A packet has come. `sequenceBefore`: of the device's packet before it, whatever its
   * subject; `skipsZero`: the device's sequence has never been 0.
   */
  take(
    timing: HighRateTiming,
    sequence: number,
    sequenceBefore: number | undefined,
    skipsZero: boolean,
  ): Continuity {
    const before = this.#sequence;
    const nextNs = this.#nextNs;
    const { startNs, periodNs, samples } = timing;
    const isFromStart = countsFromStart(startNs);
    const isOtherClock = isFromStart !== this.#isFromStart;
    this.#sequence = sequence;
    this.#isFromStart = isFromStart;
    this.#nextNs = startNs === 0n ? undefined : highRateEndNs(timing);
    if (this.#periodNs !== periodNs) this.#givenNs = undefined;
    this.#periodNs = periodNs;
    // It got the time: what it says now cannot be compared with what it said before.
    if (before === undefined || isOtherClock) return NEW;
    if (startNs !== 0n && nextNs !== undefined) return byTime(nextNs, timing);
    // A clock that was set, or lost, between two packets.
    if (startNs !== 0n || nextNs !== undefined) return NEW;
    const packets = Math.min(
      missingPackets(before, sequence, skipsZero),
      sequenceBefore === undefined
        ? SEQUENCES
        : missingPackets(sequenceBefore, sequence, skipsZero),
    );
    return packets === 0 ? FOLLOWS : { kind: 'gap', missing: packets * samples };
  }

  /**
   * The time of the packet's first sample, where the gateway gives it: near `wantedNs`,
   * and right after the samples before it if nothing is missing between.
   */
  give(wantedNs: bigint, { periodNs, samples }: HighRateTiming, { kind }: Continuity): bigint {
    const tookNs = periodNs * samples;
    let startNs = wantedNs;
    if (this.#givenNs !== undefined) {
      const laterNs = Number(wantedNs - this.#givenNs);
      const isNear = laterNs > -AHEAD_NS && laterNs < LATE_NS + LATE_PACKETS * tookNs;
      if (kind === 'follows' && isNear) {
        // Less than a sample, so that no two have one time.
        const most = Math.min(tookNs * SLEW, periodNs / 2);
        startNs = this.#givenNs + BigInt(Math.round(Math.max(-most, Math.min(most, laterNs))));
      } else if (laterNs < 0 && laterNs > -AHEAD_NS) {
        startNs = this.#givenNs;
      }
    }
    // This machine's clock may not be set.
    if (startNs < 0n) startNs = 0n;
    this.#givenNs = startNs + BigInt(tookNs);
    return startNs;
  }
}

/** `nextNs`: when the packet was to begin. */
function byTime(nextNs: bigint, timing: HighRateTiming): Continuity {
  const missing = missingSamples(nextNs, timing);
  if (missing > 0) return { kind: 'gap', missing };
  return missing < 0 ? NEW : FOLLOWS;
}

/** Packets between two sequences; a sequence that stands still tells nothing. */
export function missingPackets(before: number, now: number, skipsZero: boolean): number {
  if (before === now) return 0;
  const wrapped = now < before && skipsZero ? 1 : 0;
  return (now - before - 1 - wrapped + 2 * SEQUENCES) % SEQUENCES;
}

/** Whether so many packets of this length can have been lost since the last one came. */
export function explainsJump(
  packets: number,
  { periodNs, samples }: HighRateTiming,
  last: Arrival,
  now: Arrival,
): boolean {
  // Packets before or after it may have waited somewhere: half of the time is enough.
  return (now.ms - last.ms) * 1e6 >= (packets * periodNs * samples) / 2;
}
