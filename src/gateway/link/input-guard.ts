/**
 * Holds links back that keep the event loop busy while a quiet link is there.
 *
 * Links that all want more than there is time for share it in turns: none of them waits
 * for another's excess. A quiet link would wait for all of them, several times: its input
 * is read, its points are confirmed, its acknowledgement is written, each in another turn
 * of the loop. And the system delays a process that is never idle. So while a quiet link
 * would wait too long the loop is kept idle half of the time: the input of the others is
 * held, and served in turn, a little at a time.
 *
 * ```
 *  long waits, for a second, beside a quiet link ──► protecting ──► no quiet link is
 *                                                       │           there, or no link
 *                             ┌─────────────────────────┘           wants more
 *   input of links that are not quiet ─► held ─► a turn ─► pause until the loop was
 *                                          ▲                idle as long as active
 *                                          └───────────────────────┘
 * ```
 */
import type { Clock, Timer } from '../../point/clock.js';
import type { InputLoad, InputUse } from './input-load.js';

/** The event loop, as far as links share it. */
export interface EventLoop {
  /** Calls a function when the loop has looked for input once more. */
  nextTurn(then: () => void): void;
  /** ms since the start in which the loop has not waited for events. */
  activeMs(): number;
}

/** Input of a link that can be held, whatever its units are. */
export interface HoldableInput {
  readonly load: InputLoad;
  /** Works on it for so long, at least on one piece. */
  serve(forMs: number): void;
  /** It waits as others do. */
  goOn(): void;
}

/** How long others may wait for a link on average, ms. */
export const AVERAGE_WAIT_MS = 0.15;

/** Length of a window, ms. */
const WINDOW_MS = 250;
/** The loop is never idle when it was active for this part of a window. */
const NEVER_IDLE_FROM = 0.95;
/** Long waits count only from this part: else the machine was busy with something else. */
const ACTIVE_FROM = 0.5;
/** After so many windows with long waits in a row a quiet link is protected. */
const LONG_WAIT_WINDOWS = 4;

/** Work for held input before the next pause, with all that follows from it, ms: this is aimed at. */
const STRETCH_MS = 1;
/** Bounds of the time in which input is read for that, ms. */
const READ_LEAST_MS = 0.1;
const READ_LONGEST_MS = 0.4;
/** Bounds of a pause, ms: with other work the loop may never be idle. */
const PAUSE_LEAST_MS = 1;
const PAUSE_LONGEST_MS = 4;

/** Protects the quiet ones of all links. */
export class InputGuard {
  /** In the order in which they are served. */
  readonly #held = new Set<HoldableInput>();
  #protecting = false;
  #pause: Timer | undefined;
  #readMs = READ_LEAST_MS;
  #servedMs = 0;
  #activeWhenServedMs = 0;

  #window: Timer | undefined;
  #windowFromMs = 0;
  #activeFromMs = 0;
  #turnActiveMs = 0;
  /** Over all times of this window, how long input waits that comes then: ms². */
  #waits = 0;
  #longWaitWindows = 0;
  #quiet = false;

  constructor(
    private readonly clock: Clock,
    private readonly loop: EventLoop,
    private readonly inputs: ReadonlySet<HoldableInput>,
  ) {}

