/** Bytes to frames and back. */
import type { Clock } from '../point/clock.js';
import type { Transport } from '../transport/transport.js';

/**
 * Why bytes were thrown away.
 * - `oversize`: more than the maximum between two delimiters
 * - `malformed`: a code byte that points past the end of its frame
 *
 * Of ISO-TP, where `oversize` is a packet longer than the maximum:
 * - `isoTpFrame`: a frame whose first bytes mean nothing, or contradict its length
 * - `isoTpSequence`: a frame is missing in the middle of a packet, or came twice
 * - `isoTpUnexpected`: a frame that nobody waits for, or a packet that another interrupted
 * - `isoTpTimeout`: a packet, either way, whose next frame or flow control did not come
 * - `isoTpOverflow`: the device had no room for a packet of ours
 */
export type FrameDiscard =
  | 'oversize'
  | 'malformed'
  | 'isoTpFrame'
  | 'isoTpSequence'
  | 'isoTpUnexpected'
  | 'isoTpTimeout'
  | 'isoTpOverflow';

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

/** What a framing with a conversation of its own needs. */
export interface FramingParts {
  readonly clock: Clock;
  /** Longest frame, bytes. */
  readonly maxFrameLength: number;
  /** As in {@link FrameSink}. */
  readonly discard: (cause: FrameDiscard, length: number) => void;
}

export interface Framing {
  readonly name: string;
  /** `maxFrameLength`: longest encoded frame, delimiters included, in bytes. */
  createDeframer(sink: FrameSink, maxFrameLength: number): Deframer;
  /** The bytes to write for a frame, delimiters included. */
  encode(frame: Uint8Array): Uint8Array;
  /**
   * For a framing that talks by itself: what stands between the transport and
   * the session. Its bytes are what the deframer gets.
   */
  readonly over?: (transport: Transport, parts: FramingParts) => Transport;
}
