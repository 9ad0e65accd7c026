import type { Log } from '../../src/point/log.js';

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
  const end = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > end) {
      throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}
