/** The daemon: links, the outbox and SIOT, joined; and what a changed configuration changes. */
import { MemoryOutbox } from '../outbox/memory-outbox.js';
import type { Outbox } from '../outbox/outbox.js';
import { CLOCK_STEP_NS, wallMinusMonotonic, type Clock, type Timer } from '../point/clock.js';
import { LimitedLog } from '../point/limited-log.js';
import type { Log } from '../point/log.js';
import { DEVICE_SAYS } from '../session/node/device-log.js';
import { PointBudget } from '../session/node/point-quota.js';
import type { NatsSource } from '../siot/connection/nats-settings.js';
import { Siot, type SiotStatus } from '../siot/siot.js';
import type { SystemRoot } from '../transport/serial/ports.js';
import type { Transport } from '../transport/transport.js';
import { createTransport } from '../transport/transports.js';
import { nodeIdOf, type GatewayConfig, type LinkConfig } from './config/config.js';
import { EmbeddedNats } from './embedded-nats.js';
import { Scheduler } from './link/scheduler.js';
import { Link } from './link/link.js';
import { openOutbox } from './open-outbox.js';
import { keepPrivate } from './state/private-state.js';
import { RuntimeDir } from './state/runtime-dir.js';
import { StateDir, type GatewayRecord } from './state/state-dir.js';
import { StateLock } from './state/state-lock.js';
import { isUsbTemplate } from './usb/link-group.js';
import { UsbLinkGroups } from './usb/link-groups.js';
import type { Control, GatewayStatus } from './control/control.js';
import type { ControlledGateway, ControlledLinks, ControlledSiot } from './control/controlled.js';
import { GatewayControl } from './control/gateway-control.js';
import { VerbServer } from './control/nats/verb-server.js';

export class GatewayError extends Error {
  override readonly name = 'GatewayError';
}

export interface GatewayParts {
  readonly clock: Clock;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  readonly log: Log;
  /** Of this program. */
  readonly version: string;
  /** Where USB devices are looked for; tests give a machine of their own. */
  readonly usbRoot?: SystemRoot;
}

/** What is logged for all links together may be so many times as much as of one. */
const SEVERAL_LINKS = 20;

const NOT_STARTED: SiotStatus = { generation: 2, store: 'none', nats: 'connecting' };

/** How long stopping may take to hand on what is still in the outbox. */
const DRAIN_MS = 3_000;
/** And before that to let the devices go, and after it to keep what is known: a disk may not answer. */
const LET_GO_MS = 1_300;
const KEEP_MS = 1_000;
const CLOCK_LOOK_MS = 2_000;

export class Gateway implements ControlledGateway {
  readonly control: Control;
  readonly links: ControlledLinks = {
    all: () => [...this.#links.values()],
    confirm: (name) => this.#usb.confirm(name),
  };
  readonly #links = new Map<string, Link>();
  private readonly parts: GatewayParts;
  readonly #log: LimitedLog;
  #record: GatewayRecord | undefined;
  #lock: StateLock | undefined;
  #siot: Siot | undefined;
  #nats: EmbeddedNats | undefined;
  /** Its predecessor on another port, until nobody is connected to that any more. */
  #formerNats: EmbeddedNats | undefined;
  #verbs: VerbServer | undefined;
  #clockTimer: Timer | undefined;
  /** Until it has been opened there is nothing to put in. */
  #outbox: Outbox = new MemoryOutbox({ maxBytes: 0 });
  readonly #budget: PointBudget;
  readonly #scheduler: Scheduler;
  readonly #state: StateDir;
  readonly #runtime: RuntimeDir;
  readonly #usb: UsbLinkGroups;
  /** Names of links on USB that are being made. */
  readonly #coming = new Set<string>();
  /** Changes are applied one after the other. */
  #busy: Promise<void> = Promise.resolve();
  #ended: Promise<void> | undefined;

  constructor(
    private config: GatewayConfig,
    given: GatewayParts,
  ) {
    const limits = { links: SEVERAL_LINKS, passes: new Set([DEVICE_SAYS]) };
    this.#log = new LimitedLog(given.log, given.clock, limits);
    const parts = { ...given, log: this.#log };
    this.parts = parts;
    this.control = new GatewayControl(this, parts.clock);
    this.#budget = new PointBudget(config.gateway.maxPoints);
    this.#scheduler = new Scheduler(parts.clock);
    this.#state = new StateDir(config.stateDir, parts.log);
    this.#runtime = new RuntimeDir(config.runtimeDir, config.stateDir, parts.log);
    this.#usb = new UsbLinkGroups({
      state: this.#state,
      links: {
        addLink: (link, transport) => this.#addUsbLink(link, transport),
        removeLink: async (name) => {
          const link = this.#links.get(name);
          if (link !== undefined) await this.#removeLink(link);
        },
      },
      configured: () => this.config.links.filter(isUsbTemplate),
      clock: parts.clock,
      log: parts.log,
      where: parts.usbRoot,
    });
  }

