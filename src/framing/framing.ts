/**
 * Packets to the units of a channel and back. Of a stream of bytes these are
 * chunks of any length, of a channel of frames they are frames.
 */

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

/** Takes units, of bytes any chunking, and hands on whole packets, or discards. Never throws. */
export interface Deframer<in Unit> {
  push(unit: Unit): void;
  /** Forgets a partial frame: the channel was opened anew. */
  reset(): void;
}

export interface Framing<Unit> {
  readonly name: string;
  /** `maxFrameLength`: longest encoded frame, delimiters included, in bytes. */
  createDeframer(sink: FrameSink, maxFrameLength: number): Deframer<Unit>;
  /** The bytes to write for a packet, delimiters included. */
  encode(packet: Uint8Array): Uint8Array;
  /** These bytes as the channel takes them. */
  unitOf(encoded: Uint8Array): Unit;
}
