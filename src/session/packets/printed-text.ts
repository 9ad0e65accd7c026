/**
 * Text that a device prints where packets are due: its boot loader's banner, and above
 * all a panic dump, which firmware prints past its own packets.
 *
 * ```
 *  00 02 01 … 00              a frame: its first byte is a control character
 *  Guru Meditation … CR LF    text: told with each line end
 *  02 01 … CR LF rst:0x7 …    a frame that a crash has cut, and text: told when it can be no frame any more
 * ```
 *
 * Frames are judged by the deframer alone. While all of them are good, a chunk costs the
 * search for its last delimiter and a copy of what comes behind it.
 */
import { isUtf8 } from 'node:buffer';
import type { Clock } from '../../point/clock.js';

/** Is told what was printed. */
export interface PrintedTextHost {
  /** A line, as it came. */
  printed(line: string): void;
  /** Lines were left out, since too much was printed at once. */
  printedTooMuch(): void;
}

/** Text that may come at once: the longest dumps have less. */
const BURST_BYTES = 262_144;
/** Beyond it, a second. */
const BYTES_A_SECOND = 65_536;

/** A line beside bytes that are no text has so many bytes, with its end; fewer are an accident. */
const ENOUGH_BYTES = 8;
/** Bytes of a line that is told whole, at least. */
const LONGEST_LINE = 2_048;

const LINE_END = 0x0a;
const TAB = 0x09;
const RETURN = 0x0d;
const ESCAPE = 0x1b;
const SPACE = 0x20;
const DELETE = 0x7f;

/** What the bytes since the last delimiter are: text so far, a frame perhaps, or no frame for certain. */
type Kind = 'text' | 'frame' | 'noFrame';

