/**
 * Log lines of a device. A few are for people; thousands a second would fill
 * the gateway's log and SIOT's disk with the point `log`, and take others' time.
 */
import type { Clock, Timer } from '../../point/clock.js';

/** As many lines as a device may say at its start. */
const BURST_LINES = 100;
/** From then on a line in so many ms. */
const LINE_EVERY_MS = 100;

/** The message of each; the fields have the device's words. How many come is limited here. */
export const DEVICE_SAYS = 'the device says';

export class DeviceLog {
  /** When the last line allowed so far would be due, in ms of the monotonic clock. */
  #paidMs = Number.NEGATIVE_INFINITY;
  #last: string | undefined;
  #timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    /** Logs and publishes a line. */
    private readonly say: (text: string) => void,
    /** A line was left out. */
    private readonly leftOut: () => void,
  ) {}

  line(text: string): void {
    const nowMs = this.clock.monotonicMs();
    const paidMs = Math.max(this.#paidMs, nowMs - BURST_LINES * LINE_EVERY_MS) + LINE_EVERY_MS;
    if (paidMs <= nowMs) {
      this.#paidMs = paidMs;
      // A timer that comes late.
      if (this.#last !== undefined) this.leftOut();
      this.#forget();
      this.say(text);
      return;
    }
    if (this.#last !== undefined) this.leftOut();
    this.#last = text;
    // SIOT shows the last line, also when the device is silent after it.
    this.#timer ??= this.clock.setTimer(paidMs - nowMs, () => {
      const last = this.#last;
      this.#forget();
      if (last !== undefined) this.line(last);
    });
  }

  /** The channel is gone: a line that waits is said now. */
  closed(): void {
    const last = this.#last;
    this.#forget();
    if (last !== undefined) this.say(last);
  }

  #forget(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#last = undefined;
  }
}
