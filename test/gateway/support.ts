import type { Log } from '../../src/point/log.js';
import { PATIENCE } from '../support/patience.js';

export interface Said {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A log that keeps what is said, with the fields of its parents. */
export function recordingLog(said: Said[], of: object = {}): Log {
  const say =
    (level: Said['level']) =>
    (fields: object, message: string): void =>
      void said.push({ level, fields: { ...of, ...fields }, message });
  return {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    child: (fields) => recordingLog(said, { ...of, ...fields }),
  };
}

/** Messages at warn and error. */
export const complaints = (said: readonly Said[]): string[] =>
  said.filter(({ level }) => level === 'warn' || level === 'error').map(({ message }) => message);

/** Lets promise continuations run that need no more than the processor. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Resolves when the condition holds; it is looked at again and again. */
export async function until(
  holds: () => boolean,
  what: string | (() => string),
  withinMs = 10_000,
): Promise<void> {
  const end = performance.now() + withinMs * PATIENCE;
  while (!holds()) {
    if (performance.now() > end) {
      throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

/** What a link's file says, the last line of each counting. */
export function linesOf(file: Uint8Array): {
  session: Record<string, unknown>;
  judge: Record<string, unknown>;
  settings: Record<string, unknown>[];
} {
  const settings = new Map<string, Record<string, unknown>>();
  let head: Record<string, Record<string, unknown>> = {};
  for (const line of Buffer.from(file).toString('utf8').split('\n')) {
    if (line === '') continue;
    const entry = JSON.parse(line.slice(5)) as Record<string, unknown>;
    if (entry.of === 'link') head = entry as typeof head;
    else settings.set(`${String(entry.type)} ${String(entry.key)}`, entry);
  }
  return {
    session: head.session ?? {},
    judge: head.judge ?? {},
    settings: [...settings.values()],
  };
}
