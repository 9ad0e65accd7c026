/** The text of log lines, as devices print it for terminals. */

/** Characters of a line that are kept: a backtrace has some 1,000. */
export const LONGEST_LOG_LINE = 4_096;

/** Colours and other sequences for terminals: CSI, OSC, and those of one more character. */
const ESCAPES =
  // eslint-disable-next-line no-control-regex -- these sequences begin with a control character
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]{0,256}(?:\u0007|\u001b\\)|[ -/]*[0-~])|\u009b[0-?]*[ -/]*[@-~]/g;
// eslint-disable-next-line no-control-regex -- they are what it removes
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** A text without colours and without control characters but tabs and line ends. */
export function withoutEscapes(text: string): string {
  // eslint-disable-next-line no-control-regex -- most lines have none, and need no copy
  if (!/[\u0000-\u0008\u000b-\u001f\u007f\u009b]/.test(text)) return text;
  return text.replaceAll(ESCAPES, '').replaceAll(CONTROLS, '');
}

/** The lines of a text, without escape sequences; those without any other character are left out. */
export function logLines(text: string): string[] {
  const lines = /[\r\n]/.test(text) ? text.split(/[\r\n]+/) : [text];
  return lines
    .map((line) => withoutEscapes(line).trimEnd().slice(0, LONGEST_LOG_LINE))
    .filter((line) => line !== '');
}
