/**
 * The bit of protobuf that SIOT's messages need, with the strictness of the
 * server's decoder: a known field of another wire type is skipped as unknown,
 * text must be UTF-8, and anything cut short is an error.
 */
import { UndecodableError } from './codec-compact.js';
import { decodeText, encodeText, isUtf8 } from './text.js';

const BROKEN = 'proto: cannot parse invalid wire-format data';

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
const GROUP = 3;
const GROUP_END = 4;
const FIXED32 = 5;

const MOST_FIELD = 536_870_911;

export class Reader {
  #at = 0;
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Calls back with each field and its wire type; whoever returns false has it skipped. */
  fields(each: (field: number, wire: number) => boolean): void {
    while (this.#at < this.bytes.length) {
      const { field, wire } = this.#tag();
      if (!each(field, wire)) this.#skip(field, wire);
    }
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.#at];
      if (byte === undefined) break;
      this.#at += 1;
      if (shift === 63n && byte > 1) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new UndecodableError(BROKEN);
  }

  int32(): number {
    return Number(BigInt.asIntN(32, this.varint()));
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.varint());
  }

  double(): number {
    const at = this.#take(8);
    return this.#view.getFloat64(at, true);
  }

  block(): Uint8Array {
    const length = this.varint();
    if (length > BigInt(this.bytes.length)) throw new UndecodableError(BROKEN);
    const at = this.#take(Number(length));
    return this.bytes.subarray(at, this.#at);
  }

  text(): string {
    const bytes = this.block();
    if (!isUtf8(bytes)) throw new UndecodableError('string field contains invalid UTF-8');
    return decodeText(bytes);
  }

  #tag(): { field: number; wire: number } {
    const tag = this.varint();
    const field = tag >> 3n;
    if (field < 1n || field > MOST_FIELD) throw new UndecodableError(BROKEN);
    return { field: Number(field), wire: Number(tag & 7n) };
  }

  #skip(field: number, wire: number): void {
    switch (wire) {
      case VARINT:
        this.varint();
        return;
      case FIXED64:
        this.#take(8);
        return;
      case BYTES:
        this.block();
        return;
      case GROUP:
        for (;;) {
          const inner = this.#tag();
          if (inner.wire === GROUP_END) {
            if (inner.field === field) return;
            throw new UndecodableError(BROKEN);
          }
          this.#skip(inner.field, inner.wire);
        }
      case FIXED32:
        this.#take(4);
        return;
      default:
        throw new UndecodableError(BROKEN);
    }
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.bytes.length) throw new UndecodableError(BROKEN);
    this.#at += length;
    return at;
  }
}

/** Leaves out what is zero or empty, as proto3 does. */
export class Writer {
  #out = Buffer.allocUnsafe(256);
  #length = 0;

  int(field: number, value: number | bigint): void {
    if (value === 0 || value === 0n) return;
    this.#varint(BigInt((field << 3) | VARINT));
    this.#varint(BigInt.asUintN(64, BigInt(value)));
  }

  /** Minus zero is written: its bits are not zero. */
  double(field: number, value: number): void {
    if (Object.is(value, 0)) return;
    this.#varint(BigInt((field << 3) | FIXED64));
    this.#room(8);
    this.#length = this.#out.writeDoubleLE(value, this.#length);
  }

  text(field: number, value: string): void {
    if (value !== '') this.message(field, encodeText(value));
  }

  data(field: number, value: Uint8Array): void {
    if (value.length > 0) this.message(field, value);
  }

  /** Written also when empty. */
  message(field: number, bytes: Uint8Array): void {
    this.#varint(BigInt((field << 3) | BYTES));
    this.#varint(BigInt(bytes.length));
    this.#room(bytes.length);
    this.#out.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  done(): Uint8Array {
    return this.#out.subarray(0, this.#length);
  }

  #varint(value: bigint): void {
    this.#room(10);
    let rest = value;
    while (rest > 0x7fn) {
      this.#out[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#out[this.#length++] = Number(rest);
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#out.length) return;
    const bigger = Buffer.allocUnsafe(2 * (this.#length + bytes));
    bigger.set(this.#out.subarray(0, this.#length));
    this.#out = bigger;
  }
}
