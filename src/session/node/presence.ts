/** Whether the device talks (docs/contract.md, "Connected"), which an open port does not tell. */
import type { Clock, Timer } from '../../point/clock.js';

/** Whether a device acknowledges points: SIOT's own wire does not ask it to. */
export type Acknowledges = 'unknown' | 'yes' | 'no';

/** With no codec known: a device that says nothing for so long, and answers to no probe, is gone. */
const GONE_AFTER_MS = 30_000;

export interface PresenceOptions {
  /** A device that does not acknowledge counts as gone after so long without a packet, ms; 0: never. */
  readonly silenceTimeoutMs: number;
  /** Monotonic ms of the last packet since the opening, and whether it acknowledges. */
  readonly device: () => {
    readonly heardMs: number | undefined;
    readonly acknowledges: Acknowledges;
  };
  readonly onChange: (connected: boolean) => void;
}

export class Presence {
  #connected = false;
  #timer: Timer | undefined;

  constructor(
    private readonly options: PresenceOptions,
    private readonly clock: Clock,
  ) {}

  get connected(): boolean {
    return this.#connected;
  }

  /** A packet with a valid CRC has come. Hot: called for each one. */
  heard(): void {
    if (this.#connected) return;
    this.#connected = true;
    this.options.onChange(true);
    const { silenceTimeoutMs } = this.options;
    if (silenceTimeoutMs > 0) this.#watch(silenceTimeoutMs);
  }

  gone(): void {
    if (!this.#connected) return;
    this.#connected = false;
    this.#timer?.cancel();
    this.options.onChange(false);
  }

  /** No codec is known, and the device answers to none. */
  probesUnanswered(): void {
    const { heardMs } = this.options.device();
    if (heardMs !== undefined && this.clock.monotonicMs() - heardMs >= GONE_AFTER_MS) this.gone();
  }

  #watch(ms: number): void {
    this.#timer = this.clock.setTimer(ms, () => {
      const { silenceTimeoutMs } = this.options;
      const { heardMs, acknowledges } = this.options.device();
      const leftMs = silenceTimeoutMs - (this.clock.monotonicMs() - (heardMs ?? 0));
      if (leftMs > 0) this.#watch(leftMs);
      // One that acknowledges is asked instead, and gone when it does not answer.
      else if (acknowledges === 'yes') this.#watch(silenceTimeoutMs);
      else this.gone();
    });
  }
}
