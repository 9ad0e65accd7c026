/**
 * Lines of text from a console, as Zephyr's shell prints them (docs/siot.md, 3.1).
 * A line ends with LF, before which CR may stand. Escape sequences of the terminal,
 * prompts at the beginning and white space at both ends are removed; lines that are
 * empty then are left out.
 *
 * ```
 *  received   ESC[1;32m uart:~$ ESC[0m ESC[8D ESC[J pt temp 0 FLT 21.5 CR LF
 *  line       pt temp 0 FLT 21.5
 * ```
 */
import type { Deframer, FrameSink } from './framing.js';

/** Takes what a console prints. */
export interface LineSink extends FrameSink {
  /** A prompt stands at the beginning of a line, which need not have ended: the console waits for a command. */
  prompt(): void;
}

/** What Zephyr's shell on a UART prints before each command. */
const PROMPT = Buffer.from('uart:~$ ');

const [LF, CR, ESC, CSI] = [0x0a, 0x0d, 0x1b, 0x5b];
const LINE_END = Buffer.from([CR, LF]);

/** The bytes to write for a command. */
export const lineOf = (command: string): Uint8Array =>
  Buffer.concat([Buffer.from(command), LINE_END]);

/** Space, and tab to carriage return. */
const isSpace = (byte: number | undefined): boolean =>
  byte !== undefined && (byte === 0x20 || (byte >= 0x09 && byte <= CR));

/**
 * Finds the lines in a stream of bytes, cut anywhere. A line with more than
 * `maxLineLength` bytes before its LF is `oversize`, once, when the first byte too many
 * has come; what follows is left out up to the next LF.
 */
export class LineDeframer implements Deframer<Uint8Array> {
  /** The line so far, without what is removed. */
  readonly #out: Buffer;
  #length = 0;
  /** Bytes of this line so far. */
  #received = 0;
  /** Inside an escape sequence: after ESC, or after ESC [. */
  #escape: 'none' | 'begun' | 'control' = 'none';
  #oversize = false;

  constructor(
    private readonly sink: LineSink,
    private readonly maxLineLength: number,
  ) {
    this.#out = Buffer.alloc(maxLineLength);
  }

  reset(): void {
    this.#length = 0;
    this.#received = 0;
    this.#escape = 'none';
    this.#oversize = false;
  }

  push(chunk: Uint8Array): void {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] ?? 0;
      if (byte === LF) {
        this.#end();
        continue;
      }
      if (this.#oversize) continue;
      this.#received += 1;
      if (this.#received > this.maxLineLength) {
        this.#oversize = true;
        this.sink.discard('oversize', this.#received);
        continue;
      }
      if (!this.#isEscape(byte)) this.#put(byte);
    }
  }

  /** Whether a byte belongs to an escape sequence: ESC and one character, or ESC [ up to a letter. */
  #isEscape(byte: number): boolean {
    switch (this.#escape) {
      case 'none':
        if (byte !== ESC) return false;
        this.#escape = 'begun';
        return true;
      case 'begun':
        this.#escape = byte === CSI ? 'control' : 'none';
        return true;
      case 'control':
        // Parameters.
        if (byte >= 0x20 && byte <= 0x3f) return true;
        this.#escape = 'none';
        // Its last character; anything else does not belong to it.
        return (byte >= 0x40 && byte <= 0x7e) || this.#isEscape(byte);
    }
  }

  #put(byte: number): void {
    if (this.#length === 0 && isSpace(byte)) return;
    this.#out[this.#length++] = byte;
    if (this.#length !== PROMPT.length || !this.#isPrompt()) return;
    this.#length = 0;
    this.sink.prompt();
  }

  #isPrompt(): boolean {
    for (let i = 0; i < PROMPT.length; i++) {
      if (this.#out[i] !== PROMPT[i]) return false;
    }
    return true;
  }

  #end(): void {
    let length = this.#length;
    while (isSpace(this.#out[length - 1]) && length > 0) length -= 1;
    const isLine = !this.#oversize && length > 0;
    this.reset();
    if (isLine) this.sink.frame(this.#out.subarray(0, length));
  }
}
