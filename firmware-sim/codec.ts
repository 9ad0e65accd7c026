import { compactPoints } from './compact.js';
import type { McuPoint } from './points.js';
import { protobufPoints } from './protobuf.js';

/** Encoding of the points in a packet. */
export interface PointCodec {
  readonly name: Protocol;
  encode(points: readonly McuPoint[]): Uint8Array;
  /** `undefined`: the payload is no valid list of points. Never throws. */
  decode(payload: Uint8Array): McuPoint[] | undefined;
}

/** Values of `--protocol`: SIOT up to 0.18, and from 0.19. */
export type Protocol = 'protobuf' | 'compact';

/** Codecs by protocol. */
export const POINT_CODECS: Readonly<Record<Protocol, PointCodec>> = {
  protobuf: protobufPoints,
  compact: compactPoints,
};

/** Points have the subject `proto` or a blank one; unknown subjects are ignored (docs/siot.md, 7). */
export const carriesPoints = (subject: string): boolean => subject === '' || subject === 'proto';
