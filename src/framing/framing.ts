/**
 * Converts packets to units of a channel and back. The units of a stream of bytes
 * are chunks of any length; those of a channel of frames are frames.
 */

/**
 * Why bytes were thrown away.
 * - `oversize`: more than the maximum between two delimiters
 * - `malformed`: a code byte that points past the end of its frame
 *
 * In ISO-TP, where `oversize` is a packet longer than the maximum:
 * - `isoTpFrame`: a frame with an unknown PCI, or one that contradicts its length
 * - `isoTpSequence`: a frame of a packet is missing, or came twice
 * - `isoTpUnexpected`: a frame that is not due, or a packet that another one interrupted
 * - `isoTpTimeout`: the next frame or flow control of a packet, either way, did not come
 * - `isoTpOverflow`: the device has no room for our packet
 */
export type FrameDiscard =
  | 'oversize'
  | 'malformed'
  | 'isoTpFrame'
  | 'isoTpSequence'
  | 'isoTpUnexpected'
  | 'isoTpTimeout'
  | 'isoTpOverflow';

/** Takes the results of a {@link Deframer}. */
export interface FrameSink {
  /** The packet in a complete frame. Its bytes are valid during the call only. */
  frame(bytes: Uint8Array): void;
  /** `length`: encoded bytes that were thrown away. */
  discard(cause: FrameDiscard, length: number): void;
}

/** Finds packets in received units. Never throws. */
export interface Deframer<in Unit> {
  /** Calls the sink for each packet or discard in a unit; bytes may be cut anywhere. */
  push(unit: Unit): void;
  /** Forgets a partial frame, when the channel was opened again. */
  reset(): void;
}

/** A framing over channels of one kind of unit. */
export interface Framing<Unit> {
  readonly name: string;
  /** `maxFrameLength`: longest encoded frame, delimiters included, in bytes. */
  createDeframer(sink: FrameSink, maxFrameLength: number): Deframer<Unit>;
  /** The encoded bytes of a packet, with delimiters. */
  encode(packet: Uint8Array): Uint8Array;
  /** The unit to write for encoded bytes. */
  unitOf(encoded: Uint8Array): Unit;
  /** What was received, as bytes of COBS frames: to find out what is wrong with it. */
  cobsOf(unit: Unit): Uint8Array;
  /** What was received, as a piece of a stream in which there may be text between frames; absent: it is none. */
  streamOf?(unit: Unit): Uint8Array;
}
