/** The last bytes that were heard, for an analysis. */

/** Bytes of a sample: several packets of usual length, and more than the longest frame. */
const SAMPLE_BYTES = 4_096;

/** The last {@link SAMPLE_BYTES} bytes of a line. */
export class ByteSample {
  readonly #ring = Buffer.alloc(SAMPLE_BYTES);
  #at = 0;
  /** Bytes heard in all. */
  total = 0;

  add(chunk: Uint8Array): void {
    this.total += chunk.length;
    const tail = chunk.length > SAMPLE_BYTES ? chunk.subarray(-SAMPLE_BYTES) : chunk;
    const first = Math.min(tail.length, SAMPLE_BYTES - this.#at);
    this.#ring.set(tail.subarray(0, first), this.#at);
    this.#ring.set(tail.subarray(first), 0);
    this.#at = (this.#at + tail.length) % SAMPLE_BYTES;
  }

  /** A copy of the last bytes, the oldest first. */
  bytes(): Uint8Array {
    if (this.total <= SAMPLE_BYTES) return Uint8Array.from(this.#ring.subarray(0, this.total));
    return Buffer.concat([this.#ring.subarray(this.#at), this.#ring.subarray(0, this.#at)]);
  }
}
