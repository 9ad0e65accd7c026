/**
 * What a CAN database says about the frames of a bus, whatever the format of
 * its file. Files: formats.ts; bits of a frame: message-codec.ts.
 */
import type { Decimal } from './decimal.js';

/** Where something stands in its file; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Something about a database for people to know. */
export interface DatabaseProblem extends Place {
  /** What is wrong, and what is allowed or done about it. */
  readonly message: string;
}

/** A database that cannot be trusted; `problems` has one entry at least. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  constructor(readonly problems: readonly DatabaseProblem[]) {
    super(problems.map(({ line, column, message }) => `${line}:${column}: ${message}`).join('\n'));
  }
}

/** The longest that ISO-TP carries without its escape; nobody describes longer ones by signals. */
export const MAX_MESSAGE_BYTES = 4095;
/** No signal begins behind so many bits, or is longer. */
export const MAX_SIGNAL_BITS = MAX_MESSAGE_BYTES * 8;

export type ByteOrder = 'little' | 'big';
export type SignalKind = 'unsigned' | 'signed' | 'single' | 'double';

/** When a multiplexed signal is in a frame: a code of its multiplexer is in one of the ranges. */
export interface Selection {
  /** Name of the multiplexer, a signal of the same message. */
  readonly by: string;
  /** Both ends included. */
  readonly ranges: readonly { readonly from: bigint; readonly to: bigint }[];
}

export interface Signal {
  readonly name: string;
  /**
   * Bit n is bit n mod 8 (0: the least significant) of byte n div 8. Little
   * endian: the place of the lowest bit, from which the signal goes up through
   * the bytes. Big endian: the place of the highest, as DBC counts.
   */
  readonly start: number;
  /** Bits. */
  readonly length: number;
  readonly byteOrder: ByteOrder;
  readonly kind: SignalKind;
  /** Value = code × factor + offset. */
  readonly factor: Decimal;
  readonly offset: Decimal;
  /** Least and greatest value; absent where the database gives none. */
  readonly minimum?: Decimal;
  readonly maximum?: Decimal;
  readonly unit: string;
  readonly comment: string;
  /** What codes mean, in words. */
  readonly texts: ReadonlyMap<bigint, string>;
  /** Code before anyone has set one. */
  readonly initial?: bigint;
  readonly isMultiplexer: boolean;
  /** Absent: the signal is in each frame. */
  readonly selection?: Selection;
  readonly place: Place;
}

export interface Message {
  readonly name: string;
  /** 11 bits, or 29 when `extended`. */
  readonly id: number;
  readonly extended: boolean;
  /** Bytes. Above 64 it comes in no single frame (J1939 and ISO-TP have such). */
  readonly length: number;
  readonly fd: boolean;
  readonly bitRateSwitch: boolean;
  /** ms between two frames, where the database gives it. */
  readonly cycleMs?: number;
  readonly comment: string;
  /** Name of its bus, in databases that have several. */
  readonly bus: string;
  readonly signals: readonly Signal[];
  readonly place: Place;
}

export interface Database {
  readonly messages: readonly Message[];
  /** What was passed over, or may be a mistake. */
  readonly warnings: readonly DatabaseProblem[];
}

/** An id as people write it: `0x123`, or `0x00000123 (extended)`. */
export function idText({ id, extended }: Pick<Message, 'id' | 'extended'>): string {
  const digits = id.toString(16).toUpperCase();
  return extended ? `0x${digits.padStart(8, '0')} (extended)` : `0x${digits.padStart(3, '0')}`;
}

/** The signal's bytes in a frame: from the first to the last that it touches. */
export function signalBytes({
  start,
  length,
  byteOrder,
}: Pick<Signal, 'start' | 'length' | 'byteOrder'>): {
  readonly first: number;
  readonly last: number;
} {
  const first = start >> 3;
  // Bits of the first byte that come before the signal.
  const before = byteOrder === 'little' ? start & 7 : 7 - (start & 7);
  return { first, last: first + ((before + length - 1) >> 3) };
}

/** Least and greatest code of a signal; those of a float are for its texts: any integer. */
export function codeRange({ kind, length }: Pick<Signal, 'kind' | 'length'>): [bigint, bigint] {
  const span = 1n << BigInt(length);
  switch (kind) {
    case 'unsigned':
      return [0n, span - 1n];
    case 'signed':
      return [-span / 2n, span / 2n - 1n];
    case 'single':
    case 'double':
      return [-span, span];
  }
}
