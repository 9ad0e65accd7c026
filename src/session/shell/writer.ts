/**
 * Writes lines to a console, one after the other with a pause: it has little room for
 * what is typed while it works on the line before (docs/siot.md, 3.3).
 */
import { lineOf } from '../../framing/text-lines.js';
import type { Clock, Timer } from '../../point/clock.js';
import type { SessionChannel } from '../device-session.js';
import type { Counters } from '../node/counters.js';
import type { RecentTraffic } from '../node/recent-traffic.js';

/** Pause after each line, ms. */
const PAUSE_MS = 20;
/** A line that a console echoes comes back within this time, ms. */
const ECHO_WITHIN_MS = 2_000;
/** Lines that are remembered, to recognise them when they come back. */
const MOST_ECHOES = 64;

/** The next line, or until when there is none (monotonic ms); `undefined`: none waits. */
type NextLine = string | { readonly untilMs: number } | undefined;

/** Who has lines to write, after those of the writer itself. */
export interface LineSource {
  /** Called when a line can be written: what it returns is written at once. */
  next(nowMs: number): NextLine;
}

/** The lines to one console, over all openings of its channel. */
export class LineWriter {
  #lines: string[] = [];
  #timer: Timer | undefined;
  #freeMs = Number.NEGATIVE_INFINITY;
  #open = false;
  /** {@link hold} has set {@link #freeMs}. */
  #isHeld = false;
  readonly #echoes: { readonly line: string; readonly untilMs: number }[] = [];

  constructor(
    private readonly source: LineSource,
    private readonly channel: SessionChannel<Uint8Array>,
    private readonly clock: Clock,
    private readonly counters: Counters,
    private readonly recent: Pick<RecentTraffic, 'add'>,
    /** Time of a byte on the line, ms; 0: not known. */
    private readonly byteMs: number,
  ) {}

  opened(): void {
    this.#open = true;
    this.#isHeld = false;
    this.#freeMs = Number.NEGATIVE_INFINITY;
  }

  closed(): void {
    this.#open = false;
    this.#timer?.cancel();
    this.#lines = [];
    this.#echoes.length = 0;
  }

  /** Writes these lines before all others, in place of those that wait. */
  begin(lines: readonly string[]): void {
    this.#lines = [...lines];
    this.pump();
  }

  /** Writes a line before those of the source, unless it waits already. */
  add(line: string): void {
    if (!this.#lines.includes(line)) this.#lines.push(line);
    this.pump();
  }

  /** The console does not listen yet, and nothing was written since that was said. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** The console does not listen yet: nothing is written for so long, ms, or until {@link ready}. */
  hold(ms: number): void {
    this.#isHeld = true;
    this.#freeMs = Math.max(this.#freeMs, this.clock.monotonicMs() + ms);
  }

  /** The console waits for a command. */
  ready(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#freeMs = this.clock.monotonicMs() + PAUSE_MS;
    this.pump();
  }

  /** There may be a line to write. */
  pump(): void {
    if (!this.#open) return;
    const nowMs = this.clock.monotonicMs();
    if (nowMs < this.#freeMs) {
      this.#wait(this.#freeMs - nowMs);
      return;
    }
    if (this.channel.congested) {
      this.#wait(PAUSE_MS);
      return;
    }
    const line = this.#lines.shift() ?? this.source.next(nowMs);
    if (typeof line === 'string') this.#write(line, nowMs);
    else if (line !== undefined) this.#wait(line.untilMs - nowMs);
  }

  /** Whether a line that has come is one of ours, which the console, or the line, has returned. */
  isEcho(line: string): boolean {
    const nowMs = this.clock.monotonicMs();
    while ((this.#echoes[0]?.untilMs ?? Infinity) < nowMs) this.#echoes.shift();
    const at = this.#echoes.findIndex((sent) => sent.line === line);
    if (at < 0) return false;
    this.#echoes.splice(0, at + 1);
    return true;
  }

  #write(line: string, nowMs: number): void {
    this.#isHeld = false;
    const bytes = lineOf(line);
    const lineMs = PAUSE_MS + bytes.length * this.byteMs;
    this.#freeMs = nowMs + lineMs;
    if (line !== '') {
      if (this.#echoes.length >= MOST_ECHOES) this.#echoes.shift();
      this.#echoes.push({ line, untilMs: this.#freeMs + ECHO_WITHIN_MS });
    }
    this.counters.tx += 1;
    this.recent.add('down', Buffer.from(line));
    this.channel.write(bytes);
    this.#wait(lineMs);
  }

  #wait(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.clock.setTimer(Math.max(0, ms), () => this.pump());
  }
}
