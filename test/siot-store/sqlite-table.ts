/**
 * Rows of points as the SQLite store keeps them (docs/siot.md, 1.1, 1.2,
 * 4.7), and the checksum that replies carry as hash.
 */
import { crc32 } from 'node:zlib';
import {
  NO_DATA,
  numberOf,
  storedKey,
  textOf,
  typedNumber,
  typedText,
  UNSET_NS,
  type Content,
  type StorePoint,
} from './point.js';
import { encodeText } from './text.js';

export interface TableOptions {
  readonly generation: 1 | 2;
  readonly nowNs: () => bigint;
}

interface Row {
  readonly point: StorePoint;
  readonly value: number;
  readonly checksum: number;
}

interface Write {
  readonly point: StorePoint;
  readonly index: number | undefined;
}

/** Rows in the order of their making; two spellings of a key can make two of one point (1.2). */
export class Table {
  readonly #options: TableOptions;
  readonly #rows: Row[] = [];
  /** Only the first of such rows is found again, and replaced. */
  readonly #first = new Map<string, number>();
  #unreadable = false;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  /** A NaN is in it: it was saved as NULL, which cannot be read back (1.1). */
  get unreadable(): boolean {
    return this.#unreadable;
  }

  /** As they are read back. */
  points(): StorePoint[] {
    return this.#rows.map(({ point }) => point);
  }

  find(type: string, key: string): StorePoint | undefined {
    return this.#row(type, key)?.point;
  }

  /** 0 where there is no such point. */
  number(type: string): number {
    return this.#row(type, '0')?.value ?? 0;
  }

  /** false: what is there is newer. */
  takes({ type, key, time }: StorePoint): boolean {
    const known = this.#row(type, storedKey(key));
    return known === undefined || time === UNSET_NS || known.point.time <= time;
  }

  /** Of all rows, as an edge takes it over from the node's points when it is made. */
  checksum(): number {
    return this.#rows.reduce((sum, row) => sum ^ row.checksum, 0);
  }

  /**
   * A message is compared with what was there before it, not with itself.
   * Returns by what the hashes above change.
   */
  write(points: readonly StorePoint[]): number {
    let change = 0;
    const writes: Write[] = [];
    for (const given of points) {
      const time = given.time === UNSET_NS ? this.#options.nowNs() : given.time;
      const point = { ...given, key: storedKey(given.key), time };
      const index = this.#first.get(nameOf(point.type, point.key));
      const known = index === undefined ? undefined : this.#rows[index];
      if (known !== undefined && known.point.time > time) continue;
      change ^= (known?.checksum ?? 0) ^ checksumOf(point);
      writes.push({ point, index });
    }
    for (const write of writes) this.#save(write);
    return change;
  }

  #save({ point, index }: Write): void {
    const row = this.#rowOf(point);
    if (Number.isNaN(row.value)) this.#unreadable = true;
    if (index !== undefined) {
      this.#rows[index] = row;
      return;
    }
    const name = nameOf(point.type, point.key);
    if (!this.#first.has(name)) this.#first.set(name, this.#rows.length);
    this.#rows.push(row);
  }

  #row(type: string, key: string): Row | undefined {
    const index = this.#first.get(nameOf(type, key));
    return index === undefined ? undefined : this.#rows[index];
  }

  // A row has a number, a text and bytes; 2a reads the first of text, number
  // and bytes that is not empty.
  #rowOf(point: StorePoint): Row {
    // Whole numbers are kept as integers, which have no minus zero.
    const value = numberOf(point) === 0 ? 0 : numberOf(point);
    const text = textOf(point);
    const data = point.content.kind === 'typed' ? point.content.data : NO_DATA;
    let content: Content = { kind: 'typed', dataType: 0, data };
    if (this.#options.generation === 1) content = { kind: 'pair', value, text };
    else if (text !== '') content = typedText(text);
    else if (value !== 0) content = typedNumber(value);
    const stored = { ...point, time: BigInt.asIntN(64, point.time), content };
    return { point: stored, value, checksum: checksumOf(stored) };
  }
}

function nameOf(type: string, key: string): string {
  return `${type}\0${key}`;
}

function checksumOf({ type, key, time, content }: StorePoint): number {
  // Edges do not keep their type among their points.
  if (type === 'nodeType') return 0;
  const stamp = Buffer.alloc(8);
  stamp.writeBigInt64LE(BigInt.asIntN(64, time));
  const parts: Uint8Array[] = [stamp, encodeText(type), encodeText(key)];
  if (content.kind === 'pair') {
    const number = Buffer.alloc(8);
    number.writeDoubleLE(content.value);
    parts.push(encodeText(content.text), number);
  } else {
    parts.push(content.data, stamp);
  }
  // The store's hash is signed.
  return crc32(Buffer.concat(parts)) | 0;
}
