/** The daemon's log on stderr: lines for people or for systemd's journal, or JSON for programs. */
import pino from 'pino';
import type { Log } from '../point/log.js';
import { harmless } from './harmless.js';
import { journalText } from './journal.js';

type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** Lines for people, lines for systemd's journal, or a line of JSON for each message. */
export type LogFormat = 'text' | 'journal' | 'json';

/** A log whose level can be changed while it is used. */
export interface Logger extends Log {
  /** Least level that is written, of this log and of all its children. */
  setLevel(level: LogLevel): void;
}

const STDERR = 2;

/** A log on stderr. It writes synchronously, so that no line is lost when the process ends. */
export function createLogger(level: LogLevel, format: LogFormat): Logger {
  let least = pino.levels.values[level] ?? 0;
  const stderr = pino.destination({ fd: STDERR, sync: true });
  const root = pino(
    {
      level: 'debug',
      // No process ID and no host name: the journal or other collector adds them.
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: {
        logMethod(args, method, number) {
          if (number >= least) method.apply(this, args);
        },
      },
    },
    format === 'json'
      ? stderr
      : { write: (line: string) => stderr.write(TEXTS[format](JSON.parse(line) as object)) },
  );
  return Object.assign(root as Log, {
    setLevel: (name: LogLevel) => {
      least = pino.levels.values[name] ?? 0;
    },
  });
}

const TEXTS = { text: textLine, journal: journalEntry };

/** `2026-01-31 12:34:56.789 warn  pump: message (key=value, …)`, in local time. */
export function textLine(entry: object): string {
  const { level, time, msg, whose, details } = partsOf(entry);
  const local = new Date(String(time));
  const shifted = new Date(local.getTime() - local.getTimezoneOffset() * 60_000);
  const stamp = shifted.toISOString().slice(0, 23).replace('T', ' ');
  return `${stamp} ${level.padEnd(5)} ${whose}${harmless(msg)}${details}\n`;
}

/**
 * `<4>pump: message (key=value, …)`: the journal adds the time, and has levels of its own. Further
 * lines of the message are set in: what a device says cannot pass for a message of the gateway.
 */
export function journalEntry(entry: object): string {
  const { level, msg, whose, details } = partsOf(entry);
  const lines = msg
    .trimEnd()
    .split(/\r?\n/)
    .map((line, index) => `${whose}${index === 0 ? '' : '  '}${harmless(line)}`);
  return journalText(level, [...lines.slice(0, -1), `${lines.at(-1) ?? ''}${details}`]);
}

/** A log entry for people. `whose` and `details` are harmless on a terminal. */
function partsOf(entry: object) {
  const { level, time, msg, link, ...fields } = entry as Record<string, unknown>;
  const details = Object.entries(fields).map(([key, value]) => `${key}=${shown(value)}`);
  return {
    level: String(level),
    time,
    msg: String(msg),
    whose: link === undefined ? '' : `${shown(link)}: `,
    details: details.length === 0 ? '' : ` (${details.join(', ')})`,
  };
}

function shown(value: unknown): string {
  return harmless(typeof value === 'string' ? value : JSON.stringify(value));
}
