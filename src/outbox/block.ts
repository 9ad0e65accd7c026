/**
 * The format of the outbox's files: a header, then blocks.
 *
 * ```
 *  header                          block
 *   0  "siot-mcu outbox"            0  d5 b1 0c b8
 *  15  version, 1 byte              4  length of the body, uint32
 *  16  number of the file, uint32   8  CRC-32 of place and body, uint32
 *  20  CRC-32 of 0…19, uint32      12  body: its kind, 1 byte, then
 *
 *  points (1)    node's ID, first position, positions, latest time (int64), then each point
 *  settled (2)   node's ID, number of ranges, each as gap and length; then the next node
 * ```
 *
 * The CRC of a block includes its place (number of the file, offset), so that a block at
 * another place is invalid. Integers are little endian, texts follow their length, and
 * lengths are varints (bytes.ts).
 *
 * A block of points covers all positions from its first to its last: positions between
 * them that are not in it were settled when it was written.
 */
import { crc32 } from 'node:zlib';
import type { Point } from '../point/point.js';
import {
  ByteReader,
  pointLength,
  readPoint,
  varintLength,
  writePoint,
  writeVarint,
} from './bytes.js';

/** Bytes of the header of a file. */
export const FILE_HEADER = 24;
/** Version of the format. Files of another version are not read. */
const VERSION = 1;
const FILE_MAGIC = Buffer.from('siot-mcu outbox', 'latin1');

/** Bytes of a block before its body. */
export const BLOCK_HEADER = 12;
const BLOCK_MAGIC = Buffer.from([0xd5, 0xb1, 0x0c, 0xb8]);
const POINTS = 1;
const SETTLED = 2;
/** Maximum number of bytes of a block, unless a single point has more. */
export const BLOCK_BYTES = 64 * 1024;

/** Points of one lane, and their positions in ascending order. */
export interface Batch {
  readonly nodeId: string;
  readonly positions: readonly number[];
  readonly points: readonly Point[];
}

/** The part before the points in a block of points. */
export interface PointsHead {
  readonly kind: 'points';
  readonly nodeId: string;
  /** Position of the first point, and the position after the last. */
  readonly first: number;
  readonly next: number;
  readonly count: number;
  /** Latest time of its points, ns. */
  readonly latestNs: bigint;
  /** Where the points begin and end in the bytes. */
  readonly at: number;
  readonly end: number;
}

interface SettledMarks {
  readonly kind: 'settled';
  readonly lanes: readonly {
    readonly nodeId: string;
    /** Each as [first position, position after the last]. */
    readonly ranges: readonly (readonly [number, number])[];
  }[];
}

/** The header of the file with that number. */
export function fileHeader(number: number): Buffer {
  const bytes = Buffer.alloc(FILE_HEADER);
  FILE_MAGIC.copy(bytes);
  bytes[15] = VERSION;
  bytes.writeUInt32LE(number, 16);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 20)), 20);
  return bytes;
}

/**
 * Checks a file's header. `broken`: it is damaged, not complete, or of another file.
 * `version`: the format is another one.
 */
export function readFileHeader(
  bytes: Buffer,
  number: number,
): 'good' | 'broken' | { readonly version: number } {
  if (bytes.length < FILE_HEADER || !bytes.subarray(0, 15).equals(FILE_MAGIC)) return 'broken';
  if (bytes.readUInt32LE(20) !== crc32(bytes.subarray(0, 20))) return 'broken';
  const version = bytes[15] ?? 0;
  if (version !== VERSION) return { version };
  return bytes.readUInt32LE(16) === number ? 'good' : 'broken';
}

/** Builds consecutive blocks for a place in a file. */
export class BlockWriter {
  #bytes = Buffer.allocUnsafe(BLOCK_BYTES);
  #length = 0;
  #file = 0;
  #offset = 0;

