/**
 * Samples of one channel at a fixed rate: the payload of a `phr` packet, which goes to
 * NATS as it is (docs/siot.md, 2.5):
 *
 * ```
 *  offset  size  field
 *  0       16    type, NUL padded
 *  16      16    key, NUL padded
 *  32      8     u64: time of the first sample, ns; 0: the device has no clock
 *  40      4     u32: time from one sample to the next, ns
 *  44      4·k   float32: the samples, k ≥ 1
 *
 *  766f6c74616765 00… 30 00… f2670d45f2ca8618 40420f00 0000803f   voltage/0, 1 ms, 1.0
 * ```
 *
 * All numbers are little-endian. A partial sample at the end is ignored.
 */
import { isMended, readPadded } from './text.js';

export const HIGH_RATE_NAME_LENGTH = 16;
/** Offset of the first sample's time. */
export const HIGH_RATE_START_AT = 2 * HIGH_RATE_NAME_LENGTH;
const PERIOD_AT = 40;
const SAMPLES_AT = 44;
const SAMPLE_LENGTH = 4;

/** Of which channel the samples are. */
export interface HighRateNames {
  readonly type: string;
  /** As it is written: blank and `0` mean the same. */
  readonly key: string;
}

/** When the samples were taken. */
export interface HighRateTiming {
  /** Of the first sample, ns; 0: not known. */
  readonly startNs: bigint;
  /** From one sample to the next, ns, 0 … 2³² − 1. */
  readonly periodNs: number;
  /** 1 or more. */
  readonly samples: number;
}

/** All but the samples. */
export interface HighRateHeader extends HighRateNames, HighRateTiming {}

/** When the next packet begins if nothing is missing, ns. */
export const highRateEndNs = ({ startNs, periodNs, samples }: HighRateTiming): bigint =>
  startNs + BigInt(periodNs) * BigInt(samples);

/**
 * How many samples are missing before a packet that was to begin at `expectedNs`; below 0:
 * it begins before that, so the clock is another, or was set back. Its period is not 0.
 */
export const missingSamples = (expectedNs: bigint, { startNs, periodNs }: HighRateTiming): number =>
  Math.round(Number(startNs - expectedNs) / periodNs);

/** Reads the names, which bytes 0 to 31 hold; `undefined`: they are not UTF-8. */
export function readHighRateNames(payload: Uint8Array): HighRateNames | undefined {
  const type = nameAt(payload, 0);
  const key = nameAt(payload, HIGH_RATE_NAME_LENGTH);
  return type === undefined || key === undefined ? undefined : { type, key };
}

/** Reads start, period and number of samples; `undefined`: it is too short for one sample. */
export function readHighRateTiming(payload: Uint8Array): HighRateTiming | undefined {
  const samples = Math.floor((payload.length - SAMPLES_AT) / SAMPLE_LENGTH);
  if (samples < 1) return undefined;
  const bytes = viewOf(payload);
  return {
    startNs: bytes.readBigUInt64LE(HIGH_RATE_START_AT),
    periodNs: bytes.readUInt32LE(PERIOD_AT),
    samples,
  };
}

/** Reads the header; `undefined`: it is too short, or its names are not UTF-8. */
export function readHighRate(payload: Uint8Array): HighRateHeader | undefined {
  const timing = readHighRateTiming(payload);
  const names = timing && readHighRateNames(payload);
  return names && { ...names, ...timing };
}

/** Its samples, as a copy. */
export function highRateSamples(payload: Uint8Array): Float32Array {
  const samples = new Float32Array(Math.floor((payload.length - SAMPLES_AT) / SAMPLE_LENGTH));
  // Byte by byte the same, since all that the gateway runs on is little-endian.
  const end = SAMPLES_AT + samples.byteLength;
  new Uint8Array(samples.buffer).set(payload.subarray(SAMPLES_AT, end));
  return samples;
}

const viewOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/** `undefined`: it is not UTF-8. */
function nameAt(bytes: Uint8Array, at: number): string | undefined {
  const name = readPadded(bytes, at, HIGH_RATE_NAME_LENGTH);
  return isMended(name, bytes, at, HIGH_RATE_NAME_LENGTH) ? undefined : name;
}
