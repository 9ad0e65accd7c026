/** A queue of frames in shared memory, from the reading thread (reader.mjs) to the main one. */

/** Layout: a header of 32-bit words, then slots: a length and `struct can_frame` or `canfd_frame`. */
export const RING = {
  headerWords: 4,
  /** Word of the header: frames put in since the start. */
  head: 0,
  /** Frames taken out since the start. */
  tail: 1,
  /** 1: a message to the main thread is on its way. */
  told: 2,
  /** Frames without room. */
  lost: 3,
  /** A power of two; frames of one second on a full bus of 500 kbit/s. */
  slots: 4096,
  slotBytes: 76,
  /** `struct canfd_frame`. */
  frameBytes: 72,
} as const;

/** The reading end. */
export class CanRing {
  readonly shared = new SharedArrayBuffer(RING.headerWords * 4 + RING.slots * RING.slotBytes);
  readonly #header = new Int32Array(this.shared, 0, RING.headerWords);
  readonly #lengths = new Int32Array(this.shared, RING.headerWords * 4);

  /** Frames that found no room. */
  get lost(): number {
    return Atomics.load(this.#header, RING.lost) >>> 0;
  }

  /**
   * Calls `frame` for up to `most` frames; its bytes are valid during the call only.
   * True: there are more, and no message will announce them.
   */
  take(most: number, frame: (bytes: Buffer) => void): boolean {
    for (let taken = 0; taken < most; taken += 1) {
      const tail = this.#header[RING.tail] ?? 0;
      if (Atomics.load(this.#header, RING.head) === tail) {
        Atomics.store(this.#header, RING.told, 0);
        // A frame that came before the store has sent no message.
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
