/**
 * Levels of log lines, as firmware writes them:
 *
 * ```
 *  [00:00:01.234,567] <err> motor: stalled     Zephyr: err, wrn, inf, dbg
 *  E: ***** MPU FAULT *****                    Zephyr without times: E, W, I, D
 *  W (1234) wifi: no beacon                    ESP-IDF: E, W, I, D, V
 *  <3>motor stalled                            syslog: the number modulo 8
 *  12.345 [ERROR] motor stalled                words, with or without brackets
 *  ERROR: motor stalled
 * ```
 */

/** From the worst. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** Whether a line of this level is at least as bad as `least`. A line without a level is not. */
export const isAtLeast = (level: LogLevel | undefined, least: LogLevel): boolean =>
  level !== undefined && LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(least);

const BY_LETTER: Readonly<Record<string, LogLevel>> = {
  E: 'error',
  W: 'warn',
  I: 'info',
  D: 'debug',
  V: 'debug',
};

const BY_WORD: Readonly<Record<string, LogLevel>> = {
  emerg: 'error',
  panic: 'error',
  alert: 'error',
  fatal: 'error',
  crit: 'error',
  critical: 'error',
  error: 'error',
  err: 'error',
  warning: 'warn',
  warn: 'warn',
  wrn: 'warn',
  notice: 'info',
  info: 'info',
  inf: 'info',
  debug: 'debug',
  dbg: 'debug',
  trace: 'debug',
  verbose: 'debug',
};

/** By the number of syslog. */
const BY_SEVERITY: readonly LogLevel[] = [
  'error',
  'error',
  'error',
  'error',
  'warn',
  'info',
  'info',
  'debug',
];

// Times may stand before a level. Nothing but their characters is skipped.
const ZEPHYR = /^(?:\[[\d:.,]{1,32}\] ?)?<(err|wrn|inf|dbg)> /;
const LETTER = /^([EWIDV])(?:: | \([\d:.]{1,20}\) )/;
const SYSLOG = /^<(\d{1,3})>/;
const WORD =
  /^[[(]?[\d:., TZ-]{0,40}[\])]? ?(?:([A-Za-z]{3,8}):|[[<(]([A-Za-z]{3,8})[\])>])(?:\s|$)/;

/** The level that a line without escape sequences states; `undefined`: none is recognised. */
export function levelOf(line: string): LogLevel | undefined {
  const letter = LETTER.exec(line)?.[1];
  if (letter !== undefined) return BY_LETTER[letter];
  const zephyr = ZEPHYR.exec(line)?.[1];
  if (zephyr !== undefined) return BY_WORD[zephyr];
  const severity = SYSLOG.exec(line)?.[1];
  if (severity !== undefined) return BY_SEVERITY[Number(severity) % 8];
  const [, before, inside] = WORD.exec(line) ?? [];
  return BY_WORD[(before ?? inside ?? '').toLowerCase()];
}
