/** The newest log lines of a device, in memory. */
import type { Clock } from '../../point/clock.js';
import { isAtLeast, levelOf, type LogLevel } from './log-level.js';
import { logLines } from './log-text.js';
import { PanicDumps } from './panic-dump.js';

/** A log line of a device. */
export interface LogLine {
  /** When the gateway received it, ns since 1970, UTC. */
  readonly ns: bigint;
  /** As far as it is recognised. */
  readonly level: LogLevel | undefined;
  /** Without colours and line ends. */
  readonly text: string;
}

/** Characters of all lines together, and what each line takes besides. */
const MOST_CHARACTERS = 1_048_576;
const LINE_CHARACTERS = 64;

/** Which lines of a ring are read. */
export interface LogSelection {
  /** The place of the first, as {@link LogRing.read} returned it; absent: the oldest. */
  readonly from?: number | undefined;
  /** Not older than this, ns since 1970, UTC. */
  readonly sinceNs?: bigint | undefined;
  /** At least as bad; lines whose level is not known are left out then. */
  readonly level?: LogLevel | undefined;
}

/** A line and its place, which counts from the first line that the ring ever had. */
export interface PlacedLine {
  readonly place: number;
  readonly line: LogLine;
}

/** Lines from a ring. */
export interface LogLines {
  readonly lines: readonly PlacedLine[];
  /** The place behind what was read: where to go on. */
  readonly next: number;
  /** Lines from `from` on that the ring had no room for any more. */
  readonly lost: number;
}

/** A ring of lines, limited in number and in characters. */
export class LogRing {
  /** Told apart from the rings of other processes. */
  readonly id: string;
  /** From {@link #from} on; what is before it is removed now and then. */
  #lines: LogLine[] = [];
  #from = 0;
  /** Of the line at {@link #from}. */
  #place = 0;
  #characters = 0;
  readonly #dumps = new PanicDumps();

  /** `most`: lines, 0 or more; a function, since another configuration may change it. */
  constructor(
    private readonly most: () => number,
    private readonly clock: Clock,
  ) {
    this.id = String(clock.wallNs());
  }

  get length(): number {
    return this.#lines.length - this.#from;
  }

  /** The place of the next line. */
  get next(): number {
    return this.#place + this.length;
  }

  /** First line of the panic dump that ended within so many ms; `undefined`: there was none, or {@link forgetDump} was called since. */
  dumpWithin(ms: number): string | undefined {
    return this.#dumps.within(ms, this.clock.monotonicMs());
  }

  forgetDump(): void {
    this.#dumps.forget();
  }

  /** Lines from before the gateway's start, before any other. */
  restore(lines: readonly LogLine[]): void {
    for (const line of lines) this.#push(line);
  }

  /** The device has written this: a line, or several. */
  add(text: string): void {
    const ns = this.clock.wallNs();
    const ms = this.clock.monotonicMs();
    for (const line of logLines(text)) {
      this.#push({ ns, level: this.#dumps.levelOf(line, levelOf(line), ms), text: line });
    }
  }

  /** At most `most` of the selected lines, the oldest first. */
  read({ from, sinceNs, level }: LogSelection, most: number): LogLines {
    const begin = Math.min(Math.max(from ?? 0, this.#place), this.next);
    const lines: PlacedLine[] = [];
    let next = begin;
    for (; next < this.next && lines.length < most; next++) {
      const line = this.#lines[next - this.#place + this.#from];
      if (line === undefined) break;
      if (sinceNs !== undefined && line.ns < sinceNs) continue;
      if (level === undefined || isAtLeast(line.level, level)) lines.push({ place: next, line });
    }
    return { lines, next, lost: from === undefined ? 0 : Math.max(0, begin - from) };
  }

  /** The newest, at most so many lines and characters; the oldest of them first. */
  newest(most: number, characters: number): LogLine[] {
    let at = this.#lines.length;
    for (let left = characters; at > this.#from && this.#lines.length - at < most; at--) {
      left -= this.#lines[at - 1]?.text.length ?? 0;
      if (left < 0) break;
    }
    return this.#lines.slice(at);
  }

  #push(line: LogLine): void {
    this.#lines.push(line);
    this.#characters += line.text.length + LINE_CHARACTERS;
    while (this.length > this.most() || this.#characters > MOST_CHARACTERS) this.#drop();
    // Not each time: it costs as much as there are lines.
    if (this.#from > this.length) {
      this.#lines = this.#lines.slice(this.#from);
      this.#from = 0;
    }
  }

  #drop(): void {
    this.#characters -= (this.#lines[this.#from]?.text.length ?? 0) + LINE_CHARACTERS;
    this.#from += 1;
    this.#place += 1;
  }
}
