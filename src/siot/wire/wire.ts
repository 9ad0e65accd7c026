import type { Point } from '../../point/point.js';

export type Generation = 1 | 2;

/**
 * How a generation of SIOT puts points on NATS (docs/siot.md, 4.2 and 4.3).
 * A further generation is one file that implements this and one line in
 * wires.ts.
 */
export interface SiotWire {
  readonly generation: Generation;
  /** Most points in one message. */
  readonly batch: number;
  /** Most unanswered messages: paces the gateway to the store. */
  readonly window: number;
  /** Where a message with these points of a node goes; `first` is the first of them. */
  pointSubject(nodeId: string, first: Point): string;
  edgeSubject(nodeId: string, parentId: string): string;
  /** All points that anyone publishes on a node. */
  pointSubscription(nodeId: string): string;
  /** All edges that anyone publishes for a node, under whatever parent. */
  edgeSubscription(nodeId: string): string;
  /**
   * Blank keys go out as `0`. Throws a `PayloadError` (src/packet/payload.ts)
   * when a field does not fit.
   */
  encode(points: readonly Point[]): Uint8Array;
  /** `undefined`: not a payload of this generation, or a broken one. */
  decode(payload: Uint8Array): DecodedPoints | undefined;
  /**
   * The same, at most {@link PIECE_POINTS} at a time, each piece decoded when it
   * is asked for: the points of a message of 1 MiB take 20 MB when they are made
   * at once. What is no payload has no piece at all.
   */
  pieces(payload: Uint8Array): Iterable<DecodedPoints> | undefined;
}

/** More than most messages have, and few enough to be gone before others are made. */
export const PIECE_POINTS = 100;

export interface DecodedPoints {
  readonly points: readonly Point[];
  /** Points left out because nothing sensible can be made of them. */
  readonly odd: number;
}
