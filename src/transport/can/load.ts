/**
 * How long frames keep a bus busy, in bits (fields: ISO 11898-1; linux/can/length.h
 * lists them). Of each format, at the bit rate of the arbitration and at that of
 * the data:
 *
 * | format      | around the data: arbitration | at the data's rate          |
 * | ----------- | ---------------------------- | --------------------------- |
 * | classic, 11 | 47                           |                             |
 * | classic, 29 | 67                           |                             |
 * | FD, 11      | 30                           | 32, above 16 bytes 37       |
 * | FD, 29      | 49                           | 32, above 16 bytes 37       |
 *
 * with the three bits between frames. What the kernel counts, frames and bytes of
 * all, says nothing about formats: they are taken to be as those of the frames
 * that are ours.
 */
import type { CanFrame } from '../frame.js';

/**
 * Stuffed bits: one for each 30 of random ones, one for four at worst. Real data
 * are full of zeros: one for ten.
 */
const STUFFED = 1.1;
const BYTE = 8 * STUFFED;

/** Bits that are stuffed (up to the CRC; of FD up to the data), and those that are not. */
const CLASSIC_PLAIN = 13;
const CLASSIC_STUFFED = { standard: 34, extended: 54 } as const;
const FD_PLAIN = 13;
const FD_STUFFED = { standard: 17, extended: 36 } as const;
/** At the data's rate: ESI and DLC; then the stuff count and the CRC, with fixed stuff bits. */
const FD_FAST_STUFFED = 5;
const FD_CRC = { short: 27, long: 32 } as const;
const FD_SHORT_CRC_BYTES = 16;

/** Bits that a frame takes besides its data. */
interface Bits {
  arbitration: number;
  data: number;
}

/** bit/s */
export interface BitRates {
  readonly bitRate?: number;
  readonly dataBitRate?: number;
}

const idBits = (bits: typeof CLASSIC_STUFFED | typeof FD_STUFFED, extended: boolean): number =>
  (extended ? bits.extended : bits.standard) * STUFFED;

export class FrameTally {
  #frames = 0;
  /** Of data, at each rate. */
  readonly #bytes: Bits = { arbitration: 0, data: 0 };
  readonly #around: Bits = { arbitration: 0, data: 0 };

  get isEmpty(): boolean {
    return this.#frames === 0;
  }

  add({ data: { length }, extended, fd, bitRateSwitch }: CanFrame): void {
    const phase = bitRateSwitch ? 'data' : 'arbitration';
    this.#frames += 1;
    this.#bytes[phase] += length;
    if (!fd) {
      this.#around.arbitration += CLASSIC_PLAIN + idBits(CLASSIC_STUFFED, extended);
      return;
    }
    this.#around.arbitration += FD_PLAIN + idBits(FD_STUFFED, extended);
    const crc = length > FD_SHORT_CRC_BYTES ? FD_CRC.long : FD_CRC.short;
    this.#around[phase] += FD_FAST_STUFFED * STUFFED + crc;
  }

  /**
   * Bit times of the arbitration that so many frames with so many bytes of data
   * took, if they are as those of the tally; classic ones with 11 bits if it is empty.
   */
  bitTimes(
    frames: number,
    bytes: number,
    { bitRate = 1, dataBitRate = bitRate }: BitRates,
  ): number {
    if (this.isEmpty) {
      return frames * (CLASSIC_PLAIN + idBits(CLASSIC_STUFFED, false)) + bytes * BYTE;
    }
    const times = ({ arbitration, data }: Bits): number =>
      arbitration + (data * bitRate) / dataBitRate;
    const ours = this.#bytes.arbitration + this.#bytes.data;
    const ofByte = ours === 0 ? BYTE : (times(this.#bytes) / ours) * BYTE;
    return (frames / this.#frames) * times(this.#around) + bytes * ofByte;
  }
}
