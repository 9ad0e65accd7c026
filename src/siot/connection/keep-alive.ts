import type { Clock, Timer } from '../../point/clock.js';

/** How often the wait for a late PONG is repeated while other messages still arrive. */
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
 * Pings the server again and again. When a server has stopped reading, the library waits
 * for the socket without end. Such a connection is given up, without waiting for it to
 * close.
 */
export class KeepAlive {
  #timer: Timer | undefined;

  /** Begins. `everyMs`: pause between two PINGs; `withinMs`: how long a PONG may take. */
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

  // On a slow line the PONG comes after the answers to earlier messages. While messages
  // arrive, the server is alive.
  #await(waits: number): void {
    const before = this.host.signsOfLife();
    this.#timer = this.clock.setTimer(this.withinMs, () => {
      if (waits > 1 && this.host.signsOfLife() !== before) this.#await(waits - 1);
      else this.host.silent();
    });
  }
}