  /** Removes all blocks. The next block begins at that place. */
  start(file: number, offset: number): void {
    this.#file = file;
    this.#offset = offset;
    this.#length = 0;
    // A buffer that has grown for a large burst is not kept.
    if (this.#bytes.length > 16 * BLOCK_BYTES) this.#bytes = Buffer.allocUnsafe(BLOCK_BYTES);
  }

  /** Bytes of all blocks so far. */
  get length(): number {
    return this.#length;
  }

  /** Valid until the next {@link start}. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  points({ nodeId, positions, points }: Batch): void {
    const first = positions[0] ?? 0;
    const count = (positions.at(-1) ?? first) - first + 1;
    const nodeIdLength = Buffer.byteLength(nodeId);
    let most = BLOCK_HEADER + 64 + nodeIdLength;
    let latest = points[0]?.time ?? 0n;
    for (const point of points) {
      most += pointLength(point) + 8;
      if (point.time > latest) latest = point.time;
    }
    const start = this.#reserve(most);
    const bytes = this.#bytes;
    let at = start + BLOCK_HEADER;
    bytes[at++] = POINTS;
    at = writeVarint(bytes, at, nodeIdLength);
    at += bytes.write(nodeId, at);
    at = writeVarint(bytes, at, first);
    at = writeVarint(bytes, at, count);
    at = writeVarint(bytes, at, points.length);
    at = bytes.writeBigInt64LE(latest, at);
    let before = first - 1;
    let typeBefore: string | undefined;
    points.forEach((point, i) => {
      const position = positions[i] ?? before + 1;
      at = writePoint(bytes, at, point, position - before - 1, typeBefore);
      before = position;
      typeBefore = point.type;
    });
    this.#close(start, at);
  }

  settled({ lanes }: Omit<SettledMarks, 'kind'>): void {
    let most = BLOCK_HEADER + 1;
    for (const { nodeId, ranges } of lanes) {
      most += 16 + Buffer.byteLength(nodeId) + ranges.length * 16;
    }
    const start = this.#reserve(most);
    const bytes = this.#bytes;
    let at = start + BLOCK_HEADER;
    bytes[at++] = SETTLED;
    for (const { nodeId, ranges } of lanes) {
      at = writeVarint(bytes, at, Buffer.byteLength(nodeId));
      at += bytes.write(nodeId, at);
      at = writeVarint(bytes, at, ranges.length);
      let before = 0;
      for (const [from, to] of ranges) {
        at = writeVarint(bytes, at, from - before);
        at = writeVarint(bytes, at, to - from);
        before = to;
      }
    }
    this.#close(start, at);
  }

  /** Makes room for so many bytes. Returns where in the buffer the next block begins. */
  #reserve(bytes: number): number {
    const needed = this.#length + bytes;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    return this.#length;
  }

  #close(start: number, end: number): void {
    const bytes = this.#bytes;
    BLOCK_MAGIC.copy(bytes, start);
    bytes.writeUInt32LE(end - start - BLOCK_HEADER, start + 4);
    const seed = placeCrc(this.#file, this.#offset + start);
    bytes.writeUInt32LE(crc32(bytes.subarray(start + BLOCK_HEADER, end), seed), start + 8);
    this.#length = end;
  }
}

const place = Buffer.alloc(8);

function placeCrc(file: number, offset: number): number {
  place.writeUInt32LE(file, 0);
  place.writeUInt32LE(offset, 4);
  return crc32(place);
}

/** Where a block's body begins and ends. */
interface Body {
  readonly at: number;
  readonly end: number;
}

/** The block at `at`; `undefined`: there is no valid one. `base`: offset in the file at which `bytes` begins. */
export function readBlock(bytes: Buffer, at: number, file: number, base = 0): Body | undefined {
  const body = at + BLOCK_HEADER;
  if (body > bytes.length || bytes.compare(BLOCK_MAGIC, 0, 4, at, at + 4) !== 0) return undefined;
  const end = body + bytes.readUInt32LE(at + 4);
  if (end > bytes.length || end === body) return undefined;
  const crc = crc32(bytes.subarray(body, end), placeCrc(file, base + at));
  return crc === bytes.readUInt32LE(at + 8) ? { at: body, end } : undefined;
}

/** Index of the next valid block from `at` on; `undefined`: there is none. */
export function findBlock(bytes: Buffer, at: number, file: number, base = 0): number | undefined {
  for (let found = bytes.indexOf(BLOCK_MAGIC, at); found >= 0;) {
    if (readBlock(bytes, found, file, base) !== undefined) return found;
    found = bytes.indexOf(BLOCK_MAGIC, found + 1);
  }
  return undefined;
}

/** The content of a block; `undefined`: this version cannot read it. */
export function readBody(bytes: Buffer, { at, end }: Body): PointsHead | SettledMarks | undefined {
  const reader = new ByteReader(bytes, at, end);
  switch (reader.byte()) {
    case POINTS: {
      const nodeId = reader.text();
      const first = reader.varint();
      const next = first + reader.varint();
      const count = reader.varint();
      const latestNs = reader.int64();
      if (reader.overran) return undefined;
      return { kind: 'points', nodeId, first, next, count, latestNs, at: reader.at, end };
    }
    case SETTLED: {
      const lanes = [];
      while (reader.at < end) {
        const nodeId = reader.text();
        const ranges: [number, number][] = [];
        let before = 0;
        for (let left = reader.varint(); left > 0 && !reader.overran; left--) {
          const from = before + reader.varint();
          before = from + reader.varint();
          ranges.push([from, before]);
        }
        lanes.push({ nodeId, ranges });
      }
      return reader.overran ? undefined : { kind: 'settled', lanes };
    }
    default:
      return undefined;
  }
}

/** Calls `each` for the points of a block, with their positions. */
export function readPoints(
  bytes: Buffer,
  { first, count, at, end }: PointsHead,
  each: (position: number, point: Point) => void,
): void {
  const reader = new ByteReader(bytes, at, end);
  let position = first - 1;
  let type = '';
  for (let left = count; left > 0 && reader.at < end; left--) {
    const { gap, point } = readPoint(reader, type);
    position += gap + 1;
    type = point.type;
    each(position, point);
  }
}

/** Maximum number of bytes that a block of points of that node has besides its points. */
export const blockOverhead = (nodeId: string): number =>
  BLOCK_HEADER + 1 + varintLength(nodeId.length) + nodeId.length + 30;
