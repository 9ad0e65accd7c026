import { compactPoints } from './compact.js';
import type { McuPoint } from './points.js';
import { protobufPoints } from './protobuf.js';

/** How the points of a packet are written. */
export interface PointCodec {
  readonly name: Protocol;
  encode(points: readonly McuPoint[]): Uint8Array;
  /** `undefined` when the payload is not a point list; never throws. */
  decode(payload: Uint8Array): McuPoint[] | undefined;
}

export type Protocol = 'protobuf' | 'compact';

export const POINT_CODECS: Readonly<Record<Protocol, PointCodec>> = {
  protobuf: protobufPoints,
  compact: compactPoints,
};

/** Points come under `proto` and the blank subject; other words are ignored (docs/siot.md, 7). */
export const carriesPoints = (subject: string): boolean => subject === '' || subject === 'proto';
