/** Bytes to frames and back. */

/**
 * Why bytes were thrown away.
 * - `oversize`: more than the maximum between two delimiters
 * - `malformed`: a code byte that points past the end of its frame
 */
export type FrameDiscard = 'oversize' | 'malformed';

export interface FrameSink {
  /** A whole frame. The bytes are valid during the call only. */
  frame(bytes: Uint8Array): void;
  /** `length`: encoded bytes thrown away. */
  discard(cause: FrameDiscard, length: number): void;
}

/** Takes any chunking of a byte stream and hands on whole frames, or discards. Never throws. */
export interface Deframer {
  push(chunk: Uint8Array): void;
  /** Forgets a partial frame: the channel was opened anew. */
  reset(): void;
}

export interface Framing {
  readonly name: string;
  /** `maxFrameLength`: longest encoded frame, delimiters included, in bytes. */
  createDeframer(sink: FrameSink, maxFrameLength: number): Deframer;
  /** The bytes to write for a frame, delimiters included. */
  encode(frame: Uint8Array): Uint8Array;
}
