/**
 * COBS framing (docs/siot.md, 2.1). Written as `00`, COBS, `00`; read with
 * any number of zeros between frames.
 *
 * ```
 *  frame    05 11 00 22
 *  written  00  03 05 11  02 22  00      each code byte: distance to the next zero
 * ```
 */
import type { Deframer, FrameDiscard, FrameSink, Framing } from './framing.js';

/** Bytes of the longest block, which has the code 0xff and no zero after it. */
const FULL_BLOCK = 254;

/** COBS over a stream of bytes. */
export const cobs: Framing<Uint8Array> = {
  name: 'cobs',
  createDeframer: (sink, maxFrameLength) => new CobsDeframer(sink, maxFrameLength),
  encode: encodeCobs,
  unitOf: (encoded) => encoded,
  cobsOf: (chunk) => chunk,
  streamOf: (chunk) => chunk,
};

function encodeCobs(frame: Uint8Array): Uint8Array {
  // A code byte for each started block of 254 bytes, and two zeros.
  const out = Buffer.allocUnsafe(frame.length + Math.floor(frame.length / FULL_BLOCK) + 3);
  out[0] = 0;
  let codeAt = 1;
  let at = 2;
  let code = 1;
  for (let i = 0; i < frame.length; i++) {
    // A new block begins only when another byte follows, so that no frame ends in an empty one.
    if (code === 0xff) {
      out[codeAt] = code;
      codeAt = at++;
      code = 1;
    }
    const byte = frame[i] ?? 0;
    if (byte === 0) {
      out[codeAt] = code;
      codeAt = at++;
      code = 1;
    } else {
      out[at++] = byte;
      code++;
    }
  }
  out[codeAt] = code;
  out[at++] = 0;
  return out.subarray(0, at);
}

class CobsDeframer implements Deframer<Uint8Array> {
  /** The frame decoded so far. */
  readonly #out: Uint8Array;
  #length = 0;
  /** Bytes until the next code byte; 0: the next byte is one. */
  #left = 0;
  /** A zero follows the present block, unless the frame ends. */
  #zeroDue = false;
  /** Encoded bytes of this frame so far, with the leading delimiter. */
  #encoded = 0;
  /** A byte other than zero has come since the last frame. */
  #inside = false;
  #oversize = false;

  constructor(
    private readonly sink: FrameSink,
    private readonly maxFrameLength: number,
  ) {
    this.#out = Buffer.alloc(maxFrameLength);
  }

  reset(): void {
    this.#begin(0);
  }

  push(chunk: Uint8Array): void {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] ?? 0;
      if (byte === 0) {
        this.#delimiter();
        continue;
      }
      this.#inside = true;
      this.#encoded++;
      if (this.#oversize) continue;
      // The closing zero counts, too.
      if (this.#encoded >= this.maxFrameLength) {
        this.#oversize = true;
        continue;
      }
      if (this.#left > 0) {
        this.#out[this.#length++] = byte;
        this.#left--;
        continue;
      }
      if (this.#zeroDue) this.#out[this.#length++] = 0;
      this.#left = byte - 1;
      this.#zeroDue = byte !== 0xff;
    }
  }

  #delimiter(): void {
    if (!this.#inside) {
      // Of several zeros between frames one counts for the length of the next.
      this.#encoded = 1;
      return;
    }
    const length = this.#length;
    const encoded = this.#encoded + 1;
    let cause: FrameDiscard | undefined;
    if (this.#oversize) cause = 'oversize';
    else if (this.#left > 0) cause = 'malformed';
    this.#begin(0);
    if (cause === undefined) this.sink.frame(this.#out.subarray(0, length));
    else this.sink.discard(cause, encoded);
  }

  #begin(encoded: number): void {
    this.#length = 0;
    this.#left = 0;
    this.#zeroDue = false;
    this.#encoded = encoded;
    this.#inside = false;
    this.#oversize = false;
  }
}
