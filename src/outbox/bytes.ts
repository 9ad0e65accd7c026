/** How numbers and points are encoded on disk. */
import { readText, textLength, writeText } from '../packet/text.js';
import { NO_VALUE, type Point, type PointValue } from '../point/point.js';
import { isTime } from '../point/time.js';
import type { LaneOptions } from './outbox.js';

/**
 * Writes a number up to 2^53: seven bits a byte, the lowest first. The eighth bit means
 * that more bytes follow. Returns the end.
 */
export function writeVarint(bytes: Buffer, at: number, value: number): number {
  let rest = value;
  while (rest > 0x7f) {
    bytes[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[at] = rest;
  return at + 1;
}

/** Bytes that {@link writeVarint} writes. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}

/** Reads values one after the other. After the end of the bytes it reads zeros, and {@link overran} is true. */
export class ByteReader {
  constructor(
    readonly bytes: Buffer,
    public at: number,
    readonly end: number,
  ) {}

  get overran(): boolean {
    return this.at > this.end;
  }

  byte(): number {
    const at = this.at++;
    return at < this.end ? (this.bytes[at] ?? 0) : 0;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  int64(): bigint {
    const at = this.#take(8);
    return at === undefined ? 0n : this.bytes.readBigInt64LE(at);
  }

  int32(): number {
    const at = this.#take(4);
    return at === undefined ? 0 : this.bytes.readInt32LE(at);
  }

  double(): number {
    const at = this.#take(8);
    return at === undefined ? 0 : this.bytes.readDoubleLE(at);
  }

  text(): string {
    const length = this.varint();
    const at = this.#take(length);
    return at === undefined ? '' : readText(this.bytes, at, length);
  }

  #take(length: number): number | undefined {
    const at = this.at;
    this.at += length;
    return this.at <= this.end ? at : undefined;
  }
}

const KINDS = ['none', 'float', 'int', 'string', 'json'] as const;
const KIND = 0x07;
const SAME_TYPE = 0x08;
const HAS_TOMBSTONE = 0x10;
const HAS_ORIGIN = 0x20;
const HAS_NUMBER = 0x40;
/** Its position is the next one after that of the point before it in the block. */
const NEXT_POSITION = 0x80;

const textFieldLength = (text: string): number => {
  const length = textLength(text);
  return varintLength(length) + length;
};

/** Whether a point's time and tombstone fit: {@link writePoint} throws for others. */
const isWritable = ({ time, tombstone }: Point): boolean =>
  isTime(time) && (tombstone | 0) === tombstone;

/**
 * Returns the points that can be written. `onUnwritable` gets the others. These must not
 * be part of a write: it would fail, for the points of all lanes.
 */
export function writableOf(
  points: readonly Point[],
  onUnwritable: LaneOptions['onUnwritable'],
): readonly Point[] {
  if (points.every(isWritable)) return points;
  onUnwritable?.(points.filter((point) => !isWritable(point)));
  return points.filter(isWritable);
}

/** Maximum number of bytes of a point. Its position is included if it is near the position before. */
export function pointLength({ type, key, value, tombstone, origin }: Point): number {
  let length = 1 + 8 + textFieldLength(type) + textFieldLength(key);
  if (tombstone !== 0) length += 4;
  if (origin !== '') length += textFieldLength(origin);
  switch (value.kind) {
    case 'none':
      return length;
    case 'float':
    case 'int':
      return length + 8;
    case 'string':
      return length + textFieldLength(value.text) + (hasNumber(value) ? 8 : 0);
    case 'json':
      return length + textFieldLength(value.text);
  }
}

const hasNumber = (value: PointValue): boolean =>
  value.kind === 'string' && (value.number ?? 0) !== 0;

/**
 * Writes a point. `gap`: number of positions between it and the point before it. Returns the end.
 *
 * ```
 *  8e 01 30 4e 12 ad 84 3f f0 86 18 00 00 00 00 00 00 25 40
 *  │  └─ key   └─ time, ns                      └─ 10.5
 *  └─ the position after the one before, the same type as before, a float
 * ```
 */
export function writePoint(
  bytes: Buffer,
  start: number,
  point: Point,
  gap: number,
  typeBefore: string | undefined,
): number {
  const { type, key, value, tombstone, origin } = point;
  let flags = KINDS.indexOf(value.kind);
  if (type === typeBefore) flags |= SAME_TYPE;
  if (tombstone !== 0) flags |= HAS_TOMBSTONE;
  if (origin !== '') flags |= HAS_ORIGIN;
  if (hasNumber(value)) flags |= HAS_NUMBER;
  if (gap === 0) flags |= NEXT_POSITION;
  let at = start;
  bytes[at++] = flags;
  if (gap !== 0) at = writeVarint(bytes, at, gap);
  if (type !== typeBefore) at = writeField(bytes, at, type);
  at = writeField(bytes, at, key);
  at = bytes.writeBigInt64LE(point.time, at);
  switch (value.kind) {
    case 'none':
      break;
    case 'float':
      at = bytes.writeDoubleLE(value.number, at);
      break;
    case 'int':
      at = bytes.writeBigInt64LE(BigInt.asIntN(64, value.integer), at);
      break;
    case 'string':
      at = writeField(bytes, at, value.text);
      if (hasNumber(value)) at = bytes.writeDoubleLE(value.number ?? 0, at);
      break;
    case 'json':
      at = writeField(bytes, at, value.text);
      break;
  }
  if (tombstone !== 0) at = bytes.writeInt32LE(tombstone, at);
  if (origin !== '') at = writeField(bytes, at, origin);
  return at;
}

function writeField(bytes: Buffer, start: number, text: string): number {
  const length = textLength(text);
  const at = writeVarint(bytes, start, length);
  writeText(bytes, at, text, length);
  return at + length;
}

/** Reads a point. `gap`: number of positions between it and the point before it. */
export function readPoint(
  reader: ByteReader,
  typeBefore: string,
): { readonly gap: number; readonly point: Point } {
  const flags = reader.byte();
  const gap = flags & NEXT_POSITION ? 0 : reader.varint();
  const type = flags & SAME_TYPE ? typeBefore : reader.text();
  const key = reader.text();
  const time = reader.int64();
  const value = readValue(reader, flags);
  const tombstone = flags & HAS_TOMBSTONE ? reader.int32() : 0;
  const origin = flags & HAS_ORIGIN ? reader.text() : '';
  return { gap, point: { type, key, time, value, tombstone, origin } };
}

function readValue(reader: ByteReader, flags: number): PointValue {
  switch (KINDS[flags & KIND]) {
    case 'float':
      return { kind: 'float', number: reader.double() };
    case 'int':
      return { kind: 'int', integer: reader.int64() };
    case 'string': {
      const text = reader.text();
      if ((flags & HAS_NUMBER) === 0) return { kind: 'string', text };
      return { kind: 'string', text, number: reader.double() };
    }
    case 'json':
      return { kind: 'json', text: reader.text() };
    default:
      return NO_VALUE;
  }
}
