/**
 * Reads words, numbers and texts of a DBC file, as the parser asks for them. There
 * are no tokens without context: the sign in `8@1-` stands alone, that in `(1,-8)`
 * belongs to the number.
 */
import type { Place } from './database.js';

/** A statement that cannot be read. */
export class DbcSyntaxError extends Error {
  override readonly name = 'DbcSyntaxError';
  constructor(
    readonly place: Place,
    message: string,
  ) {
    super(message);
  }
}

/** White space above U+0020. */
const SPACE = /[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]/;
const WORD = /[^\s:;,"|@()[\]]+/y;
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const INTEGER = /[+-]?\d+/y;

/**
 * A position in the text of a file. All methods skip white space and comments first.
 * The `take…` ones return `undefined` or false where something else follows; `word`,
 * `integer`, `number`, `string` and `mark` then throw a {@link DbcSyntaxError}, with
 * `what` as what belongs there.
 */
export class DbcScanner {
  #at = 0;
  /** Offsets of the lines. */
  #lines: number[] | undefined;

  constructor(private readonly text: string) {}

  /** Skips white space and comments. False: the file ends. */
  more(): boolean {
    const { text } = this;
    while (this.#at < text.length) {
      if (text.startsWith('//', this.#at)) {
        const end = text.indexOf('\n', this.#at);
        this.#at = end === -1 ? text.length : end;
      } else if (text.charCodeAt(this.#at) <= 0x20 || SPACE.test(text[this.#at] ?? '')) {
        this.#at += 1;
      } else return true;
    }
    return false;
  }

  /** The place of what follows. */
  place(): Place {
    this.more();
    return this.#placeOf(this.#at);
  }

  /** Takes what matches a sticky pattern. */
  take(pattern: RegExp): string | undefined {
    this.more();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  /** Whether a sticky pattern matches next; takes nothing. */
  ahead(pattern: RegExp): boolean {
    this.more();
    pattern.lastIndex = this.#at;
    return pattern.test(this.text);
  }

  takeWord(): string | undefined {
    return this.take(WORD);
  }

  takeInteger(): string | undefined {
    return this.take(INTEGER);
  }

  takeNumber(): string | undefined {
    return this.take(NUMBER);
  }

  takeMark(mark: string): boolean {
    this.more();
    if (!this.text.startsWith(mark, this.#at)) return false;
    this.#at += mark.length;
    return true;
  }

  /** Takes a text in quotes, in which `\"` is a quote. */
  takeText(): string | undefined {
    const place = this.place();
    if (this.text[this.#at] !== '"') return undefined;
    let end = this.#at;
    do {
      end = this.text.indexOf('"', end + 1);
      if (end === -1) throw new DbcSyntaxError(place, 'this text has no closing "');
    } while (this.text[end - 1] === '\\');
    const inner = this.text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return inner.replaceAll('\\"', '"');
  }

  word(what: string): string {
    return this.takeWord() ?? this.#expected(what);
  }

  integer(what: string): string {
    return this.takeInteger() ?? this.#expected(what);
  }

  number(what: string): string {
    return this.takeNumber() ?? this.#expected(what);
  }

  string(what: string): string {
    return this.takeText() ?? this.#expected(what);
  }

  mark(mark: string, what: string): void {
    if (!this.takeMark(mark)) this.#expected(`${mark} ${what}`);
  }

  fail(message: string, place: Place = this.place()): never {
    throw new DbcSyntaxError(place, message);
  }

  /**
   * Skips the rest of a statement, with its semicolon; where it has none, up to the
   * next statement, which the sticky pattern `next` matches.
   */
  skipStatement(next: RegExp): void {
    while (this.more()) {
      if (this.takeText() !== undefined) continue;
      next.lastIndex = this.#at;
      if (next.test(this.text)) return;
      const mark = this.text[this.#at];
      this.#at += 1;
      if (mark === ';') return;
    }
  }

  /** Moves to where a global pattern matches next, or to the end. */
  skipTo(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    this.#at = pattern.exec(this.text)?.index ?? this.text.length;
  }

  #expected(what: string): never {
    this.more();
    WORD.lastIndex = this.#at;
    const found = WORD.exec(this.text)?.[0] ?? this.text[this.#at];
    const there =
      found === undefined ? 'the file ends' : `${JSON.stringify(found.slice(0, 40))} stands`;
    return this.fail(`${there} where ${what} belongs`);
  }

  #placeOf(offset: number): Place {
    const lines = (this.#lines ??= lineStarts(this.text));
    let [low, high] = [0, lines.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((lines[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (lines[low] ?? 0) + 1 };
  }
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
