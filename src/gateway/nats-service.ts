import type { NatsSource } from '../siot/connection/nats-settings.js';
import type { Configured, NatsConfig } from './config/config.js';
import { EmbeddedNats } from './embedded-nats.js';
import type { GatewayParts } from './gateway-parts.js';
import type { Service } from './services.js';
import type { RuntimeDir } from './state/runtime-dir.js';

/** The nats-server to connect to: one that runs, or with `nats.embedded` a private one, which it keeps running. */
export class NatsService implements Service {
  readonly name = 'private nats-server';
  readonly stopByMs = 3_800;
  #running: EmbeddedNats | undefined;
  /** Its predecessor on another port, until nobody is connected to that any more. */
  #former: EmbeddedNats | undefined;

  constructor(
    private readonly configured: Configured,
    private readonly runtime: RuntimeDir,
    private readonly parts: GatewayParts,
  ) {}

  async start(): Promise<void> {
    await this.use(this.configured.config.nats);
  }

  /**
   * Where to connect to from now on; starts the private server unless it runs.
   * Throws a `NatsServerError` or a `StateError`, and all is as before then.
   */
  async use(nats: NatsConfig): Promise<NatsSource> {
    if (!nats.embedded) return nats.settings;
    const { port } = nats;
    let running = this.#running;
    if (running === undefined || (port !== undefined && port !== running.port)) {
      const former = running;
      const { clock, log } = this.parts;
      running = await EmbeddedNats.start({ runtime: this.runtime, port, clock, log });
      this.#former = former;
      this.#running = running;
    }
    return () => running.settings();
  }

  /** Ends the servers that nobody is to use any more, now that all are connected to the one of {@link use}. */
  async endUnused(): Promise<void> {
    if (!this.configured.config.nats.embedded) await this.#stopRunning();
    await this.#former?.stop();
    this.#former = undefined;
  }

  async stop(): Promise<void> {
    await this.#former?.stop();
    await this.#stopRunning();
  }

  async #stopRunning(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    await running.stop();
    await this.runtime.forgetNats();
  }
}
