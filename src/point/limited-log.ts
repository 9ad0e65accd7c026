import type { Clock } from './clock.js';
import type { Log } from './log.js';
import { Occasional, type OccasionalOptions } from './occasional.js';

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
export class LimitedLog implements Log {
  readonly #lines: Occasional;
  readonly #messages: Occasional;
  readonly #all: Occasional;

  constructor(
    private readonly log: Log,
    private readonly clock: Clock,
    private readonly options: {
      /** Times as many lines, for a log of several links; its children are of one each. */
      readonly links?: number;
      /** Messages that are limited where they arise. */
      readonly passes?: ReadonlySet<string>;
    } = {},
  ) {
    const { links = 1 } = options;
    const times = ({ burst, everyMs }: { burst: number; everyMs: number }): OccasionalOptions => ({
      burst: burst * links,
      everyMs: everyMs / links,
    });
    this.#lines = new Occasional(clock, { ...LINE, most: MOST_LINES_APART * links });
    this.#messages = new Occasional(clock, times(MESSAGE));
    this.#all = new Occasional(clock, times(ALL));
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
    return new LimitedLog(this.log.child(fields), this.clock, { ...this.options, links: 1 });
  }

  #say(level: 'info' | 'warn' | 'error', fields: object, message: string): void {
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
      if (count === 0) return;
    }
    count = this.#messages.due(kind, count);
    if (count === 0) return;
    const all = this.#all.due('', count);
    if (all === 0) return;
    this.log[level](all === 1 ? fields : { ...fields, leftOut: all - 1 }, message);
  }
}

function textOf(fields: object): string {
  try {
    return JSON.stringify(fields);
  } catch {
    return '';
  }
}
