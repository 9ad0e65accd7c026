import type { Point } from '../point/point.js';

/** Converts points to the payload of a packet and back. */
export interface PayloadCodec {
  readonly name: PayloadCodecName;
  /** Throws a {@link PayloadError} when a field does not fit the encoding. */
  encode(points: readonly Point[]): Uint8Array;
  /** `undefined`: not a valid payload of this codec. Never throws. */
  decode(payload: Uint8Array): DecodedPayload | undefined;
  /** A point as the device decodes it: its number rounded, or without what the codec cannot carry. */
  asDeviceSees(point: Point): Point;
  /** Payload of an ack, as SIOT writes it (docs/siot.md, 2.4). */
  readonly ackPayload: Uint8Array;
}

/** Values of `protocol` in the configuration. */
export type PayloadCodecName = 'protobuf' | 'compact';

/** The points of a payload. */
export interface DecodedPayload {
  readonly points: readonly Point[];
  /** Number of points left out: the value has an unknown dataType, or a length that it does not have. */
  readonly oddValues: number;
  /** Number of texts that were not UTF-8: U+FFFD replaces the wrong bytes. */
  readonly mendedTexts: number;
}

/** A point does not fit the encoding. */
export class PayloadError extends Error {
  override readonly name = 'PayloadError';
}
