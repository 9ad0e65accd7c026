/**
 * When a device that has restarted gets all again: at once, but at most every 5 s. A
 * restart noticed meanwhile is served when they are over (docs/contract.md, "Restarted").
 */
import type { Clock, Timer } from '../../point/clock.js';

const APART_MS = 5_000;

/** What a session does after a restart of its device. */
export interface ResyncHost {
  /** The device is to get all again, now. */
  resync(): void;
  /** A restart has to wait for its resync. Everything else goes on. */
  resyncWaits(): void;
}

/** Decides when a restart is served. */
export class ResyncLimiter {
  #lastMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #open = false;

  constructor(
    private readonly host: ResyncHost,
    private readonly clock: Clock,
    /** A restart was noticed and is not served yet. Initially: kept from before the gateway's start. */
    private isDue: boolean,
  ) {}

  get due(): boolean {
    return this.isDue;
  }

  /** A restart noticed before the opening is served now. */
  opened(): void {
    this.#open = true;
    if (this.isDue) this.#serve();
  }

  closed(): void {
    this.#open = false;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** The device has restarted. */
  restarted(): void {
    this.isDue = true;
    this.#serve();
  }

  #serve(): void {
    if (!this.#open || this.#timer !== undefined) return;
    const waitMs = this.#lastMs + APART_MS - this.clock.monotonicMs();
    if (waitMs <= 0) {
      this.#resync();
      return;
    }
    this.#timer = this.clock.setTimer(waitMs, () => {
      this.#timer = undefined;
      this.#resync();
    });
    this.host.resyncWaits();
  }

  #resync(): void {
    this.#lastMs = this.clock.monotonicMs();
    this.isDue = false;
    this.host.resync();
  }
}
