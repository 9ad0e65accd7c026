/** The daemon: a list of services, and what a changed configuration changes of them. */
import { isDeepStrictEqual } from 'node:util';
import { LimitedLog } from '../point/limited-log.js';
import { DEVICE_SAYS } from '../session/node/device-log.js';
import { ClockWatch } from './clock-watch.js';
import type { Configured, GatewayConfig } from './config/config.js';
import type { Control, GatewayIdentity } from './control/control.js';
import type { ControlledGateway } from './control/controlled.js';
import { GatewayControl } from './control/gateway-control.js';
import { VerbServer } from './control/nats/verb-server.js';
import { SocketServer } from './control/socket/socket-server.js';
import { gatewayDescription, type GatewayParts } from './gateway-parts.js';
import { Identity } from './identity.js';
import { LeftOutLines } from './left-out-lines.js';
import { refuseSharedNodes } from './link-nodes.js';
import { Links } from './links.js';
import { NatsService } from './nats-service.js';
import { OutboxService } from './outbox-service.js';
import { Services } from './services.js';
import { SiotService } from './siot-service.js';

/** All links together may log so many times as much as one link. */
const SEVERAL_LINKS = 20;

/** Takes effect at the next start; the rest of the configuration at once. */
const FIXED = ['stateDir', 'runtimeDir', 'outbox', 'highRate'] as const;

/** One gateway: {@link start} once, then {@link reload} as often as needed, then {@link stop}. */
export class Gateway implements ControlledGateway, Configured {
  /** What can be asked of it. */
  readonly control: Control;
  readonly outbox: OutboxService;
  readonly links: Links;
  readonly siot: SiotService;
  readonly #parts: GatewayParts;
  readonly #identity: Identity;
  readonly #nats: NatsService;
  readonly #verbs: VerbServer;
  readonly #services: Services;
  #config: GatewayConfig;
  /** Starting, changes and stopping are done one after the other. */
  #busy: Promise<void> = Promise.resolve();
  #ended: Promise<void> | undefined;

  constructor(config: GatewayConfig, given: GatewayParts) {
    this.#config = config;
    const { clock } = given;
    const limits = { links: SEVERAL_LINKS, passes: new Set([DEVICE_SAYS]) };
    const log = new LimitedLog(given.log, clock, limits);
    const parts = { ...given, log };
    this.#parts = parts;
    this.control = new GatewayControl(this, clock);

    this.#identity = new Identity(config, log);
    const outbox = new OutboxService(this, this.#identity, parts);
    this.outbox = outbox;
    this.#nats = new NatsService(this, this.#identity.runtime, parts);
    this.siot = new SiotService(this, this.#identity, outbox, this.#nats, parts);
    this.links = new Links(this, this.#identity, outbox, this.siot, parts);
    this.#verbs = new VerbServer(this.siot, this.control, clock);

    // Started from the first to the last, stopped from the last to the first.
    this.#services = new Services(
      [
        new LeftOutLines(log, clock),
        this.#identity,
        new SocketServer(this.#identity.runtime, this.control, clock, log),
        outbox,
        this.links.records,
        this.#nats,
        this.siot,
        this.#verbs,
        this.links.usb,
        this.links,
        this.links.removed,
        new ClockWatch(this.links, clock, log),
      ],
      clock,
      log,
    );
  }

  /** In force now. */
  get config(): GatewayConfig {
    return this.#config;
  }

  get identity(): GatewayIdentity {
    const description = gatewayDescription(this.#config, this.#parts);
    return { id: this.#identity.id, description, version: this.#parts.version };
  }

  /**
   * Resolves when all links are being opened; neither a device nor NATS need be
   * there. Throws a `StateError` or a `GatewayError` for what cannot work.
   */
  start(): Promise<void> {
    return this.#afterAll(async () => {
      await this.#services.start();
      const { id } = this.#identity;
      const links = this.links.all().length;
      this.#parts.log.info({ gateway: id, links }, `gateway ${id} runs with ${links} link(s)`);
    });
  }

  /**
   * Applies another configuration; only what changed is disturbed. Throws a
   * `GatewayError` or a `NatsServerError`, and nothing has changed then.
   */
  reload(config: GatewayConfig): Promise<void> {
    return this.#afterAll(() => this.#apply(config));
  }

  /** Ends all links, publishes what can still be published, and closes, within some 4 s. Idempotent. */
  stop(): Promise<void> {
    this.#services.prepareStop();
    this.#ended ??= this.#afterAll(async () => {
      await this.#services.stop();
      this.#parts.log.info({}, 'gateway has ended');
    });
    return this.#ended;
  }

  /** After all that was asked for before, whether that went well or not. */
  #afterAll(act: () => Promise<void>): Promise<void> {
    const done = this.#busy.then(act);
    this.#busy = done.catch(() => undefined);
    return done;
  }

  #isEnding(): boolean {
    return this.#ended !== undefined;
  }

  async #apply(config: GatewayConfig): Promise<void> {
    const { log } = this.#parts;
    const gatewayId = this.#identity.id;
    if (gatewayId === '' || this.#isEnding()) return;
    refuseSharedNodes(config.links, gatewayId);
    const before = this.#config;
    this.#warnOfFixed(config);
    // Before anything is disturbed: a private nats-server may not start.
    const source = isSiotChanged(before, config) ? await this.#nats.use(config.nats) : undefined;
    const { stateDir, runtimeDir, outbox, highRate } = before;
    this.#config = { ...config, stateDir, runtimeDir, outbox, highRate };

    await this.links.removeChanged();
    if (this.#isEnding()) return;
    if (source !== undefined) {
      this.#verbs.stop();
      await this.siot.restart(source);
      this.#verbs.start();
      await this.#nats.endUnused();
      this.links.attach();
    }
    await this.links.addMissing();
    log.info({ links: this.links.all().length }, 'the configuration is applied');
  }

  #warnOfFixed(config: GatewayConfig): void {
    for (const key of FIXED) {
      // Where it is not given it goes with stateDir.
      if (key === 'runtimeDir' && config.runtimeDir === config.stateDir) continue;
      if (isDeepStrictEqual(this.#config[key], config[key])) continue;
      this.#parts.log.warn({ key }, `${key} has changed: restart the gateway to apply it`);
    }
  }
}

/** Whether another connection to SIOT is needed. */
function isSiotChanged(before: GatewayConfig, after: GatewayConfig): boolean {
  const connection = ({ nats, siot, gateway }: GatewayConfig): object => {
    // The links have that.
    return { nats, siot, gateway: { ...gateway, maxPoints: 0 } };
  };
  return !isDeepStrictEqual(connection(before), connection(after));
}
