/**
 * A WAV file with float32 samples of one channel:
 *
 * ```
 *  offset  size  field
 *  0       12    'RIFF', u32 length of all that follows, 'WAVE'
 *  12      24    'fmt ', u32 16, u16 3 (float), u16 1 (channels), u32 rate, u32 bytes/s, u16 4, u16 32
 *  36      12    'fact', u32 4, u32 samples
 *  48      8     'data', u32 bytes
 *  56            float32, little-endian
 * ```
 */
import { ChunkFile, type SampleFile } from './sample-file.js';

const DATA_AT = 56;
const FLOAT = 3;
const SAMPLE_BYTES = 4;
/** Its lengths have 32 bits. */
const MOST_BYTES = 0xffff_ffff - DATA_AT;
/** A longer gap is not filled, s. */
const MOST_FILLED_S = 60;

/** Samples a second for the header, a whole number; 0: too slow for one. */
export const wavRate = (periodNs: number): number => Math.round(1e9 / periodNs);

/** See the top of this file. Its header is right at each {@link flush}. */
export class WavFile implements SampleFile {
  readonly hasTimes = false;
  readonly #file: ChunkFile;
  #samples = 0;

  constructor(
    readonly path: string,
    /** 1 or more. */
    private readonly rate: number,
    /** Fills gaps with 0, as long as they are not too long. */
    private readonly fills: boolean,
  ) {
    this.#file = new ChunkFile(path);
    this.#file.write(this.#header());
  }

  write(_startNs: bigint, _periodNs: number, samples: Float32Array): void {
    this.#samples += samples.length;
    this.#file.write(littleEndian(samples));
  }

  gap(_fromNs: bigint, periodNs: number, missing: number): boolean {
    const isShort = missing * periodNs <= MOST_FILLED_S * 1e9;
    if (!this.fills || !isShort || this.isFull(missing)) return false;
    for (let left = missing; left > 0; left -= Math.min(left, 4096)) {
      this.write(0n, periodNs, new Float32Array(Math.min(left, 4096)));
    }
    return true;
  }

  isFull(samples: number): boolean {
    return (this.#samples + samples) * SAMPLE_BYTES > MOST_BYTES;
  }

  flush(): void {
    this.#file.flush();
    this.#file.patch(0, this.#header());
  }

  close(): void {
    try {
      this.flush();
    } finally {
      this.#file.close();
    }
  }

  #header(): Buffer {
    const dataBytes = this.#samples * SAMPLE_BYTES;
    const bytes = Buffer.alloc(DATA_AT);
    bytes.write('RIFF', 0);
    bytes.writeUInt32LE(DATA_AT - 8 + dataBytes, 4);
    bytes.write('WAVEfmt ', 8);
    bytes.writeUInt32LE(16, 16);
    bytes.writeUInt16LE(FLOAT, 20);
    bytes.writeUInt16LE(1, 22);
    bytes.writeUInt32LE(this.rate, 24);
    bytes.writeUInt32LE(this.rate * SAMPLE_BYTES, 28);
    bytes.writeUInt16LE(SAMPLE_BYTES, 32);
    bytes.writeUInt16LE(SAMPLE_BYTES * 8, 34);
    bytes.write('fact', 36);
    bytes.writeUInt32LE(4, 40);
    bytes.writeUInt32LE(this.#samples, 44);
    bytes.write('data', 48);
    bytes.writeUInt32LE(dataBytes, 52);
    return bytes;
  }
}

/** This machine's floats are little-endian on all that the gateway runs on. */
const littleEndian = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
