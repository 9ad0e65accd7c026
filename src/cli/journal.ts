/** Lines for systemd's journal, when it reads what this program writes to stderr. */
import { fstatSync } from 'node:fs';

/** sd-daemon(3): what a line begins with, by level of the log. */
const PRIORITIES = { error: 3, warn: 4, info: 6, debug: 7 } as const;
const STDERR = 2;

/**
 * Whether the journal reads stderr: JOURNAL_STREAM is its device and inode in decimal. A
 * child inherits the variable, also where its stderr leads elsewhere (systemd.exec(5)).
 */
export function isJournal(): boolean {
  const stream = process.env['JOURNAL_STREAM'];
  if (stream === undefined || stream === '') return false;
  try {
    const { dev, ino } = fstatSync(STDERR, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false; // stderr is closed
  }
}

/** The lines of a message, each with its priority, since the journal takes each line for an entry of its own. */
export function journalText(level: string, lines: readonly string[]): string {
  const priority = Object.hasOwn(PRIORITIES, level)
    ? PRIORITIES[level as keyof typeof PRIORITIES]
    : PRIORITIES.info;
  return lines.map((line) => `<${priority}>${line}\n`).join('');
}
