import type { Clock, Timer } from '../../point/clock.js';

/** How often a late PONG is waited for once more, while other messages still come. */
const MOST_WAITS = 6;

/** The connection that is watched. */
interface KeepAliveHost {
  /** Calls back when the server has answered a PING; `false`: the connection is lost. */
  barrier(done: (processed: boolean) => void): void;
  /** Grows with each message and each PONG that arrives. */
  signsOfLife(): number;
  /** The server has answered. */
  alive(): void;
  /** The server has sent nothing in time. */
  silent(): void;
}

/**
 * Asks the server again and again whether it is there. When a server has stopped
 * reading, the library waits for its socket without end: such a connection is given up
 * without waiting for it to close.
 */
export class KeepAlive {
  #timer: Timer | undefined;

  /** Begins. `everyMs`: pause between questions; `withinMs`: how long an answer may take. */
  constructor(
    private readonly clock: Clock,
    private readonly everyMs: number,
    private readonly withinMs: number,
    private readonly host: KeepAliveHost,
  ) {
    this.#askLater();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #askLater(): void {
    this.#timer = this.clock.setTimer(this.everyMs, () => {
      this.#await(MOST_WAITS);
      this.host.barrier((processed) => {
        if (!processed) return;
        this.stop();
        this.host.alive();
        this.#askLater();
      });
    });
  }

  // On a slow line the PONG comes after the answers to earlier messages: while other
  // messages come, the server is alive.
  #await(waits: number): void {
    const before = this.host.signsOfLife();
    this.#timer = this.clock.setTimer(this.withinMs, () => {
      if (waits > 1 && this.host.signsOfLife() !== before) this.#await(waits - 1);
      else this.host.silent();
    });
  }
}
