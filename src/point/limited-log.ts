import type { Clock } from './clock.js';
import type { Log } from './log.js';
import { LogRateLimiter, type LogRateOptions } from './log-rate-limiter.js';

/** Lines with the same message and fields. */
const LINE = { burst: 5, everyMs: 60_000 };
/** Lines that are told apart by their fields. */
const MOST_LINES_APART = 200;
/** Lines with the same message, whatever their fields. */
const MESSAGE = { burst: 20, everyMs: 6_000 };
/** All lines of one link. */
const ALL = { burst: 60, everyMs: 2_000 };

/** Most lines of one link in any minute: {@link ALL} at once, and those that it allows in a minute. */
export const MOST_LINES_A_MINUTE = 60 + 30;

/** After this time without a later line, a line that was left out is logged: it may be the present state. */
const TOLD_AFTER_MS = 60_000;

type Level = 'info' | 'warn' | 'error';

/** Lines that were left out and that no later line has counted in its `leftOut`. */
interface LeftOut {
  count: number;
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly level: Level;
  readonly fields: object;
  readonly message: string;
}

/**
 * A log with a limit of lines, since devices and clients can cause most of them as
 * often as they like. The field `leftOut` of a line says how many like it were left
 * out before. Each child has limits of its own, so that one link takes no lines
 * from another. `debug` has no limit.
 */
export class LimitedLog implements Log {
  readonly #lines: LogRateLimiter;
  readonly #messages: LogRateLimiter;
  readonly #all: LogRateLimiter;

  constructor(
    private readonly log: Log,
    private readonly clock: Clock,
    private readonly options: {
      /** The limits are multiplied by this; 1. Children have those of one link. */
      readonly links?: number;
      /** Messages without a limit here, since their source limits them. */
      readonly passes?: ReadonlySet<string>;
    } = {},
    /** Shared by this log and its children. */
    private readonly leftOut = new Map<LimitedLog, LeftOut>(),
  ) {
    const { links = 1 } = options;
    const times = ({ burst, everyMs }: { burst: number; everyMs: number }): LogRateOptions => ({
      burst: burst * links,
      everyMs: everyMs / links,
    });
    this.#lines = new LogRateLimiter(clock, { ...LINE, most: MOST_LINES_APART * links });
    this.#messages = new LogRateLimiter(clock, times(MESSAGE));
    this.#all = new LogRateLimiter(clock, times(ALL));
  }

  debug(fields: object, message: string): void {
    this.log.debug(fields, message);
  }

  info(fields: object, message: string): void {
    this.#say('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#say('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#say('error', fields, message);
  }

  child(fields: object): Log {
    const options = { ...this.options, links: 1 };
    return new LimitedLog(this.log.child(fields), this.clock, options, this.leftOut);
  }

  /**
   * Logs what this log and its children have left out for a minute without a later
   * line; to be called regularly. `all`: also what was left out since, before the log ends.
   */
  tellLeftOut(all = false): void {
    const nowMs = this.clock.monotonicMs();
    for (const [log, { count, sinceMs, lastMs, level, fields, message }] of this.leftOut) {
      if (!all && nowMs - sinceMs < TOLD_AFTER_MS) continue;
      this.leftOut.delete(log);
      const agoS = Math.round((nowMs - lastMs) / 1_000);
      log.log[level](
        { ...fields, leftOut: count, last: message, agoS },
        `lines like others before them were left out: ${String(count)}; the last of them ${String(agoS)} s ago`,
      );
    }
  }

  #say(level: Level, fields: object, message: string): void {
    if (this.options.passes?.has(message) === true) {
      this.log[level](fields, message);
      return;
    }
    // Messages that differ in numbers only are one.
    const kind = `${level} ${message.replaceAll(/\d+/g, '0')}`;
    // Lines with one message and changing fields must not use up the limit of all.
    let count = 1;
    if (this.#messages.isDue(kind)) {
      count = this.#lines.due(`${level} ${message} ${textOf(fields)}`);
    }
    if (count > 0) count = this.#messages.due(kind, count);
    const all = count > 0 ? this.#all.due('', count) : 0;
    if (all === 0) {
      this.#leaveOut(level, fields, message);
      return;
    }
    this.#toldOf(all - 1);
    this.log[level](all === 1 ? fields : { ...fields, leftOut: all - 1 }, message);
  }

  #leaveOut(level: Level, fields: object, message: string): void {
    const nowMs = this.clock.monotonicMs();
    const { count = 0, sinceMs = nowMs } = this.leftOut.get(this) ?? {};
    this.leftOut.set(this, { count: count + 1, sinceMs, lastMs: nowMs, level, fields, message });
  }

  #toldOf(count: number): void {
    const leftOut = this.leftOut.get(this);
    if (leftOut === undefined) return;
    leftOut.count -= count;
    if (leftOut.count <= 0) this.leftOut.delete(this);
  }
}

function textOf(fields: object): string {
  try {
    return JSON.stringify(fields);
  } catch {
    return '';
  }
}
