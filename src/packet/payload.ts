import type { Point } from '../point/point.js';

/** Points to the payload of a packet and back. */
export interface PayloadCodec {
  readonly name: PayloadCodecName;
  /** Throws a {@link PayloadError} when a field does not fit the encoding. */
  encode(points: readonly Point[]): Uint8Array;
  /** `undefined`: not a payload of this codec, or a broken one. */
  decode(payload: Uint8Array): DecodedPayload | undefined;
  /** What a device that speaks this codec will have of a point: rounded, or with less. */
  asDeviceSees(point: Point): Point;
  /** Payload of an ack, as SIOT writes it (docs/siot.md, 2.4). */
  readonly ackPayload: Uint8Array;
}

export type PayloadCodecName = 'protobuf' | 'compact';

export interface DecodedPayload {
  readonly points: readonly Point[];
  /** Points left out because their value makes no sense: wrong length, unknown dataType. */
  readonly oddValues: number;
  /** Texts whose bytes were not UTF-8 and were mended with U+FFFD. */
  readonly mendedTexts: number;
}

export class PayloadError extends Error {
  override readonly name = 'PayloadError';
}
