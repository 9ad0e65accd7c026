/** Text that a device prints in place of packets. */
import { isUtf8 } from 'node:buffer';
import { excerpt } from '../../point/excerpt.js';
import { isJson } from '../../point/json-text.js';
import type { Finding } from './diagnosis.js';

/** Bytes of text that are no accident. */
const ENOUGH_BYTES = 8;
/** Characters of a sample for people. */
const SAMPLE_LENGTH = 48;
/** Part of the characters that must be printable: a line may begin in the middle of a character. */
const PRINTABLE = 0.97;

/** Whether bytes are text: UTF-8, hardly a control character. */
export function isText(bytes: Uint8Array): boolean {
  if (bytes.length === 0) return false;
  let printable = 0;
  for (const byte of bytes) {
    if (
      byte >= 0x20
        ? byte !== 0x7f
        : byte === 0x0a || byte === 0x0d || byte === 0x09 || byte === 0x1b
    ) {
      printable++;
    }
  }
  return printable >= PRINTABLE * bytes.length && isUtf8(bytes) && hasWords(bytes);
}

/** Noise of printable characters has few letters and digits. */
function hasWords(bytes: Uint8Array): boolean {
  let words = 0;
  for (const byte of bytes) {
    const isWord =
      (byte >= 0x30 && byte <= 0x39) ||
      (byte >= 0x41 && byte <= 0x5a) ||
      (byte >= 0x61 && byte <= 0x7a);
    if (isWord || byte >= 0x80) words++;
  }
  return words * 3 >= bytes.length;
}

/** A text in quotation marks, cut, without control characters. */
export function quoted(text: string): string {
  const clean = text.replaceAll(/[^\x20-\x7e\u00a0-\uffff]+/g, ' ').trim();
  return `"${excerpt(clean, SAMPLE_LENGTH)}"`;
}

// eslint-disable-next-line no-control-regex -- escape sequences of terminals begin with one
const ANSI = /\u001b(?:\[[0-9;?]*[A-Za-z]|.)/g;

/** What text a device prints; `undefined`: what it sends is no text. Bytes 0 may end its lines. */
export function textFinding(bytes: Uint8Array): Finding | undefined {
  const withoutZeros = bytes.filter((byte) => byte !== 0);
  if (withoutZeros.length * 2 < bytes.length) return undefined;
  // The first and the last character may be cut.
  const text = withoutZeros.subarray(
    cutBefore(withoutZeros),
    withoutZeros.length - cutBehind(withoutZeros),
  );
  if (!isText(text)) return undefined;
  const all = Buffer.from(bytes.map((byte) => (byte === 0 ? 0x0a : byte)))
    .toString('utf8')
    .replaceAll(ANSI, '');
  const lines = all.split(/[\r\n]+/);
  // The first may be half a line, and the last is not at its end yet.
  const whole = (lines.length > 2 ? lines.slice(1, -1) : lines).filter(
    (line) => line.trim() !== '',
  );
  const sample = quoted(whole.at(-1) ?? all);
  const conclusive = text.length >= ENOUGH_BYTES;
  const count = (test: (line: string) => boolean): boolean =>
    whole.length > 0 && whole.filter(test).length * 2 > whole.length;

  if (/(^|[\r\n])[\w:@-]*[~][$#] /.test(all) || count(isShellLine)) {
    return { cause: 'shell', what: `a shell, such as ${sample}`, conclusive };
  }
  if (count(isJsonLine))
    return { cause: 'json', what: `lines of JSON, such as ${sample}`, conclusive };
  if (count(isNmea)) return { cause: 'nmea', what: `NMEA 0183, such as ${sample}`, conclusive };
  return { cause: 'text', what: `text, such as ${sample}`, conclusive };
}

function cutBefore(bytes: Uint8Array): number {
  let at = 0;
  while (at < 3 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at++;
  return at;
}

function cutBehind(bytes: Uint8Array): number {
  for (let back = 1; back <= 3; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    return byte >= 0xc0 ? back : 0;
  }
  return 0;
}

/** A report of SIOT's shell protocol, or a log line of Zephyr (docs/siot.md, 3.1). */
const isShellLine = (line: string): boolean =>
  /^(\S*~[$#] )*(pt \S+ \S+ (INT|FLT|STR|JSN)( |$)|\[\d\d:\d\d:\d\d\.\d{3},\d{3}\] <(err|wrn|inf|dbg)>)/.test(
    line,
  );

const isJsonLine = (line: string): boolean => /^\s*[[{]/.test(line) && isJson(line);

function isNmea(line: string): boolean {
  const match = /^[$!]([^*]+)\*([0-9A-Fa-f]{2})\s*$/.exec(line);
  if (match === null) return false;
  let sum = 0;
  for (const char of match[1] ?? '') sum ^= char.charCodeAt(0);
  return sum === Number.parseInt(match[2] ?? '', 16);
}
