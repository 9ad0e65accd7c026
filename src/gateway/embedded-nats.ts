/** The private nats-server of `nats.embedded`: restarted when it ends by itself. */
import type { Clock, Timer } from '../point/clock.js';
import type { Log } from '../point/log.js';
import { NatsServer } from '../siot/nats-server.js';
import type { StateDir } from './state-dir.js';

const RESTART_MS = 1_000;

export class EmbeddedNats {
  #server: NatsServer;
  #stopping = false;
  #timer: Timer | undefined;
  #restarting: Promise<void> = Promise.resolve();

  private constructor(
    server: NatsServer,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    this.#server = server;
    this.#watch();
  }

  /**
   * Starts it on a free port, which is written to `stateDir/nats.json` for
   * `siot-mcu watch` and `siot-mcu set`. Throws a `NatsServerError` for people.
   */
  static async start(state: StateDir, clock: Clock, log: Log): Promise<EmbeddedNats> {
    const server = await NatsServer.start();
    await state.saveNats(server.url);
    log.info({ url: server.url }, 'private nats-server is running');
    return new EmbeddedNats(server, clock, log);
  }

  get url(): string {
    return this.#server.url;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#timer?.cancel();
    await this.#restarting;
    await this.#server.stop();
  }

  #watch(): void {
    void this.#server.ended.then(() => {
      if (this.#stopping) return;
      this.log.error({}, 'the private nats-server has ended; starting it again');
      this.#restartLater();
    });
  }

  #restartLater(): void {
    this.#timer = this.clock.setTimer(RESTART_MS, () => {
      this.#restarting = this.#restart();
    });
  }

  async #restart(): Promise<void> {
    try {
      // On the same port: everybody comes back to it.
      this.#server = await NatsServer.start({ port: this.#server.port });
      this.log.info({ url: this.url }, 'private nats-server is running again');
      this.#watch();
    } catch (error) {
      this.log.error({ reason: error instanceof Error ? error.message : '' }, 'it did not start');
      if (!this.#stopping) this.#restartLater();
    }
  }
}
