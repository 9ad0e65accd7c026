/**
 * Panic dumps in a stream of log lines: what ESP-IDF and Zephyr print when firmware
 * crashes. Most lines of a dump have no level of their own.
 *
 * ```
 *  Guru Meditation Error: Core  0 panic'ed (LoadProhibited). …     ESP-IDF
 *  Core  0 register dump:
 *  PC      : 0x400d1234  PS      : 0x00060030 …
 *  Backtrace: 0x400d1231:0x3ffb4f50 …
 *  Rebooting...
 *
 *  [00:00:12.345,678] <err> os: ***** MPU FAULT *****              Zephyr
 *  [00:00:12.345,690] <err> os: r0/a1:  0x00000000  r1/a2: …
 *  [00:00:12.345,700] <err> os: >>> ZEPHYR FATAL ERROR 19: …
 * ```
 */
import { saysStart } from '../../packet/shell/banner.js';
import type { LogLevel } from './log-level.js';

/** Begins a dump. */
const BEGINS =
  /Guru Meditation Error|panic'ed|\*{3} [^*]{0,60}FAULT \*{3}|ZEPHYR FATAL ERROR|abort\(\) was called|assert failed:|ASSERTION FAIL|Stack smashing protect failure|Unhandled debug exception|stack overflow in task|Kernel panic/;

/** Ends a dump: the device restarts, or goes on. */
const ENDS = /^Rebooting\.\.\.|^rst:0x|^ets [A-Z][a-z]{2} |Halting system/;

/** Lines of the longest dump: a stack of 4 KiB has 256. */
const LONGEST_DUMP = 1_000;
/** A line that comes later is not of the dump, ms. */
const APART_MS = 5_000;

/** Follows the lines of one device. */
export class PanicDumps {
  /** Lines that may still be of the dump; 0: there is none. */
  #left = 0;
  #lastMs = 0;
  #headline: string | undefined;

  /** First line of a dump of the last `ms`; `undefined`: there was none since {@link forget}. */
  within(ms: number, nowMs: number): string | undefined {
    return nowMs - this.#lastMs <= ms ? this.#headline : undefined;
  }

  forget(): void {
    this.#headline = undefined;
  }

  /**
   * The level of a line, in order. `own`: that it states itself; `atMs`: monotonic.
   * Lines of a dump are errors.
   */
  levelOf(line: string, own: LogLevel | undefined, atMs: number): LogLevel | undefined {
    if (BEGINS.test(line)) {
      if (this.#left === 0 || atMs - this.#lastMs > APART_MS) this.#headline = line;
      this.#left = LONGEST_DUMP;
      this.#lastMs = atMs;
      return 'error';
    }
    if (this.#left === 0) return own;
    const isOver = atMs - this.#lastMs > APART_MS || (own !== undefined && own !== 'error');
    if (isOver || ENDS.test(line) || saysStart(line)) {
      this.#left = 0;
      return isOver ? own : 'error';
    }
    this.#left -= 1;
    this.#lastMs = atMs;
    return 'error';
  }
}
