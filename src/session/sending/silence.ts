/**
 * A device that is not heard (docs/contract.md, "Sending"): one that was unanswered in
 * silence gets a probe every 30 s, one that says nothing for 30 s is asked
 * whether it lives.
 */
import type { Clock, Timer } from '../../point/clock.js';
import type { Setting } from '../settings/setting.js';

const PROBE_EVERY_MS = 30_000;
const ASK_AFTER_MS = 30_000;

/** What is known of whether the device lives. */
export interface Life {
  /** Monotonic ms of the last packet heard since the opening. */
  readonly heardMs: number | undefined;
  /** The last packet found no answer, and nothing else was heard. */
  readonly silent: boolean;
}

export interface SilenceHost {
  /** It is time to probe. */
  probe(): void;
  /** Nothing was heard for 30 s, but it did not fail to answer either. */
  ask(): void;
}

export class Silence {
  #open = false;
  #silent = false;
  #heardMs: number | undefined;
  #probeTimer: Timer | undefined;
  #askTimer: Timer | undefined;
  /** Of this probe, still to be sent. */
  #probesLeft: Setting[] = [];

  constructor(
    private readonly host: SilenceHost,
    private readonly clock: Clock,
  ) {}

  /** The last packet found no answer, and nothing else was heard. */
  get silent(): boolean {
    return this.#silent;
  }

  /** Monotonic ms of the last packet heard since the opening. */
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
    this.#askTimer?.cancel();
    this.#askTimer = undefined;
  }

  /** Hot: called for each packet. */
  heard(): void {
    this.#heardMs = this.clock.monotonicMs();
    if (this.#askTimer === undefined) this.#watch(ASK_AFTER_MS);
  }

  /** What was heard since was no sign of life. */
  takeBack({ heardMs, silent }: Life): void {
    this.#heardMs = heardMs;
    if (silent && !this.#silent) this.fall();
  }

  fall(): void {
    this.#silent = true;
    this.#probeTimer?.cancel();
    this.#probeTimer = this.clock.setTimer(PROBE_EVERY_MS, () => this.#probe());
  }

  end(): void {
    this.#silent = false;
    this.#probeTimer?.cancel();
    this.#probesLeft = [];
  }

  /** These are sent once each, when the time has been. */
  probeWith(settings: Setting[]): void {
    this.#probesLeft = settings;
  }

  /** The next of this probe for which `due` holds. */
  nextProbe(due: (setting: Setting) => boolean): Setting | undefined {
    for (;;) {
      const setting = this.#probesLeft.shift();
      if (setting === undefined || due(setting)) return setting;
    }
  }

  #probe(): void {
    this.#probeTimer = this.clock.setTimer(PROBE_EVERY_MS, () => this.#probe());
    this.host.probe();
  }

  /** One timer that looks again, instead of one that is set anew for each packet. */
  #watch(ms: number): void {
    this.#askTimer = this.clock.setTimer(ms, () => {
      this.#askTimer = undefined;
      if (!this.#open || this.#silent || this.#heardMs === undefined) return;
      const quietMs = this.clock.monotonicMs() - this.#heardMs;
      if (quietMs < ASK_AFTER_MS) {
        this.#watch(ASK_AFTER_MS - quietMs);
        return;
      }
      this.host.ask();
      this.#watch(ASK_AFTER_MS);
    });
  }
}
