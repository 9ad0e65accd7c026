/**
 * Finds the line of a YAML file whose indentation is wrong. The YAML library says of such
 * files only what it expected at the time, often one line too early.
 */

/** A line that begins in a column where no line of its group begins. */
export interface WrongIndentation {
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
  /** What is wrong, and where the line has to begin. */
  readonly message: string;
}

/** Lines that begin in the same column: the keys of a group, or the items of a list. */
interface Block {
  /** From 0. */
  readonly column: number;
  readonly isList: boolean;
  /** The last key or item, for people. */
  name: string;
  line: number;
}

/** What a line begins with, after its spaces. */
interface Start {
  readonly column: number;
  readonly isItem: boolean;
  /** A key or an item, for people; undefined: neither, such as the rest of a text. */
  readonly name: string | undefined;
  /** What stands behind `key:` or `-`. */
  readonly rest: string;
}

const KEY = /^("[^"]*"|'[^']*'|[^\s#"'[\]{},&*!|>%@`-][^:#]*?|-?[\w.]+):(?=\s|$)/;

/**
 * The first such line; undefined where there is none, or where texts in quotes or brackets
 * go over several lines, in which indentation means nothing. Only of use for a file that the
 * library refuses: a text that goes on in the next line may look like a key.
 */
export function wrongIndentation(text: string): WrongIndentation | undefined {
  const blocks: Block[] = [];
  /** The last line has a key or an item without a value: a deeper block may follow. */
  let isOpen = true;
  /** Deeper lines belong to a text that `|` or `>` has begun. */
  let textBelow: number | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const content = line.trimStart();
    if (content === '' || content.startsWith('#') || /^(?:---|\.\.\.|%)/.test(line)) continue;
    const column = line.length - content.length;
    if (textBelow !== undefined && column > textBelow) continue;
    textBelow = undefined;
    const number = index + 1;
    if (line.slice(0, column).includes('\t')) {
      return { line: number, column: 1, message: 'wrong indentation: a tab; indent with spaces' };
    }
    for (const start of startsOf(content, column)) {
      const message = place(blocks, start, number, isOpen);
      if (message !== undefined) return { line: number, column: start.column + 1, message };
      const value = withoutComment(start.rest);
      if (goesOn(value)) return undefined;
      isOpen = /^(?:[&!]\S+)?$/.test(value);
      if (/^(?:[&!]\S+\s+)?[|>][-+\d]*$/.test(value)) textBelow = column;
    }
  }
  return undefined;
}

/** Each `-` of a line, and its key. */
function* startsOf(content: string, column: number): Generator<Start> {
  let rest = content;
  let at = column;
  for (let dash = /^-(?:\s+|$)/.exec(rest); dash !== null; dash = /^-(?:\s+|$)/.exec(rest)) {
    const below = rest.slice(dash[0].length);
    yield { column: at, isItem: true, name: 'the list item', rest: '' };
    at += dash[0].length;
    rest = below;
  }
  if (rest === '' || rest.startsWith('#')) return;
  const key = KEY.exec(rest);
  yield {
    column: at,
    isItem: false,
    name: key === null ? undefined : nameOf(key[1] ?? ''),
    rest: key === null ? rest : rest.slice(key[0].length).trim(),
  };
}

/** Puts the start of a line into its block, or says why it fits none. */
function place(
  blocks: Block[],
  { column, isItem, name }: Start,
  line: number,
  isOpen: boolean,
): string | undefined {
  // The rest of a text may begin anywhere.
  if (name === undefined) return undefined;
  const top = blocks.at(-1);
  const isDeeper = top === undefined || column > top.column;
  // A list may begin in the column of its key.
  const isListOfKey = isItem && top?.isList === false && column === top.column;
  if (isOpen && (isDeeper || isListOfKey)) {
    blocks.push({ column, isList: isItem, name, line });
    return undefined;
  }
  const wrong = `wrong indentation: ${name} begins in column ${column + 1}`;
  if (isDeeper && top?.isList === isItem) {
    return (
      `${wrong}, deeper than ${top.name} in line ${top.line}, which has a value already; ` +
      `begin it in column ${top.column + 1} as well`
    );
  }
  let left: Block | undefined;
  for (let block = top; block !== undefined && block.column >= column; block = blocks.at(-1)) {
    if (block.isList === isItem) {
      if (block.column === column) {
        Object.assign(block, { name, line });
        return undefined;
      }
      left = block;
    }
    blocks.pop();
  }
  const above = blocks.findLast((block) => block.isList === isItem);
  const places = [left, above]
    .filter((block) => block !== undefined)
    .map((block) => `column ${block.column + 1}, as ${block.name} in line ${block.line}`);
  return places.length === 0
    ? `${wrong}, and belongs to nothing above it`
    : `${wrong}; begin it in ${places.join(', or in ')}`;
}

/** A key for people; not what may be a secret in the place of a key. */
const nameOf = (key: string): string => (/^[\w.-]{1,40}$/.test(key) ? `"${key}"` : 'the key');

const withoutComment = (value: string): string => value.replace(/(?:^|\s)#.*$/, '').trim();

/** Whether a value in quotes or brackets goes on in the next line. */
function goesOn(value: string): boolean {
  const plain = value.replaceAll(/"(?:\\.|[^"\\])*"|'(?:''|[^'])*'/g, '');
  if (/^["']/.test(plain)) return true;
  return /^[[{]/.test(plain) && count(plain, /[[{]/g) > count(plain, /[\]}]/g);
}

const count = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;
