import { MemoryOutbox } from '../outbox/memory-outbox.js';
import type { Outbox } from '../outbox/outbox.js';
import type { Configured } from './config/config.js';
import type { GatewayParts } from './gateway-parts.js';
import type { Identity } from './identity.js';
import { nameOfNode, refuseSharedNodes } from './link-nodes.js';
import { openOutbox } from './open-outbox.js';
import type { Service } from './services.js';

export class OutboxService implements Service {
  readonly name = 'outbox';
  readonly stopByMs = 4_050;
  readonly ifLate =
    'the disk of stateDir does not answer: points that were not acknowledged are lost';
  /** Until it has been opened there is nothing to put in. */
  #outbox: Outbox = new MemoryOutbox({ maxBytes: 0 });

  constructor(
    private readonly configured: Configured,
    private readonly identity: Identity,
    private readonly parts: GatewayParts,
  ) {}

  get outbox(): Outbox {
    return this.#outbox;
  }

  /** Throws a `StateError` or an `OutboxError`; a `GatewayError` where two links would share a lane. */
  async start(): Promise<void> {
    const { configured, identity } = this;
    const { clock, log } = this.parts;
    refuseSharedNodes(configured.config.links, identity.id);
    this.#outbox = await openOutbox(configured.config, clock, log, {
      nameOf: (nodeId) => nameOfNode(configured.config.links, identity.id, nodeId),
      onDeleted: () => identity.keep(),
    });
  }

  stop(): Promise<void> {
    return this.#outbox.close();
  }
}
