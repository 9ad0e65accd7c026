/** Log lines of devices as `siot-mcu logs` prints them. */
import type { LogEntry, RestartEntry } from '../gateway/control/control.js';
import { harmless } from './harmless.js';
import { localTime } from './watch-lines.js';

const COLOURS: Readonly<Record<string, string>> = {
  error: '\x1b[31m',
  warn: '\x1b[33m',
  debug: '\x1b[2m',
};
const PLAIN = '\x1b[0m';
const LEVEL_WIDTH = 5;

/** A line for people: time, level and text. */
export function logText({ time, level, text }: LogEntry, isColoured: boolean): string {
  const line = `${localTime(BigInt(time))} ${(level ?? '').padEnd(LEVEL_WIDTH)} ${harmless(text.replaceAll('\t', '    '))}`;
  const colour = isColoured ? COLOURS[level ?? ''] : undefined;
  return colour === undefined ? line : `${colour}${line}${PLAIN}`;
}

export const logJson = ({ time, level, text }: LogEntry): string =>
  JSON.stringify({ time, level, text });

export const lostText = (lines: number): string =>
  `-- ${lines} line${lines === 1 ? ' was' : 's were'} lost here: they came faster than they were read`;

export const lostJson = (lost: number): string => JSON.stringify({ lost });

/** A restart for people: why, and the file. */
export const restartText = ({ time, why, path }: RestartEntry): string =>
  `${localTime(BigInt(time))} ${harmless(why)}\n    ${harmless(path)}`;
