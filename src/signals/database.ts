/**
 * A CAN database: which signals the frames of a bus carry. Reading of files:
 * formats.ts; decoding of frames: message-codec.ts.
 */
import type { Decimal } from './decimal.js';

/** A place in a file; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** An error or a warning about a database, for people. */
export interface DatabaseProblem extends Place {
  /** What is wrong, and what is allowed or what was done. */
  readonly message: string;
}

/** A database with errors; `problems` has at least one entry. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  constructor(readonly problems: readonly DatabaseProblem[]) {
    super(problems.map(({ line, column, message }) => `${line}:${column}: ${message}`).join('\n'));
  }
}

/** Longest message: what ISO-TP carries without its escape length. */
export const MAX_MESSAGE_BYTES = 4095;
/** Limit of the start and the length of a signal, bits. */
export const MAX_SIGNAL_BITS = MAX_MESSAGE_BYTES * 8;

/** Little endian: least significant byte first. */
type ByteOrder = 'little' | 'big';
/** How the code of a signal is written: an integer, or a float of IEEE 754. */
export type SignalKind = 'unsigned' | 'signed' | 'single' | 'double';

/** A multiplexed signal is in a frame when the code of its multiplexer is in one of the ranges. */
export interface Selection {
  /** Name of the multiplexer, a signal of the same message. */
  readonly by: string;
  /** Both ends included. */
  readonly ranges: readonly { readonly from: bigint; readonly to: bigint }[];
}

/** A value in the bits of a frame. */
export interface Signal {
  readonly name: string;
  /**
   * Bit n is bit n mod 8 (0: the least significant) of byte n div 8. Little
   * endian: place of the lowest bit of the signal. Big endian: place of its highest
   * bit, as in DBC.
   */
  readonly start: number;
  /** Bits. */
  readonly length: number;
  readonly byteOrder: ByteOrder;
  readonly kind: SignalKind;
  /** Value = code × factor + offset. The factor is not 0. */
  readonly factor: Decimal;
  readonly offset: Decimal;
  /** Least value; absent where the database gives none. */
  readonly minimum?: Decimal;
  /** Greatest value; absent where the database gives none. */
  readonly maximum?: Decimal;
  readonly unit: string;
  readonly comment: string;
  /** Texts of codes, such as 1: "on". */
  readonly texts: ReadonlyMap<bigint, string>;
  /** Code before one was set. */
  readonly initial?: bigint;
  readonly isMultiplexer: boolean;
  /** Absent: the signal is not multiplexed. */
  readonly selection?: Selection;
  readonly place: Place;
}

/** The signals in the frames of an identifier. */
export interface Message {
  readonly name: string;
  /** 11 bits, or 29 when `extended`. */
  readonly id: number;
  readonly extended: boolean;
  /** Bytes. More than 64 need several frames (J1939, ISO-TP), which are not decoded. */
  readonly length: number;
  readonly fd: boolean;
  readonly bitRateSwitch: boolean;
  /** ms between two frames, where the database gives it. */
  readonly cycleMs?: number;
  readonly comment: string;
  /** Name of its bus; blank in formats with one bus. */
  readonly bus: string;
  readonly signals: readonly Signal[];
  readonly place: Place;
}

/** The content of a database file. */
export interface Database {
  readonly messages: readonly Message[];
  /** What was ignored, or may be a mistake. */
  readonly warnings: readonly DatabaseProblem[];
}

/** An id for people: `0x123`, or `0x00000123 (extended)`. */
export function idText({ id, extended }: Pick<Message, 'id' | 'extended'>): string {
  const digits = id.toString(16).toUpperCase();
  return extended ? `0x${digits.padStart(8, '0')} (extended)` : `0x${digits.padStart(3, '0')}`;
}

/** The first and the last byte of a frame that a signal is in. */
export function signalBytes({
  start,
  length,
  byteOrder,
}: Pick<Signal, 'start' | 'length' | 'byteOrder'>): {
  readonly first: number;
  readonly last: number;
} {
  const first = start >> 3;
  // Bits of the first byte before the signal.
  const before = byteOrder === 'little' ? start & 7 : 7 - (start & 7);
  return { first, last: first + ((before + length - 1) >> 3) };
}

/** Least and greatest code of a signal; for floats a range that holds the codes of all their texts. */
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
