/**
 * Frames as can-utils write them:
 *
 * ```
 * (1436509052.249713) vcan0 044#2A366C2BBA           candump -l and -L; the id has 3 or 8 digits
 * (1436509052.249713) vcan0 12345678##1112233        FD: flags (1: bit rate switch), then data
 * (1436509052.249713) vcan0 044#R                    a remote frame
 *   vcan0  044   [5]  2A 36 6C 2B BA                 candump on a terminal; -t a adds the time, -8 the DLC
 *   vcan0  044   [1]  00101010                       candump -i
 *   vcan0  044   [3]  6C`36`2A                       candump -S: last byte first
 *   vcan0  20000004   [8]  00 08 00 …   ERRORFRAME   candump -e: and lines that explain it, each behind a tab
 * 044#2A366C2BBA                                     cansend
 * ```
 */
import {
  CLASSIC_LENGTH,
  FD_LENGTHS,
  MAX_EXTENDED_ID,
  MAX_STANDARD_ID,
  type CanFrame,
} from '../transport/frame.js';

/** A frame of a log. */
export interface LoggedFrame {
  /** Seconds, with the digits of the log, without leading zeros; absent: the log has no time. */
  readonly time?: string;
  /** Absent: the log has none, as in the form of cansend. */
  readonly interface?: string;
  readonly frame: CanFrame;
}

const ID = '([0-9A-Fa-f]{8}|[0-9A-Fa-f]{3})';
const LOG_LINE = new RegExp(
  `^\\s*\\((\\d+(?:\\.\\d+)?)\\)\\s+(\\S+)\\s+${ID}#(\\S*)(?:\\s+[RT])?\\s*$`,
);
const BARE_LINE = new RegExp(`^\\s*${ID}#(\\S*)\\s*$`);
/** Time of `candump -t A`, which has no time zone. */
const DATED_LINE = /^\s*\(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\)\s/;
const SCREEN_LINE = new RegExp(
  `^\\s*(?:\\((\\d+(?:\\.\\d+)?)\\)\\s+)?(\\S+)\\s+(?:[RT]X\\s+\\S\\s+\\S\\s+)?${ID}\\s+(?:\\[(\\d{1,2})\\]|\\{[9A-F]\\})(.*)$`,
);
const IN_BITS = /^\s+[01]{8}(?:[\s`]|$)/;
/** At least two bytes, the last one first. */
const SWAPPED = /^\s+[\dA-F]+(?:`[\dA-F]+)+/i;
/** Colours of `candump -c`. */
// eslint-disable-next-line no-control-regex -- the escape is what it begins with
const COLOURS = /\u001b\[[\d;]*m/g;
/** CAN_ERR_FLAG of linux/can.h. */
const ERROR_FLAG = 0x2000_0000;
/** CANFD_BRS of linux/can.h. */
const FD_BRS = 1;
const MAX_FD_LENGTH = 64;

/** The frame in a line of a log; `undefined`: there is none. */
export function parseCandumpLine(text: string): LoggedFrame | undefined {
  const line = plain(text).trimEnd();
  const logged = LOG_LINE.exec(line);
  if (logged !== null) {
    const [, time = '', name = '', id = '', body = ''] = logged;
    const frame = parseBody(id, body);
    return frame && { time: time.replace(/^0+(?=\d)/, ''), interface: name, frame };
  }
  const bare = BARE_LINE.exec(line);
  if (bare !== null) {
    const frame = parseBody(bare[1] ?? '', bare[2] ?? '');
    return frame && { frame };
  }
  const shown = SCREEN_LINE.exec(line);
  if (shown === null) return undefined;
  // `{E}` of candump -8 is a DLC above 8, which means 8 bytes.
  const [, time, name = '', id = '', length = '8', rest = ''] = shown;
  const frame = parseShown(id, length, rest);
  if (frame === undefined) return undefined;
  return {
    ...(time === undefined ? {} : { time: time.replace(/^0+(?=\d)/, '') }),
    interface: name,
    frame,
  };
}

/** Whether the time of a line is a date without a time zone, which gives no seconds since 1970. */
export function isDated(line: string): boolean {
  return DATED_LINE.test(plain(line));
}

/** Whether a line only explains the error frame above it. */
export function isErrorDetail(line: string): boolean {
  return /^\t[a-z]/.test(plain(line));
}

function plain(line: string): string {
  return line.includes('\u001b') ? line.replaceAll(COLOURS, '') : line;
}

/** `body`: what follows the first `#`. */
function parseBody(id: string, body: string): CanFrame | undefined {
  if (body.startsWith('#')) {
    const flags = Number.parseInt(body[1] ?? '', 16);
    const data = hexBytes(body.slice(2), MAX_FD_LENGTH);
    if (Number.isNaN(flags) || data === undefined || !FD_LENGTHS.includes(data.length))
      return undefined;
    return makeFrame(id, data, { fd: true, bitRateSwitch: (flags & FD_BRS) !== 0 });
  }
  if (/^R\d?(?:_[0-9A-F])?$/i.test(body)) return makeFrame(id, new Uint8Array(0), { remote: true });
  // A DLC above 8 may follow 8 bytes; it means nothing.
  const data = hexBytes(body.replace(/_[9A-F]$/i, ''), CLASSIC_LENGTH);
  return data && makeFrame(id, data, {});
}

function parseShown(id: string, length: string, rest: string): CanFrame | undefined {
  if (/^\s+remote request/.test(rest)) return makeFrame(id, new Uint8Array(0), { remote: true });
  const count = Number(length);
  const fd = length.length === 2;
  const most = fd ? MAX_FD_LENGTH : CLASSIC_LENGTH;
  // candump -a shows the bytes as letters, too.
  const bytes = inOrder(rest);
  const hex = bytes.replaceAll(/\s/g, '').slice(0, 2 * count);
  const inBits = count > 0 && IN_BITS.test(bytes);
  const data = inBits ? bitBytes(bytes, count, most) : hexBytes(hex, most);
  return data?.length === count ? makeFrame(id, data, { fd }) : undefined;
}

/** The bytes with the first one first. */
function inOrder(text: string): string {
  const [swapped] = SWAPPED.exec(text) ?? [];
  return swapped === undefined ? text : ` ${swapped.trim().split('`').reverse().join(' ')}`;
}

/** Bytes in binary, as `candump -i` writes them. */
function bitBytes(text: string, count: number, most: number): Uint8Array | undefined {
  const bytes = text.trim().split(/\s+/, count);
  if (count > most || !bytes.every((byte) => /^[01]{8}$/.test(byte))) return undefined;
  return Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 2));
}

