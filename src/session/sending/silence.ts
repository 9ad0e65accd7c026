/**
 * A device that is not heard (docs/contract.md, "Sending"). After a packet that it did not
 * answer, with nothing else heard, it is probed every 30 s. After 30 s without any
 * packet from it, it is asked whether it lives.
 */
import type { Clock, Timer } from '../../point/clock.js';

const PROBE_EVERY_MS = 30_000;
const QUIET_AFTER_MS = 30_000;

/** What is known of whether the device lives. */
export interface Life {
  /** Monotonic ms of the last packet heard since the opening. */
  readonly heardMs: number | undefined;
  /** The last packet found no answer, and nothing else was heard. */
  readonly silent: boolean;
}

/** Sends what finds out whether the device lives. */
export interface SilenceHost {
  /** It is time for a round of probes. */
  probe(): void;
  /** Nothing was heard for 30 s, but it did not fail to answer either. */
  quiet(): void;
}

/** Whether one device is silent, and when to probe it. */
export class Silence {
  #open = false;
  #silent = false;
  #heardMs: number | undefined;
  #probeTimer: Timer | undefined;
  #quietTimer: Timer | undefined;

  constructor(
    private readonly host: SilenceHost,
    private readonly clock: Clock,
  ) {}

  get silent(): boolean {
    return this.#silent;
  }

  get heardMs(): number | undefined {
    return this.#heardMs;
  }

  opened(): void {
    this.#open = true;
    this.#heardMs = undefined;
    this.#silent = false;
  }

  closed(): void {
    this.#open = false;
    this.end();
    this.#quietTimer?.cancel();
    this.#quietTimer = undefined;
  }

  /** Hot: called for each packet. */
  heard(): void {
    this.#heardMs = this.clock.monotonicMs();
    if (this.#quietTimer === undefined) this.#watch(QUIET_AFTER_MS);
  }

  /** What was heard since was no sign of life. */
  takeBack({ heardMs, silent }: Life): void {
    this.#heardMs = heardMs;
    if (silent && !this.#silent) this.begin();
  }

  begin(): void {
    this.#silent = true;
    this.#probeTimer?.cancel();
    this.#probeTimer = this.clock.setTimer(PROBE_EVERY_MS, () => this.#probe());
  }

  end(): void {
    this.#silent = false;
    this.#probeTimer?.cancel();
  }

  #probe(): void {
    this.#probeTimer = this.clock.setTimer(PROBE_EVERY_MS, () => this.#probe());
    this.host.probe();
  }

  /** One timer that looks again, instead of one that is set anew for each packet. */
  #watch(ms: number): void {
    this.#quietTimer = this.clock.setTimer(ms, () => {
      this.#quietTimer = undefined;
      if (!this.#open || this.#silent || this.#heardMs === undefined) return;
      const quietMs = this.clock.monotonicMs() - this.#heardMs;
      if (quietMs < QUIET_AFTER_MS) {
        this.#watch(QUIET_AFTER_MS - quietMs);
        return;
      }
      this.host.quiet();
      this.#watch(QUIET_AFTER_MS);
    });
  }
}
