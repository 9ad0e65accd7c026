/**
 * The load of a bus, from the times that frames take on it. Bits of a frame besides
 * its data (ISO 11898-1; linux/can/length.h lists the fields), with the three bits
 * between frames:
 *
 * | format      | at the arbitration bit rate | at the data bit rate          |
 * | ----------- | --------------------------- | ----------------------------- |
 * | classic, 11 | 47                          |                               |
 * | classic, 29 | 67                          |                               |
 * | FD, 11      | 30                          | 32; above 16 bytes of data 37 |
 * | FD, 29      | 49                          | 32; above 16 bytes of data 37 |
 *
 * The kernel counts the frames and bytes of all nodes, but not their formats. These
 * are assumed to be as those of the frames that the gateway sends and receives.
 */
import type { CanFrame } from '../frame.js';
import type { CanInterfaceInfo } from './interface-info.js';

/**
 * With stuff bits: one for each 30 bits that are random, one for each 4 at worst.
 * Real data has long runs of zeros: one for each 10 is assumed.
 */
const STUFFED = 1.1;
const BYTE = 8 * STUFFED;

/** Bits with stuffing (up to the CRC, in FD frames up to the data), and those without. */
const CLASSIC_PLAIN = 13;
const CLASSIC_STUFFED = { standard: 34, extended: 54 } as const;
const FD_PLAIN = 13;
const FD_STUFFED = { standard: 17, extended: 36 } as const;
/** At the data bit rate: ESI and DLC; the stuff count and the CRC, which have fixed stuff bits. */
const FD_FAST_STUFFED = 5;
const FD_CRC = { short: 27, long: 32 } as const;
const FD_SHORT_CRC_BYTES = 16;

/** A count for each of the two bit rates. */
interface Bits {
  arbitration: number;
  data: number;
}

/** bit/s. `dataBitRate`: of the data of CAN FD frames, where it differs. */
interface BitRates {
  readonly bitRate?: number;
  readonly dataBitRate?: number;
}

const idBits = (bits: typeof CLASSIC_STUFFED | typeof FD_STUFFED, extended: boolean): number =>
  (extended ? bits.extended : bits.standard) * STUFFED;

/** Counts frames, to estimate the time that others of the same formats take. */
export class FrameTally {
  #frames = 0;
  /** Bytes of data. */
  readonly #bytes: Bits = { arbitration: 0, data: 0 };
  /** Bits besides the data. */
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
   * Time that `frames` frames with `bytes` bytes of data take, in bits of the
   * arbitration, if their formats are as those counted; if none was counted,
   * classic with 11-bit ids.
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

/** What the kernel has counted at a moment, monotonic ms. */
export interface InterfaceReading {
  readonly atMs: number;
  readonly info: CanInterfaceInfo;
}

/** Load of a bus between two readings of the kernel's counters. */
export class LoadMeter {
  /** Since the last reading. */
  #tally = new FrameTally();
  /** Of the last interval in which there were frames. */
  #usual = new FrameTally();

  /** A frame that the gateway has sent or received. */
  add(frame: CanFrame): void {
    this.#tally.add(frame);
  }

  /**
   * Percent of the bit rate, 0 … 100. `undefined`: the interface has no bit rate, no
   * time has passed, or the counters have started again.
   */
  load(before: InterfaceReading | undefined, now: InterfaceReading): number | undefined {
    const { info } = now;
    const ms = before === undefined ? 0 : now.atMs - before.atMs;
    if (before === undefined || info.bitRate === undefined || ms <= 0) return undefined;
    if (!this.#tally.isEmpty) {
      this.#usual = this.#tally;
      this.#tally = new FrameTally();
    }
    const frames = Number(info.frames - before.info.frames);
    const bytes = Number(info.bytes - before.info.bytes);
    if (info.index !== before.info.index || frames < 0 || bytes < 0) return undefined;
    const bits = this.#usual.bitTimes(frames, bytes, info);
    const share = bits / ((info.bitRate * ms) / 1000);
    return Math.min(100, Math.round(share * 1000) / 10);
  }
}
