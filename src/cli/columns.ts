/** Texts in the columns of a terminal. None of them may have control characters: see `harmless` (logger.ts). */

/** One column for each unit: most lines are of this kind, and what follows is slow. */
const PLAIN = /^[\x20-\x7e\xa0-\xac\xae-\u02ff\u2010-\u2027\u2190-\u21ff\u2500-\u25fc]*$/;
/** What most terminals show in two columns: East Asian scripts and emoji. */
const WIDE =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Bopomofo}\p{scx=Yi}\p{sc=Tangut}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
/** Katakana and Hangul of one column, which belong to the scripts above. */
const HALF_WIDTH = /[\uff61-\uffdc]/u;
/** Marks on the character before. */
const NO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;

/**
 * Terminals disagree about emoji that are made of several: here each counts by itself, so
 * that a text takes fewer columns rather than more.
 */
function widthOfCharacter(character: string): number {
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.test(character) && !HALF_WIDTH.test(character) ? 2 : 1;
}

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

/** The beginning of a text that fits; no character loses its marks. */
function beginningOf(text: string, columns: number): string {
  if (PLAIN.test(text)) return text.slice(0, Math.max(0, columns));
  let width = 0;
  let end = 0;
  for (const character of text) {
    width += widthOfCharacter(character);
    if (width > columns) return text.slice(0, end);
    end += character.length;
  }
  return text;
}

/** A text that is too long for the columns ends with `…` and with `end`, if there is room for that. */
export function cut(text: string, columns: number, end = ''): string {
  if (widthOf(text) <= columns) return text;
  const mark = `…${end}`;
  const kept = columns - widthOf(mark);
  if (kept < 3 && end !== '') return cut(text, columns);
  return kept < 0 ? '' : beginningOf(text, kept) + mark;
}

export const padEnd = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - widthOf(text)));

export const padStart = (text: string, columns: number): string =>
  ' '.repeat(Math.max(0, columns - widthOf(text))) + text;

/**
 * A text on several lines, broken at spaces; those after the first begin with `indent`. A
 * word that is longer than the columns stands whole on a line of its own.
 */
export function breakLines(text: string, columns: number, indent: string): string[] {
  const lines: string[] = [];
  const words = text.trimStart().split(' ');
  let line = text.slice(0, text.length - text.trimStart().length) + (words.shift() ?? '');
  for (const word of words) {
    const longer = `${line} ${word}`;
    if (widthOf(longer) <= columns) {
      line = longer;
      continue;
    }
    lines.push(line);
    line = indent + word;
  }
  return [...lines, line];
}

/** The same, and no line is longer than the columns. */
export const wrap = (text: string, columns: number, indent: string): string[] =>
  breakLines(text, columns, indent).map((line) => cut(line, columns));
