/**
 * Restarts of a device, as the sequences of its packets tell them.
 *
 * Packets with points and high-rate packets have one counter together, or one each. A
 * packet with points whose first transmission was lost comes again with its old sequence,
 * among newer high-rate packets. So each kind is compared with its own last one, and a
 * fall that a wrap can explain waits for the next packet.
 */
import type { Clock } from '../../point/clock.js';
import { missingPackets } from './high-rate-channel.js';

/** A sequence has fallen. */
export interface SequenceFall {
  readonly from: number;
  readonly to: number;
}

/** What a packet has: points, or none; or high-rate samples. */
export type PacketKind = 'points' | 'samples';

/** What was last known of a device. */
export interface LastSequences {
  /** Of packets with points or without any. */
  readonly points: number | undefined;
  /** Of high-rate packets. */
  readonly samples: number | undefined;
}

/** A fall that is a restart only if the packets after it go on from there. */
interface Doubt extends SequenceFall {
  readonly ms: number;
}

/** Packets that a device sends soon after its start. */
const SOON = 8;
/** Points that are repeated one right after the other go on from each other, too. */
const ALONE_MS = 1_000;

/** Compares the sequences of one device. Hot: called for each packet. */
export class SequenceWatch {
  #points: number | undefined;
  #samples: number | undefined;
  /** Of the last packet of both kinds. */
  #latest: number | undefined;
  /** The sequence of high-rate packets has passed 0 since the last packet with points. */
  #hasWrapped: boolean;
  #doubt: Doubt | undefined;

  constructor(
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    { points, samples }: LastSequences,
  ) {
    this.#points = points;
    this.#samples = samples;
    this.#latest = samples ?? points;
    // While the gateway was away, it may have.
    this.#hasWrapped = samples !== undefined;
  }

  get last(): LastSequences {
    return { points: this.#points, samples: this.#samples };
  }

  /** Of the last packet; `undefined`: none has come yet. */
  get latest(): number | undefined {
    return this.#latest;
  }

  /** A packet with points, or an empty one. */
  points(sequence: number): SequenceFall | undefined {
    const before = this.#points;
    const latest = this.#latest;
    const doubt = this.#doubt;
    const hasWrapped = this.#hasWrapped;
    this.#points = sequence;
    this.#latest = sequence;
    this.#hasWrapped = false;
    if (doubt !== undefined && (sequence < doubt.to || sequence > SOON)) this.#doubt = undefined;
    else if (doubt !== undefined && sequence > doubt.to) {
      // It goes on from there, and has sent no samples since.
      if (this.clock.monotonicMs() - doubt.ms >= ALONE_MS) {
        this.restarted('points');
        return doubt;
      }
    }
    if (before === undefined || !falls(before, sequence) || !falls(latest, sequence)) {
      return undefined;
    }
    const fall = { from: before, to: sequence };
    if (hasWrapped) {
      this.#doubt = { ...fall, ms: this.clock.monotonicMs() };
      return undefined;
    }
    this.restarted('points');
    return fall;
  }

  /** A high-rate packet. `isLoss`: where its sequence falls, the packets between were lost. */
  samples(sequence: number, isLoss: boolean): SequenceFall | undefined {
    const before = this.#samples;
    const latest = this.#latest;
    const doubt = this.#doubt;
    this.#samples = sequence;
    this.#latest = sequence;
    this.#doubt = undefined;
    if (sequence < (before ?? latest ?? 0)) this.#hasWrapped = true;
    if (doubt !== undefined && sequence <= SOON && !follows(before, sequence)) {
      this.restarted('points');
      return doubt;
    }
    if (before === undefined || isLoss) return undefined;
    if (!falls(before, sequence) || !falls(latest, sequence)) return undefined;
    this.restarted('samples');
    return { from: before, to: sequence };
  }

  /** The device has restarted, as a packet of this kind tells: those of the other kind are compared anew. */
  restarted(by: PacketKind): void {
    this.#doubt = undefined;
    this.#hasWrapped = false;
    if (by === 'points') this.#samples = undefined;
    else this.#points = undefined;
  }
}

/** From 251 … 255 it has only wrapped. */
const falls = (before: number | undefined, now: number): boolean =>
  before !== undefined && before >= 2 && before <= 250 && now <= 1;

const follows = (before: number | undefined, now: number): boolean =>
  before !== undefined && missingPackets(before, now, false) < SOON;