  /**
   * Resolves when all links are being opened; neither a device nor NATS need be
   * there. Throws a `StateError` or a {@link GatewayError} for what cannot work.
   */
  start(): Promise<void> {
    return this.#inTurn(() => this.#start());
  }

  async #start(): Promise<void> {
    const record = await this.#state.openGateway();
    await keepPrivate(this.config.stateDir, this.parts.log);
    this.#lock = await StateLock.take(this.config.stateDir, this.parts.log);
    this.#record = record;
    await this.#runtime.publish(record.id);
    refuseSharedNodes(this.config.links, record.id);
    this.#outbox = await openOutbox(this.config, this.parts.clock, this.parts.log, {
      nameOf: (nodeId) => nameOfNode(this.config.links, record.id, nodeId),
      onDeleted: () => void this.#state.keepGateway(this.#record ?? record),
    });
    this.#startSiot(record, await this.#natsOf(this.config));
    for (const link of this.config.links) await this.#addConfigured(link);
    this.#watchClock();
    this.parts.log.info(
      { gateway: record.id, links: this.#links.size },
      `gateway ${record.id} runs with ${String(this.#links.size)} link(s)`,
    );
  }

  /**
   * Applies another configuration; only what changed is disturbed. Throws a
   * {@link GatewayError} or a `NatsServerError`, and nothing has changed then.
   */
  reload(config: GatewayConfig): Promise<void> {
    return this.#inTurn(() => this.#apply(config));
  }

  /** Ends all links, hands on what can be handed on, and closes. Idempotent. */
  stop(): Promise<void> {
    this.#siot?.hurry();
    this.#ended ??= this.#inTurn(() => this.#end());
    return this.#ended;
  }

  #isEnding(): boolean {
    return this.#ended !== undefined;
  }

  /** After all that was asked for before, whether that went well or not. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#busy.then(act);
    this.#busy = done.catch(() => undefined);
    return done;
  }

  get siot(): ControlledSiot {
    const siot = this.#siot;
    return {
      status: siot?.status ?? NOT_STARTED,
      server: siot?.server,
      publishSetting: async (nodeId, point) => siot?.publishSetting(nodeId, point),
    };
  }

  get identity(): GatewayStatus['gateway'] {
    return {
      id: this.#record?.id ?? '',
      description: this.config.gateway.description,
      version: this.parts.version,
    };
  }

  status(): GatewayStatus {
    return this.control.status();
  }

  async #end(): Promise<void> {
    this.#clockTimer?.cancel();
    this.#verbs?.stop();
    // A disk that does not answer may hold up a board that has just come: the others go on.
    const usb = this.#within(LET_GO_MS, [this.#usb.stop()]);
    const links = [...this.#links.values()];
    const stopped = await this.#within(
      LET_GO_MS,
      links.map((link) => link.stop()),
    );
    const inTime = (await usb) && stopped;
    await this.#siot?.stop(inTime ? DRAIN_MS : DRAIN_MS - LET_GO_MS);
    await this.#stopNats();
    const kept = stopped && (await this.#within(KEEP_MS, [this.#keep(links)]));
    if (!kept) {
      this.parts.log.error(
        { path: this.config.stateDir },
        'the disk of stateDir does not answer: what was heard last of the links is not kept, ' +
          'and points that were not acknowledged are lost with it',
      );
    }
    this.#log.tellLeftOut(true);
    this.parts.log.info({}, 'gateway has ended');
  }

  async #keep(links: readonly Link[]): Promise<void> {
    // What was heard meanwhile.
    await Promise.all(links.map((link) => link.keep()));
    await this.#outbox.close();
    await this.#runtime.release();
    await this.#lock?.release();
  }

  /** Whether all that came to its end in that time; what fails rejects. */
  async #within(ms: number, work: readonly Promise<void>[]): Promise<boolean> {
    let timer: Timer | undefined;
    const late = new Promise<false>((resolve) => {
      timer = this.parts.clock.setTimer(ms, () => resolve(false));
    });
    const done = Promise.all(work).then(() => true);
    return Promise.race([done, late]).finally(() => timer?.cancel());
  }

  /** Where to connect to; starts the private nats-server unless it runs. */
  async #natsOf({ nats }: GatewayConfig): Promise<NatsSource> {
    if (!nats.embedded) return nats.settings;
    const { port } = nats;
    const { clock, log } = this.parts;
    let running = this.#nats;
    if (running === undefined || (port !== undefined && port !== running.port)) {
      const former = running;
      running = await EmbeddedNats.start({ runtime: this.#runtime, port, clock, log });
      this.#formerNats = former;
      this.#nats = running;
    }
    return () => running.settings();
  }

  async #stopNats(): Promise<void> {
    const nats = this.#nats;
    this.#nats = undefined;
    await this.#formerNats?.stop();
    if (nats === undefined) return;
    await nats.stop();
    await this.#runtime.forgetNats();
  }

  #startSiot(record: GatewayRecord, connection: NatsSource): void {
    const { clock, random, log, version } = this.parts;
    const { siot: settings, gateway } = this.config;
    const siot = new Siot({
      connection,
      generation: settings.generation,
      store: settings.store,
      parent: settings.parent,
      gateway: { id: record.id, description: gateway.description, version },
      remembered: record.store,
      remember: (store) => this.#remember(store),
      outbox: this.#outbox,
      clock,
      random,
      log,
    });
    this.#siot = siot;
    this.#verbs = new VerbServer(siot, this.control, clock);
    siot.start();
  }

  #remember(store: { readonly generation: 1 | 2 }): void {
    if (this.#record === undefined) return;
    this.#record = { ...this.#record, store };
    void this.#state.saveGateway(this.#record);
  }

  async #addConfigured(config: LinkConfig): Promise<void> {
    const { transport } = config;
    if (isUsbTemplate(config)) await this.#usb.add(config);
    else if (transport.type !== 'usb') {
      await this.#addLink(config, createTransport(transport, this.parts.clock));
    }
  }

  /** A link that is not in the configuration by its name. */
  async #addUsbLink(config: LinkConfig, transport: Transport): Promise<Link | undefined> {
    if (
      this.config.links.some(({ name }) => name === config.name) ||
      this.#links.has(config.name) ||
      this.#coming.has(config.name)
    ) {
      this.parts.log.error(
        { link: config.name },
        'a USB device has no link: the configuration has another link of that name; rename it',
      );
      return undefined;
    }
    this.#coming.add(config.name);
    try {
      return await this.#addLink(config, transport);
    } finally {
      this.#coming.delete(config.name);
    }
  }

  /** Undefined: the gateway ends. */
  async #addLink(config: LinkConfig, transport: Transport): Promise<Link | undefined> {
    const nodeId = nodeIdOf(config, this.#record?.id ?? '');
    const log = this.parts.log.child({ link: config.name });
    const file = this.#state.linkFile(nodeId);
    const names = this.#state.namesFile(nodeId, this.parts.clock);
    const knownNames = await names.load();
    const record = await file.load();
    // The disk may have taken its time.
    if (this.#isEnding()) return undefined;
    const link = new Link({
      config,
      nodeId,
      transport,
      outbox: this.#outbox,
      budget: this.#budget,
      scheduler: this.#scheduler,
      clock: this.parts.clock,
      random: this.parts.random,
      log,
      file,
      names,
      knownNames,
      record,
    });
    this.#links.set(config.name, link);
    if (this.#siot !== undefined) link.attach(this.#siot);
    link.start();
    return link;
  }

  async #removeLink(link: Link): Promise<void> {
    this.#links.delete(link.name);
    await link.stop();
    await link.detach();
    await link.keep();
    this.#outbox.release(link.nodeId);
  }

  async #apply(config: GatewayConfig): Promise<void> {
    const record = this.#record;
    if (record === undefined || this.#isEnding()) return;
    refuseSharedNodes(config.links, record.id);
    const before = this.config;
    for (const fixed of ['stateDir', 'runtimeDir', 'outbox'] as const) {
      // Where it is not given it goes with stateDir.
      if (fixed === 'runtimeDir' && config.runtimeDir === config.stateDir) continue;
      if (!same(before[fixed], config[fixed])) {
        this.parts.log.warn(
          { key: fixed },
          `${fixed} has changed: restart the gateway to apply it`,
        );
      }
    }
    const siotChanged =
      !same(before.nats, config.nats) ||
      !same(before.siot, config.siot) ||
      !same({ ...before.gateway, maxPoints: 0 }, { ...config.gateway, maxPoints: 0 });
    // Before anything is disturbed: it may not start.
    const connection = siotChanged ? await this.#natsOf(config) : undefined;
    this.#budget.limit = config.gateway.maxPoints;
    const { stateDir, runtimeDir, outbox } = before;
    this.config = { ...config, stateDir, runtimeDir, outbox };

    const wanted = new Map(config.links.map((link) => [link.name, link]));
    const changed = (link: LinkConfig): boolean => !same(link, wanted.get(link.name));
    const groups = this.#usb.templates().filter(changed);
    const links = [...this.#links.values()].filter(
      (link) => link.config.transport.type !== 'usb' && changed(link.config),
    );
    // Side by side: each may have to wait for a store that does not answer.
    await Promise.all([
      ...groups.map(({ name }) => this.#usb.remove(name)),
      ...links.map((link) => this.#removeLink(link)),
    ]);
    if (this.#isEnding()) return;
    if (connection !== undefined) await this.#restartSiot(record, connection);
    const there = new Set([
      ...this.#links.keys(),
      ...this.#coming,
      ...this.#usb.templates().map(({ name }) => name),
    ]);
    for (const link of config.links) {
      if (!there.has(link.name)) await this.#addConfigured(link);
      else if (this.#isOnUsb(link)) {
        this.parts.log.warn(
          { link: link.name },
          'not added: a device on USB has a link of this name already; give it another name',
        );
      }
    }
    await this.#usb.lookAgain();
    this.parts.log.info({ links: this.#links.size }, 'the configuration is applied');
  }

  /** A link that is configured otherwise has its name from a device on USB. */
  #isOnUsb({ name, transport }: LinkConfig): boolean {
    const isTaken =
      this.#links.get(name)?.config.transport.type === 'usb' || this.#coming.has(name);
    return transport.type !== 'usb' && isTaken;
  }

  /** Another connection; the devices stay attached meanwhile. */
  async #restartSiot(record: GatewayRecord, connection: NatsSource): Promise<void> {
    this.#verbs?.stop();
    await this.#siot?.stop(DRAIN_MS);
    this.#startSiot(this.#record ?? record, connection);
    if (!this.config.nats.embedded) await this.#stopNats();
    await this.#formerNats?.stop();
    this.#formerNats = undefined;
    if (this.#siot === undefined) return;
    for (const link of this.#links.values()) link.attach(this.#siot);
  }

  #watchClock(): void {
    const { clock } = this.parts;
    let offset = wallMinusMonotonic(clock);
    const look = (): void => {
      const now = wallMinusMonotonic(clock);
      const step = now - offset;
      offset = now;
      if (step > CLOCK_STEP_NS || step < -CLOCK_STEP_NS) {
        this.parts.log.warn(
          { seconds: Number(step) / 1e9 },
          'the clock of this machine was stepped: devices get the time again',
        );
        for (const link of this.#links.values()) link.clockStepped();
      }
      this.#log.tellLeftOut();
      this.#clockTimer = clock.setTimer(CLOCK_LOOK_MS, look);
    };
    this.#clockTimer = clock.setTimer(CLOCK_LOOK_MS, look);
  }
}

/** Two links that speak as one node would overwrite each other. */
function refuseSharedNodes(links: readonly LinkConfig[], gatewayId: string): void {
  const names = new Map<string, string>([[gatewayId, 'the gateway itself']]);
  for (const link of links) {
    const nodeId = nodeIdOf(link, gatewayId);
    const other = names.get(nodeId);
    if (other !== undefined) {
      throw new GatewayError(
        `link ${JSON.stringify(link.name)} has the node ID ${nodeId}, which is that of ` +
          `${other}: give it another node.id`,
      );
    }
    names.set(nodeId, `link ${JSON.stringify(link.name)}`);
  }
}

/** Plain data from the configuration, of which the order of keys does not matter. */
function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** Whose a node is, for people. That of a board on USB, or of a link that has gone, has no name here. */
function nameOfNode(links: readonly LinkConfig[], gatewayId: string, nodeId: string): string {
  const link = links.find((one) => nodeIdOf(one, gatewayId) === nodeId);
  return link === undefined ? `node ${nodeId}` : `link ${link.name}`;
}
