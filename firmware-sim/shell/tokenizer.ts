/**
 * The words of a command as Zephyr's shell finds them (docs/siot.md, 3.2): `'` and `"`
 * quote, inside quotes only `\"` (or `\'`), `\0ooo` and `\xhh` mean another character,
 * outside a backslash takes the next character as it is.
 */

const isSpace = (byte: number | undefined): boolean =>
  byte !== undefined && (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));

const [BACKSLASH, QUOTE, APOSTROPHE] = [0x5c, 0x22, 0x27];
/** Inside quotes: a backslash with up to three octal digits after a zero, or with two hexadecimal ones. */
const NUMBERED = /^\\(?:0([0-7]{1,3})|x([\da-fA-F]{1,2}))/;

/** Most words of a command; the others are not taken. */
const MOST_WORDS = 20;

/** `undefined`: a quote has no end. */
export function tokenize(command: Uint8Array): Buffer[] | undefined {
  const words: Buffer[] = [];
  let at = 0;
  while (words.length < MOST_WORDS) {
    while (isSpace(command[at])) at += 1;
    if (at >= command.length) break;
    const word = wordAt(command, at);
    if (word === undefined) return undefined;
    words.push(word.bytes);
    at = word.end;
  }
  return words;
}

function wordAt(command: Uint8Array, from: number): { bytes: Buffer; end: number } | undefined {
  const bytes: number[] = [];
  let quote: number | undefined;
  let at = from;
  for (; at < command.length; at += 1) {
    const byte = command[at] ?? 0;
    if (quote === undefined) {
      if (isSpace(byte)) break;
      if (byte === QUOTE || byte === APOSTROPHE) {
        quote = byte;
        continue;
      }
      if (byte === BACKSLASH) {
        at += 1;
        if (at < command.length) bytes.push(command[at] ?? 0);
        continue;
      }
      bytes.push(byte);
      continue;
    }
    if (byte === quote) {
      quote = undefined;
      continue;
    }
    if (byte === BACKSLASH) {
      if (command[at + 1] === quote) {
        at += 1;
        bytes.push(quote);
        continue;
      }
      const rest = Buffer.from(command.subarray(at, at + 5)).toString('latin1');
      const [all, octal, hex] = NUMBERED.exec(rest) ?? [];
      if (all !== undefined) {
        at += all.length - 1;
        bytes.push((octal === undefined ? parseInt(hex ?? '0', 16) : parseInt(octal, 8)) & 0xff);
        continue;
      }
    }
    bytes.push(byte);
  }
  return quote === undefined ? { bytes: Buffer.from(bytes), end: at } : undefined;
}
