/**
 * Converts texts between bytes and strings. Short ones are cached, since the types
 * and keys of a device are the same in each packet.
 */
import { isUtf8 } from 'node:buffer';

const SLOTS = 2048;
const LONGEST_CACHED = 48;

interface Slot {
  readonly bytes: Uint8Array;
  readonly text: string;
}

const slots: (Slot | undefined)[] = new Array<Slot | undefined>(SLOTS).fill(undefined);

/**
 * The text of `length` bytes at `offset`. U+FFFD replaces bytes that are not UTF-8;
 * see {@link isMended}.
 */
export function readText(bytes: Uint8Array, offset: number, length: number): string {
  if (length === 0) return '';
  if (length > LONGEST_CACHED) return decode(bytes, offset, length);
  let hash = length;
  for (let i = offset; i < offset + length; i++) hash = (hash * 31 + (bytes[i] ?? 0)) | 0;
  const index = (hash ^ (hash >>> 11)) & (SLOTS - 1);
  const slot = slots[index];
  if (slot !== undefined && same(slot.bytes, bytes, offset, length)) return slot.text;
  const text = decode(bytes, offset, length);
  // A copy: Buffer's slice() would share the memory, which is used again.
  const copy = Uint8Array.prototype.slice.call(bytes, offset, offset + length);
  slots[index] = { bytes: copy, text };
  return text;
}

/** A text of at most `length` bytes, filled up with NULs: without those at both ends, as SIOT reads it. */
export function readPadded(bytes: Uint8Array, offset: number, length: number): string {
  let from = offset;
  let to = offset + length;
  while (to > from && bytes[to - 1] === 0) to--;
  while (from < to && bytes[from] === 0) from++;
  return readText(bytes, from, to - from);
}

function same(cached: Uint8Array, bytes: Uint8Array, offset: number, length: number): boolean {
  if (cached.length !== length) return false;
  for (let i = 0; i < length; i++) if (cached[i] !== bytes[offset + i]) return false;
  return true;
}

function decode(bytes: Uint8Array, offset: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString('utf8');
}

/** Whether bytes of a text that {@link readText} has read were replaced, since they are not UTF-8. */
export function isMended(text: string, bytes: Uint8Array, offset: number, length: number): boolean {
  return text.includes('\ufffd') && !isUtf8(bytes.subarray(offset, offset + length));
}

/** Bytes of a text in UTF-8. */
export function textLength(text: string): number {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text);
  }
  return text.length;
}

/** Writes a text of `length` bytes (from {@link textLength}) at `offset`. */
export function writeText(bytes: Buffer, offset: number, text: string, length: number): void {
  if (length !== text.length || length > LONGEST_CACHED) {
    bytes.write(text, offset, length, 'utf8');
    return;
  }
  for (let i = 0; i < length; i++) bytes[offset + i] = text.charCodeAt(i);
}
