/**
 * One direction of a stream of bytes: frames of COBS, and what is between them. The
 * project's deframer judges each frame, and this keeps its bytes as they came, to be shown.
 *
 * ```
 *  00 01 02 … 00      a frame, with the delimiters that came before it
 *  hello CR LF        text without an end: told after its last line end, or when nothing follows
 *  00 00 00 … 00      delimiters alone: told when there are many
 * ```
 */
import { isUtf8 } from 'node:buffer';
import type { Deframer, FrameDiscard } from '../../framing/framing.js';
import { FRAMINGS } from '../../framing/framings.js';
import { parsePacket } from '../../packet/packet.js';

/** What a stream is made of, in order. */
export interface ByteStreamHost {
  /** A frame with its delimiters. `packet`: without them; it may be changed after the call. */
  frame(packet: Uint8Array, bytes: Uint8Array): void;
  /** A delimiter, after bytes that are no frame. `text`: of all bytes of this call, where they are text. */
  discard(cause: FrameDiscard, bytes: Uint8Array, text: string | undefined): void;
  /** Text that is in no frame so far. */
  text(text: string, bytes: Uint8Array): void;
  /** Bytes that are in no frame so far: one that has not ended, as far as is known. */
  incomplete(bytes: Uint8Array): void;
  /** The end of a frame whose beginning was not seen. */
  cut(bytes: Uint8Array): void;
  /** Delimiters alone. */
  zeros(bytes: Uint8Array): void;
}

/** Bytes without an end are told after this time without more of them, ms. */
export const STREAM_IDLE_MS = 300;
/** Delimiters alone that are told. Fewer belong to the next frame. */
const MANY_ZEROS = 16;
/** Bytes without an end that are told at once. */
const MOST_PENDING = 4_096;

type Verdict = { readonly packet: Uint8Array } | { readonly cause: FrameDiscard };

/** Cuts one direction of a stream. */
export class ByteStream {
  readonly #deframer: Deframer<Uint8Array>;
  #verdict: Verdict | undefined;
  /** Since the last delimiter that ended a frame, as far as they were not told. */
  readonly #pending: Buffer;
  #length = 0;
  /** Delimiters at the beginning of {@link #pending}. */
  #zeros = 0;
  /** Other bytes of the frame were told already. */
  #told = false;
  /** A delimiter was seen, or the beginning of the stream. */
  #joined: boolean;

  /** `joined`: it begins with the beginning of a frame. */
  constructor(
    private readonly host: ByteStreamHost,
    maxFrameLength: number,
    joined: boolean,
  ) {
    this.#joined = joined;
    this.#pending = Buffer.alloc(Math.min(maxFrameLength, MOST_PENDING) + MANY_ZEROS);
    this.#deframer = FRAMINGS.cobs.createDeframer(
      {
        frame: (packet) => (this.#verdict = { packet }),
        discard: (cause) => (this.#verdict = { cause }),
      },
      maxFrameLength,
    );
  }

  push(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length;) {
      const zeroAt = chunk.indexOf(0, from);
      const end = zeroAt < 0 ? chunk.length : zeroAt + 1;
      this.#add(chunk.subarray(from, end));
      if (zeroAt >= 0) this.#delimiter();
      from = end;
    }
    this.#tellLines();
  }

  /** No byte has come for {@link STREAM_IDLE_MS}: tells what has no end. */
  idle(): void {
    if (this.#length > this.#zeros || this.#zeros >= MANY_ZEROS) this.#tellPending();
  }

  /** What follows is another stream. `joined` as in the constructor. */
  restart(joined: boolean): void {
    this.idle();
    this.#take();
    this.#deframer.reset();
    this.#told = false;
    this.#joined = joined;
  }

  /** `part`: up to a delimiter. */
  #add(part: Uint8Array): void {
    for (let from = 0; from < part.length;) {
      if (this.#length === this.#pending.length) this.#tellPending();
      const room = this.#pending.length - this.#length;
      const piece = part.subarray(from, from + room);
      this.#pending.set(piece, this.#length);
      this.#length += piece.length;
      from += piece.length;
    }
    this.#deframer.push(part);
  }

  #delimiter(): void {
    const verdict = this.#verdict;
    this.#verdict = undefined;
    const isJoined = this.#joined;
    this.#joined = true;
    if (verdict === undefined) {
      // Nothing but delimiters.
      this.#zeros = this.#length;
      return;
    }
    const isWhole = !this.#told;
    this.#told = false;
    const bytes = this.#take();
    if ('packet' in verdict && (isJoined || isPacket(verdict.packet))) {
      this.host.frame(verdict.packet, bytes);
      return;
    }
    const text = isWhole ? textOf(contentOf(bytes)) : undefined;
    if ('cause' in verdict && isJoined) this.host.discard(verdict.cause, bytes, text);
    else if (text === undefined) this.host.cut(bytes);
    else this.host.text(text, bytes);
  }

  /** Tells lines of text that are complete: what sends text sends no delimiter. */
  #tellLines(): void {
    const inside = this.#pending.subarray(this.#zeros, this.#length);
    const lineEnd = inside.lastIndexOf(0x0a) + 1;
    if (lineEnd === 0) return;
    const text = textOf(inside.subarray(0, lineEnd));
    if (text === undefined) return;
    const rest = Uint8Array.from(inside.subarray(lineEnd));
    this.#length = this.#zeros + lineEnd;
    this.host.text(text, this.#take());
    this.#told = true;
    this.#pending.set(rest);
    this.#length = rest.length;
  }

  #tellPending(): void {
    if (this.#length === this.#zeros) {
      this.host.zeros(this.#take());
      return;
    }
    const text = textOf(this.#pending.subarray(this.#zeros, this.#length));
    const bytes = this.#take();
    this.#told = true;
    if (text === undefined) this.host.incomplete(bytes);
    else this.host.text(text, bytes);
  }

  /** A copy of what is pending, which then is no more. */
  #take(): Uint8Array {
    const bytes = Uint8Array.from(this.#pending.subarray(0, this.#length));
    this.#length = 0;
    this.#zeros = 0;
    return bytes;
  }
}

const isPacket = (bytes: Uint8Array): boolean => typeof parsePacket(bytes) !== 'string';

/** Without the delimiters at both ends. */
function contentOf(bytes: Uint8Array): Uint8Array {
  const from = bytes.findIndex((byte) => byte !== 0);
  return bytes.subarray(from, bytes.length - 1);
}

/** No text has these: all control characters but the bell, backspace, tab, line ends and escape. */
// eslint-disable-next-line no-control-regex -- these are what it is about
const NOT_TEXT = /[\u0000-\u0006\u000b\u000c\u000e-\u001a\u001c-\u001f\u007f]/;

function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || !isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes).toString('utf8');
  return NOT_TEXT.test(text) ? undefined : text;
}
