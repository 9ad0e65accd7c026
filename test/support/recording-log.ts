import type { Log } from '../../src/point/log.js';

export interface Said {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Those of the line, and of the loggers above it. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A log that adds each line to `said`; `of`: fields that each line has. */
export function recordingLog(said: Said[], of: object = {}): Log {
  const at =
    (level: Said['level']) =>
    (fields: object, message: string): void =>
      void said.push({ level, fields: { ...of, ...fields }, message });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => recordingLog(said, { ...of, ...fields }),
  };
}

/** Messages of levels warn and error. */
export const complaints = (said: readonly Said[]): string[] =>
  said.filter(({ level }) => level === 'warn' || level === 'error').map(({ message }) => message);
