import type { Point } from '../point/point.js';
import type { NatsSource } from '../siot/connection/nats-settings.js';
import { Siot, type SiotStatus, type Undeleted } from '../siot/siot.js';
import type { Configured } from './config/config.js';
import type { ControlledSiot } from './control/controlled.js';
import { gatewayDescription, type GatewayParts } from './gateway-parts.js';
import type { Identity } from './identity.js';
import type { NatsService } from './nats-service.js';
import type { OutboxService } from './outbox-service.js';
import type { Service } from './services.js';

/** How long stopping may take to hand on what is still in the outbox… */
const DRAIN_MS = 3_000;
/** …and then to close the connection. */
const CLOSE_MS = 600;

const NOT_STARTED: SiotStatus = { generation: 2, store: 'none', nats: 'connecting' };

/** The connection to SIOT; another one when a changed configuration asks for it. */
export class SiotService implements Service, ControlledSiot {
  readonly name = 'SIOT';
  readonly stopByMs = DRAIN_MS + CLOSE_MS;
  #siot: Siot | undefined;

  constructor(
    private readonly configured: Configured,
    private readonly identity: Identity,
    private readonly outbox: OutboxService,
    private readonly nats: NatsService,
    private readonly parts: GatewayParts,
  ) {}

  async start(): Promise<void> {
    this.#begin(await this.nats.use(this.configured.config.nats));
  }

  prepareStop(): void {
    this.#siot?.hurry();
  }

  async stop(withinMs: number): Promise<void> {
    await this.#siot?.stop(Math.max(0, withinMs - CLOSE_MS));
  }

  /** As configured now. The devices stay attached; their links are to be attached to {@link current}. */
  async restart(source: NatsSource): Promise<void> {
    await this.#siot?.stop(DRAIN_MS);
    this.#begin(source);
  }

  /** Throws before the start. */
  get current(): Siot {
    if (this.#siot === undefined) throw new Error('SIOT is used before its start');
    return this.#siot;
  }

  get status(): SiotStatus {
    return this.#siot?.status ?? NOT_STARTED;
  }

  get server(): string | undefined {
    return this.#siot?.server;
  }

  publishSetting(nodeId: string, point: Point): Promise<void> {
    return this.current.publishSetting(nodeId, point);
  }

  undelete(nodeId: string): Promise<Undeleted> {
    return this.current.undelete(nodeId);
  }

  #begin(connection: NatsSource): void {
    const { identity, parts } = this;
    const { config } = this.configured;
    const { siot: settings } = config;
    const description = gatewayDescription(config, parts);
    this.#siot = new Siot({
      connection,
      generation: settings.generation,
      store: settings.store,
      parent: settings.parent,
      gateway: { id: identity.id, description, version: parts.version },
      remembered: identity.store,
      remember: (store) => identity.remember(store),
      outbox: this.outbox.outbox,
      highRateBytes: config.highRate.maxBytes,
      clock: parts.clock,
      random: parts.random,
      log: parts.log,
    });
    this.#siot.start();
  }
}
