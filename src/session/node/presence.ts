/** Whether the device talks (docs/contract.md, "Connected"). An open port does not tell that. */
import type { Clock, Timer } from '../../point/clock.js';

/** Whether a device acknowledges points: SIOT's own wire does not ask it to. */
export type Acknowledges = 'unknown' | 'yes' | 'no';

/** While no codec is known, a device that says nothing for so long and answers no probe is gone. */
const GONE_AFTER_MS = 30_000;

/** What tells whether a device is still there. */
export interface HeardDevice {
  /** Monotonic ms of what was heard last since the opening. */
  readonly heardMs: number | undefined;
  readonly acknowledges: Acknowledges;
}

interface PresenceHost {
  /** The device talks, or does not any more. */
  connected(connected: boolean): void;
}

/** Whether one device counts as connected. */
export class Presence {
  #connected = false;
  #timer: Timer | undefined;

  constructor(
    private readonly host: PresenceHost,
    /** A device that does not acknowledge counts as gone after so long without a packet, ms; 0: never. */
    private readonly silenceTimeoutMs: number,
    private readonly clock: Clock,
  ) {}

  get connected(): boolean {
    return this.#connected;
  }

  /** Something has come from the device. Hot: called for each packet. */
  heard(device: HeardDevice): void {
    if (this.#connected) return;
    this.#connected = true;
    this.host.connected(true);
    if (this.silenceTimeoutMs > 0) this.#watch(device, this.silenceTimeoutMs);
  }

  gone(): void {
    if (!this.#connected) return;
    this.#connected = false;
    this.#timer?.cancel();
    this.host.connected(false);
  }

  /** No codec is known, and the device has acknowledged no probe for it. */
  probesUnanswered({ heardMs }: HeardDevice): void {
    if (heardMs !== undefined && this.clock.monotonicMs() - heardMs >= GONE_AFTER_MS) this.gone();
  }

  #watch(device: HeardDevice, ms: number): void {
    this.#timer = this.clock.setTimer(ms, () => {
      const { heardMs, acknowledges } = device;
      const leftMs = this.silenceTimeoutMs - (this.clock.monotonicMs() - (heardMs ?? 0));
      if (leftMs > 0) this.#watch(device, leftMs);
      // A device that acknowledges is sent a `timeSync`, and is gone when it does not answer.
      else if (acknowledges === 'yes') this.#watch(device, this.silenceTimeoutMs);
      else this.gone();
    });
  }
}