function makeFrame(id: string, data: Uint8Array, kind: Partial<CanFrame>): CanFrame | undefined {
  const number = Number.parseInt(id, 16);
  const extended = id.length > 3;
  const error = extended && number > MAX_EXTENDED_ID;
  const isError = error && (number & ERROR_FLAG) !== 0 && number <= 2 * MAX_EXTENDED_ID + 1;
  if (error !== isError || (!extended && number > MAX_STANDARD_ID)) return undefined;
  return {
    id: number & MAX_EXTENDED_ID,
    extended: extended && !error,
    data,
    fd: kind.fd ?? false,
    bitRateSwitch: kind.bitRateSwitch ?? false,
    remote: kind.remote ?? false,
    error,
  };
}

const NO_DIGIT = 0xff;
const DIGITS = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(digit) ? NO_DIGIT : digit;
});

/** Bytes of two hexadecimal digits; dots may separate them. */
function hexBytes(text: string, most: number): Uint8Array | undefined {
  const digits = text.includes('.') ? text.replaceAll(/(?<=^(?:..\.?)*)\./g, '') : text;
  if (digits.length % 2 !== 0 || digits.length > 2 * most) return undefined;
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = DIGITS[digits.charCodeAt(2 * i)] ?? NO_DIGIT;
    const low = DIGITS[digits.charCodeAt(2 * i + 1)] ?? NO_DIGIT;
    if (high === NO_DIGIT || low === NO_DIGIT) return undefined;
    bytes[i] = high * 16 + low;
  }
  return bytes;
}

/** A data frame in the form that cansend takes. */
export function cansendText({ id, extended, data, fd, bitRateSwitch }: CanFrame): string {
  const digits = id
    .toString(16)
    .toUpperCase()
    .padStart(extended ? 8 : 3, '0');
  const mark = fd ? `##${bitRateSwitch ? FD_BRS : 0}` : '#';
  return `${digits}${mark}${Buffer.from(data).toString('hex').toUpperCase()}`;
}