/** Finds text in one direction of a stream of COBS frames. */
export class PrintedText {
  /** Since the last delimiter, as far as it was not told. */
  readonly #pending: Buffer;
  #length = 0;
  #kind: Kind = 'text';
  /** A line since the last delimiter had words: what follows may be ruled lines or numbers. */
  #hasWords = false;
  /** Something has come since the last delimiter. */
  #isInside = false;
  #chunk: Uint8Array = new Uint8Array();
  /** Up to where {@link #chunk} was looked at. */
  #at = 0;
  /** Frames that have ended in {@link #chunk} behind {@link #at}. */
  #ended = 0;
  #budget = BURST_BYTES;
  #budgetMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly host: PrintedTextHost,
    private readonly clock: Clock,
    maxFrameLength: number,
  ) {
    this.#pending = Buffer.alloc(Math.max(maxFrameLength, LONGEST_LINE));
  }

  /** The deframer gets this chunk now. */
  begin(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
    this.#ended = 0;
  }

  /** A frame has ended in the chunk. Hot. */
  ended(isGood: boolean): void {
    this.#ended += 1;
    if (!isGood) this.#bad();
  }

  /** The deframer has had the chunk. */
  end(): void {
    const chunk = this.#chunk;
    const behind = chunk.lastIndexOf(0) + 1;
    if (behind > 0) this.#forget();
    if (behind < chunk.length) this.#add(behind === 0 ? chunk : chunk.subarray(behind));
  }

  /** The stream is interrupted: lines are told that have come. */
  close(): void {
    if (this.#kind === 'text') this.#tell(this.#length);
    else {
      this.#kind = 'noFrame';
      this.#tell(this.#pending.subarray(0, this.#length).lastIndexOf(LINE_END) + 1);
    }
    this.#forget();
  }

  /** The last frame that has ended is none. */
  #bad(): void {
    const chunk = this.#chunk;
    for (; this.#ended > 0; this.#ended--) {
      // The first one may have begun in an earlier chunk, and end with the first byte of this.
      if (!this.#isInside) while (chunk[this.#at] === 0) this.#at += 1;
      const zeroAt = chunk.indexOf(0, this.#at);
      const end = zeroAt < 0 ? chunk.length : zeroAt;
      if (this.#ended === 1) this.#tellBad(chunk.subarray(this.#at, end));
      this.#forget();
      this.#at = end + 1;
    }
  }

  #tellBad(unit: Uint8Array): void {
    this.#add(unit);
    if (this.#kind === 'frame') this.#kind = 'noFrame';
    this.#tell(this.#length);
    // It was taken for text, and is none in whole.
    if (this.#length === 0) return;
    this.#kind = 'noFrame';
    this.#tell(this.#length);
  }

  #forget(): void {
    this.#length = 0;
    this.#kind = 'text';
    this.#hasWords = false;
    this.#isInside = false;
  }

  /** Bytes without a delimiter. */
  #add(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length;) {
      const piece = bytes.subarray(from, from + this.#pending.length - this.#length);
      if (!this.#isInside && !isTextual(piece[0] ?? 0)) this.#kind = 'frame';
      this.#isInside = true;
      this.#pending.set(piece, this.#length);
      this.#length += piece.length;
      from += piece.length;
      if (this.#kind !== 'frame') {
        this.#tell(this.#pending.lastIndexOf(LINE_END, this.#length - 1) + 1);
      }
      if (this.#length < this.#pending.length) continue;
      // It is longer than any frame: a line without an end, or no text alone.
      if (this.#kind === 'text') this.#tell(this.#length);
      if (this.#length < this.#pending.length) continue;
      this.#kind = 'noFrame';
      const lines = this.#pending.lastIndexOf(LINE_END) + 1;
      this.#tell(lines > 0 ? lines : this.#length);
    }
  }

  /** Tells the lines in so many bytes from the beginning, and forgets them; not those that may be a frame. */
  #tell(length: number): void {
    let from = 0;
    while (from < length) {
      const lineEnd = this.#pending.indexOf(LINE_END, from);
      const end = lineEnd < 0 || lineEnd >= length ? length : lineEnd + 1;
      const line = this.#pending.subarray(from, end);
      if (this.#kind === 'noFrame') this.#fragment(line);
      else if (isPrintable(line) && isUtf8(line)) this.#line(line);
      else {
        this.#kind = 'frame';
        break;
      }
      from = end;
    }
    this.#pending.copyWithin(0, from, this.#length);
    this.#length -= from;
  }

  /** A line of what is no frame, and may be a part of one. */
  #fragment(line: Uint8Array): void {
    const text = line.subarray(textFrom(line));
    if (!isUtf8(text)) return;
    // A text in a broken frame is hardly followed by CR and LF.
    const isLine = text.length >= ENOUGH_BYTES && text.at(-2) === RETURN;
    if (this.#hasWords || (isLine && text.at(-1) === LINE_END)) this.#line(text);
  }

  #line(text: Uint8Array): void {
    if (!this.#hasWords && !hasWords(text)) return;
    this.#hasWords = true;
    if (this.#isTooMuch(text.length)) this.host.printedTooMuch();
    else this.host.printed(Buffer.from(text.buffer, text.byteOffset, text.length).toString('utf8'));
  }

  #isTooMuch(bytes: number): boolean {
    const nowMs = this.clock.monotonicMs();
    const more = ((nowMs - this.#budgetMs) / 1_000) * BYTES_A_SECOND;
    this.#budget = Math.min(BURST_BYTES, this.#budget + more);
    this.#budgetMs = nowMs;
    if (this.#budget < bytes) return true;
    this.#budget -= bytes;
    return false;
  }
}

const isTextual = (byte: number): boolean =>
  byte >= SPACE
    ? byte !== DELETE
    : byte === LINE_END || byte === RETURN || byte === TAB || byte === ESCAPE;

const isPrintable = (bytes: Uint8Array): boolean => bytes.every(isTextual);

/** Behind the last byte that is in no text. */
function textFrom(line: Uint8Array): number {
  let at = line.length;
  while (at > 0 && isTextual(line[at - 1] ?? 0)) at--;
  return at;
}

/** Noise of printable characters has few letters and digits. */
function hasWords(bytes: Uint8Array): boolean {
  let words = 0;
  for (const byte of bytes) {
    const isWord =
      (byte >= 0x30 && byte <= 0x39) ||
      (byte >= 0x41 && byte <= 0x5a) ||
      (byte >= 0x61 && byte <= 0x7a) ||
      byte >= 0x80;
    if (isWord) words += 1;
  }
  return words > 2 && words * 3 >= bytes.length;
}
