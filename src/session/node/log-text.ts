/** The text of log lines, as devices print it for terminals. */

/** Characters of a line that are kept: a backtrace has some 1,000. */
export const LONGEST_LOG_LINE = 4_096;

/** Colours and other sequences for terminals: CSI, OSC, and those of one more character. */
const ESCAPES =
  // eslint-disable-next-line no-control-regex -- these sequences begin with a control character
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]{0,256}(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g;
/** Control characters but tabs and line ends, marks of the writing direction, and the line ends of Unicode. */
const HARMFUL =
  // eslint-disable-next-line no-control-regex -- they are what it removes
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A text without colours, without control characters but tabs and line ends, and without what turns it around. */
export function withoutEscapes(text: string): string {
  // Most lines have none, and need no copy.
  if (text.search(HARMFUL) === -1) return text;
  // The second one last: what the first removes may have parted two halves of a sequence.
  return text.replaceAll(ESCAPES, '').replaceAll(HARMFUL, '');
}

/** The lines of a text, without escape sequences; those without any other character are left out. */
export function logLines(text: string): string[] {
  const lines = /[\r\n]/.test(text) ? text.split(/[\r\n]+/) : [text];
  return lines
    .map((line) => withoutEscapes(line).trimEnd().slice(0, LONGEST_LOG_LINE))
    .filter((line) => line !== '');
}