  /** Input has come: there are windows for as long as it does. */
  hear(nowMs: number): void {
    if (this.#window === undefined) this.#beginWindow(nowMs);
  }

  /** The loop has looked for input. */
  turn(): void {
    if (!this.#quiet) return;
    const activeMs = this.loop.activeMs();
    const tookMs = activeMs - this.#turnActiveMs;
    this.#turnActiveMs = activeMs;
    this.#waits += (tookMs * tookMs) / 2;
  }

  /** Whether this input has to wait for the sake of a quiet link. */
  holds({ load }: HoldableInput, nowMs: number): boolean {
    return this.#protecting && !load.isQuiet(nowMs);
  }

  hold(input: HoldableInput, nowMs: number): void {
    input.load.hold(nowMs);
    this.#held.add(input);
    this.#pauseFor(PAUSE_LEAST_MS);
  }

  /** It does not wait here any more. */
  forget(input: HoldableInput, nowMs: number): void {
    input.load.release(nowMs);
    this.#held.delete(input);
  }

  /** A link is gone for good. */
  left(): void {
    if (this.inputs.size > 0) return;
    this.#window?.cancel();
    this.#window = undefined;
    this.#longWaitWindows = 0;
    this.#quiet = false;
    this.#protect(false);
  }

  #pauseFor(ms: number): void {
    this.#pause ??= this.clock.setTimer(Math.max(ms, PAUSE_LEAST_MS), () => {
      this.#pause = undefined;
      this.#serveOrPause();
    });
  }

  #serveOrPause(): void {
    const fromMs = this.clock.monotonicMs();
    const totalMs = this.loop.activeMs();
    const sinceMs = fromMs - this.#servedMs;
    const activeMs = totalMs - this.#activeWhenServedMs;
    const missingMs = Math.min(2 * activeMs, PAUSE_LONGEST_MS) - sinceMs;
    if (missingMs > 0) {
      this.#pauseFor(missingMs);
      return;
    }
    this.#servedMs = fromMs;
    this.#activeWhenServedMs = totalMs;
    this.#adapt(activeMs);
    let nowMs = fromMs;
    for (const input of this.#held) {
      this.forget(input, nowMs);
      input.serve(this.#readMs);
      nowMs = this.clock.monotonicMs();
      if (nowMs - fromMs >= this.#readMs) break;
    }
    if (this.#held.size > 0) this.#pauseFor(PAUSE_LEAST_MS);
  }

  /** What was read last has made the loop active for this time. */
  #adapt(activeMs: number): void {
    const aimedMs = this.#readMs * (STRETCH_MS / Math.max(activeMs, STRETCH_MS / 4));
    const readMs = (this.#readMs + aimedMs) / 2;
    this.#readMs = Math.min(Math.max(readMs, READ_LEAST_MS), READ_LONGEST_MS);
  }

  #beginWindow(nowMs: number): void {
    this.#windowFromMs = nowMs;
    this.#activeFromMs = this.loop.activeMs();
    this.#turnActiveMs = this.#activeFromMs;
    this.#waits = 0;
    this.#window = this.clock.setTimer(WINDOW_MS, () => this.#endWindow());
  }

  #endWindow(): void {
    this.#window = undefined;
    const nowMs = this.clock.monotonicMs();
    const lengthMs = nowMs - this.#windowFromMs;
    const activeMs = this.loop.activeMs() - this.#activeFromMs;
    const longWaits =
      activeMs >= lengthMs * NEVER_IDLE_FROM ||
      (activeMs >= lengthMs * ACTIVE_FROM && this.#waits >= lengthMs * AVERAGE_WAIT_MS);
    const most = this.#most(nowMs);
    this.#quiet = false;
    let wantsMore = false;
    for (const { load } of this.inputs) {
      load.endWindow(nowMs, lengthMs, most, this.#protecting);
      this.#quiet ||= load.isQuiet(nowMs);
      wantsMore ||= load.wantsMore;
    }
    this.#longWaitWindows = this.#quiet && longWaits ? this.#longWaitWindows + 1 : 0;
    this.#protect(this.#quiet && (wantsMore || this.#longWaitWindows >= LONG_WAIT_WINDOWS));
    if (wantsMore || this.#protecting || most.bytes > 0) this.#beginWindow(nowMs);
  }

  /** What one link took at most in this window; of those that are held, if any are. */
  #most(nowMs: number): InputUse {
    let bytes = 0;
    let ms = 0;
    for (const { load } of this.inputs) {
      if (this.#protecting && load.isQuiet(nowMs)) continue;
      bytes = Math.max(bytes, load.used.bytes);
      ms = Math.max(ms, load.used.ms);
    }
    return { bytes, ms };
  }

  #protect(protecting: boolean): void {
    if (protecting === this.#protecting) return;
    this.#protecting = protecting;
    if (protecting) return;
    this.#pause?.cancel();
    this.#pause = undefined;
    const nowMs = this.clock.monotonicMs();
    for (const input of [...this.#held]) {
      this.forget(input, nowMs);
      input.goOn();
    }
  }
}
