/** Frames on their way from the reading thread (can-reader.mjs), in shared memory. */

/** Layout: a header of words, then slots, each a length and the kernel's frame. */
export const RING = {
  headerWords: 4,
  /** Words of the header: frames put in and taken out, ever; 1 = a message is under way; frames without room. */
  head: 0,
  tail: 1,
  told: 2,
  lost: 3,
  /** A power of two: a second of a full bus of 500 kbit/s. */
  slots: 4096,
  slotBytes: 76,
  /** `struct canfd_frame`. */
  frameBytes: 72,
} as const;

export class CanRing {
  readonly shared = new SharedArrayBuffer(RING.headerWords * 4 + RING.slots * RING.slotBytes);
  readonly #header = new Int32Array(this.shared, 0, RING.headerWords);
  readonly #lengths = new Int32Array(this.shared, RING.headerWords * 4);

  /** Frames that found no room. */
  get lost(): number {
    return Atomics.load(this.#header, RING.lost) >>> 0;
  }

  /**
   * Hands over up to `most` frames, each valid during the call only. True: there
   * are more, and no message will announce them.
   */
  take(most: number, frame: (bytes: Buffer) => void): boolean {
    for (let taken = 0; taken < most; taken += 1) {
      const tail = this.#header[RING.tail] ?? 0;
      if (Atomics.load(this.#header, RING.head) === tail) {
        Atomics.store(this.#header, RING.told, 0);
        // One that came before that has announced nothing.
        if (Atomics.load(this.#header, RING.head) === tail) return false;
      }
      const at = (tail & (RING.slots - 1)) * RING.slotBytes;
      const length = this.#lengths[at / 4] ?? 0;
      frame(Buffer.from(this.shared, RING.headerWords * 4 + at + 4, length));
      Atomics.store(this.#header, RING.tail, (tail + 1) | 0);
    }
    return true;
  }
}
