/**
 * What a link takes of the gateway's time for input, in windows of a quarter of a second:
 * whether it is quiet, and whether it is limited. Times are ms of the monotonic clock.
 */

/** Hears when a link begins and ends to be limited. */
export interface InputLimitListener {
  /**
   * For the sake of a quiet link its input has been held back for a second, or has not
   * been for half a minute.
   */
  inputLimited(limited: boolean): void;
}

/** What is used of a window. */
export interface InputUse {
  readonly bytes: number;
  readonly ms: number;
}

/**
 * A link is quiet that is heard with at most this part of the bytes of the busiest link,
 * and takes at most this part of the busiest one's time. Where bytes cost more time on one
 * link than on another, few of them may still be a flood.
 */
const QUIET_BYTES = 0.25;
const QUIET_TIME = 0.5;
/** So little of all time is never too much. */
const QUIET_TIME_OF_ALL = 0.01;
/** So many windows in a row, of those in which it was heard. */
const QUIET_WINDOWS = 3;

/** A link that was silent for so many of its usual intervals is not expected any more. */
const EXPECTED_INTERVALS = 3;
/** Bounds of that time, ms. */
const EXPECTED_LEAST_MS = 1_000;
const EXPECTED_LONGEST_MS = 60_000;

/** A link whose input was held back for this part of a window wants more than it gets. */
const HELD_FROM = 0.5;
/** After so many windows of that kind in a row it is limited. */
const LIMITED_AFTER = 4;
/** After so many windows of the other kind it is no longer. */
const CALM_WINDOWS = 120;

/** The use of one link. */
export class InputLoad {
  /** When the link was heard last. */
  heardMs = Number.NEGATIVE_INFINITY;

  // This window.
  #heard = false;
  #bytes = 0;
  #usedMs = 0;
  #steps = 0;
  #heldMs = 0;
  #heldFromMs: number | undefined;

  // The windows before it.
  #stepsBefore = 0;
  #quietWindows = 0;
  #heardWindowMs = Number.NEGATIVE_INFINITY;
  #intervalMs = 0;
  #heldWindows = 0;
  #calmWindows = 0;
  #limited = false;

  constructor(private readonly listener: InputLimitListener) {}

  /** In this window. */
  get used(): InputUse {
    return { bytes: this.#bytes, ms: this.#usedMs };
  }

  /** It wanted more than it got in the last window, or is limited. */
  get wantsMore(): boolean {
    return this.#limited || this.#heldWindows > 0;
  }

  /** Points of its longest packet of late. */
  get steps(): number {
    return Math.max(this.#steps, this.#stepsBefore);
  }

  /** The link is heard. */
  hear(nowMs: number): void {
    this.#heard = true;
    this.heardMs = nowMs;
  }

  /** So much of its input was worked on; `steps`: points of the longest packet. */
  use(bytes: number, ms: number, steps: number): void {
    this.#bytes += bytes;
    this.#usedMs += ms;
    if (steps > this.#steps) this.#steps = steps;
  }

  /** Its input waits for the sake of a quiet link from now on. */
  hold(nowMs: number): void {
    this.#heldFromMs = nowMs;
  }

  /** Its input is served, or of no use any more. */
  release(nowMs: number): void {
    if (this.#heldFromMs === undefined) return;
    this.#heldMs += nowMs - this.#heldFromMs;
    this.#heldFromMs = undefined;
  }

  /** Its device is gone. */
  forget(): void {
    this.heardMs = Number.NEGATIVE_INFINITY;
    this.#heard = false;
    this.#quietWindows = 0;
  }

  /** It says little, and is expected to say something: beside a flood it would suffer. */
  isQuiet(nowMs: number): boolean {
    if (this.#quietWindows < QUIET_WINDOWS || this.wantsMore) return false;
    const expectedMs = Math.max(EXPECTED_INTERVALS * this.#intervalMs, EXPECTED_LEAST_MS);
    return nowMs - this.heardMs <= Math.min(expectedMs, EXPECTED_LONGEST_MS);
  }

  /**
   * `most`: of any link in this window, which had this length. `held`: of those that are
   * held, which take less than they would: a quiet link may take as much.
   */
  endWindow(nowMs: number, lengthMs: number, most: InputUse, held: boolean): void {
    if (this.#heldFromMs !== undefined) {
      this.release(nowMs);
      this.hold(nowMs);
    }
    if (this.#heard) this.#judgeUse(nowMs, lengthMs, most, held && this.isQuiet(nowMs));
    this.#judgeHeld(this.#heldMs >= lengthMs * HELD_FROM);
    this.#heard = false;
    this.#bytes = 0;
    this.#usedMs = 0;
    this.#heldMs = 0;
  }

  #judgeUse(nowMs: number, lengthMs: number, most: InputUse, lenient: boolean): void {
    const littleBytes = most.bytes * (lenient ? 1 : QUIET_BYTES);
    const littleMs = Math.max(most.ms * (lenient ? 1 : QUIET_TIME), lengthMs * QUIET_TIME_OF_ALL);
    const little = this.#bytes <= littleBytes && this.#usedMs <= littleMs;
    this.#quietWindows = little ? this.#quietWindows + 1 : 0;
    this.#stepsBefore = this.#steps;
    this.#steps = 0;
    const intervalMs = nowMs - this.#heardWindowMs;
    this.#heardWindowMs = nowMs;
    // The longest of late: packets that come in bursts do not make it short. A pause ends it.
    this.#intervalMs =
      intervalMs > EXPECTED_LONGEST_MS ? 0 : Math.max(intervalMs, this.#intervalMs / 2);
  }

  #judgeHeld(held: boolean): void {
    if (held) {
      this.#calmWindows = 0;
      this.#heldWindows += 1;
      if (!this.#limited && this.#heldWindows >= LIMITED_AFTER) this.#change(true);
      return;
    }
    this.#heldWindows = 0;
    if (this.#limited && ++this.#calmWindows >= CALM_WINDOWS) this.#change(false);
  }

  #change(limited: boolean): void {
    this.#limited = limited;
    this.#calmWindows = 0;
    this.listener.inputLimited(limited);
  }
}
