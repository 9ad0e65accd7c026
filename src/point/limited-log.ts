import type { Clock } from './clock.js';
import type { Log } from './log.js';
import { LogRateLimiter, type LogRateOptions } from './log-rate-limiter.js';

/** The very same line, as where a plug is loose. */
const LINE = { burst: 5, everyMs: 60_000 };
const MOST_LINES_APART = 200;
/** Lines of one message, whatever they are about. */
const MESSAGE = { burst: 20, everyMs: 6_000 };
/** All lines of one link. */
const ALL = { burst: 60, everyMs: 2_000 };

/** So many lines come from one log in any minute, at most. */
export const MOST_LINES_A_MINUTE = 60 + 30;

/**
 * A log that nobody can flood: a device and a client can cause most lines as often
 * as they like. What is left out is counted in `leftOut` of the next line of its
 * kind. Each child has a limit of its own, so that one link takes no lines from
 * another.
 */
/** A line that was left out, and that no other line has replaced for so long, is logged alone: it may say how things are now. */
const TOLD_AFTER_MS = 60_000;

type Level = 'info' | 'warn' | 'error';

/** Lines that were left out, and not told of in a later one of their kind. */
interface LeftOut {
  count: number;
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly level: Level;
  readonly fields: object;
  readonly message: string;
}

export class LimitedLog implements Log {
  readonly #lines: LogRateLimiter;
  readonly #messages: LogRateLimiter;
  readonly #all: LogRateLimiter;

  constructor(
    private readonly log: Log,
    private readonly clock: Clock,
    private readonly options: {
      /** Times as many lines, for a log of several links; its children are of one each. */
      readonly links?: number;
      /** Messages that are limited where they arise. */
      readonly passes?: ReadonlySet<string>;
    } = {},
    /** Of this log and its children. */
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

  /** Nobody reads these unless he looks for something, and then all of them. */
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
   * Tells what was left out of this log and its children a minute ago, if no later
   * line has: to be called now and then. `all`: the newest too, since the end has come.
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
    // A number in a message makes no other message of it.
    const kind = `${level} ${message.replaceAll(/\d+/g, '0')}`;
    // Lines of one message, each about something else, must not be all that is known.
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
