/** How often a device reports, so that one that reports seldom is not taken for one that stopped. */

/** Packets that follow sooner are one report. */
const REPORT_MS = 1_000;
/** Intervals that tell how often a device reports: when it starts it may send some in a row. */
const ENOUGH = 3;
/** By so much a long interval counts less with each that follows: it may have been an outage. */
const FADE = 0.9;

/** The longest interval of late between the reports of one device. */
export class ReportInterval {
  /** When the last report began, monotonic ms. Infinity: none has, since the opening. */
  #reportMs = Infinity;
  #intervals = 0;
  #longestMs = 0;

  /** `undefined`: not known yet. */
  get ms(): number | undefined {
    return this.#intervals < ENOUGH ? undefined : this.#longestMs;
  }

  /** A packet has come at `ms`, monotonic. Hot. */
  report(ms: number): void {
    const intervalMs = ms - this.#reportMs;
    if (intervalMs >= 0 && intervalMs < REPORT_MS) return;
    this.#reportMs = ms;
    if (intervalMs < 0) return;
    this.#intervals += 1;
    this.#longestMs = Math.max(intervalMs, FADE * this.#longestMs);
  }

  /** The line was closed: what passes until the next report is no interval. */
  interrupted(): void {
    this.#reportMs = Infinity;
  }
}
