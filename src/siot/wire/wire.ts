import type { Point } from '../../point/point.js';

/** 1: SIOT up to 0.18; 2: from 0.19 (docs/siot.md, 1). */
export type Generation = 1 | 2;

/**
 * How a generation of SIOT puts points on NATS (docs/siot.md, 4.2 and 4.3).
 * A further generation is one file that implements this and one line in
 * wires.ts.
 */
export interface SiotWire {
  readonly generation: Generation;
  /** Maximum number of points in one message. */
  readonly batch: number;
  /** Maximum number of unanswered messages. */
  readonly window: number;
  /** Subject of a message with points of a node. `first`: the first of them. */
  pointSubject(nodeId: string, first: Point): string;
  /** Subject of points of a node's edge to one parent. */
  edgeSubject(nodeId: string, parentId: string): string;
  /** Subscription to all points of a node. */
  pointSubscription(nodeId: string): string;
  /** Subscription to all edges of a node, with any parent. */
  edgeSubscription(nodeId: string): string;
  /**
   * Blank keys are sent as `0`. Throws a `PayloadError` (src/packet/payload.ts)
   * when a field is too long.
   */
  encode(points: readonly Point[]): Uint8Array;
  /** As {@link encode}, of one point, in two parts; absent: a message has several points. */
  readonly single?: SinglePointPayload;
  /** `undefined`: not a payload of this generation, or a broken one. */
  decode(payload: Uint8Array): DecodedPoints | undefined;
  /**
   * As {@link decode}, but in pieces of {@link PIECE_POINTS} points at most. A piece is
   * decoded when the iteration reaches it: all points of a message of 1 MiB need 20 MB.
   */
  pieces(payload: Uint8Array): Iterable<DecodedPoints> | undefined;
}

/** Payloads with one point: those of one type and key begin with the same bytes. Each throws as {@link SiotWire.encode} does. */
export interface SinglePointPayload {
  /** The beginning, for all points of this type and key. */
  head(point: Pick<Point, 'type' | 'key'>): Uint8Array;
  /** Bytes of the rest. */
  tailLength(point: Point): number;
  /**
   * Writes the rest at `at`; `view` is of the same memory as `bytes`, from its beginning. Does not
   * throw for a point whose {@link tailLength} is known: the message has been begun.
   */
  writeTail(bytes: Buffer, view: DataView, at: number, point: Point): void;
}

/** Points in one piece: more than most messages have, and few enough for the memory. */
export const PIECE_POINTS = 100;

/** Points of a message. */
export interface DecodedPoints {
  readonly points: readonly Point[];
  /** Number of points that are left out, since they could not be decoded. */
  readonly odd: number;
}
