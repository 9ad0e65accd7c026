import { isDeepStrictEqual } from 'node:util';
import { PointBudget } from '../session/node/point-quota.js';
import { Tap } from '../transport/tap.js';
import type { Transport } from '../transport/transport.js';
import { createTransport } from '../transport/transports.js';
import type { ClockUsers } from './clock-watch.js';
import { nodeIdOf, nodeIdOfName, type Configured, type LinkConfig } from './config/config.js';
import type { ControlledLinks } from './control/controlled.js';
import type { GatewayParts } from './gateway-parts.js';
import type { Identity } from './identity.js';
import { KeptLog } from './link/kept-log.js';
import { Link } from './link/link.js';
import { Scheduler } from './link/scheduler.js';
import type { OutboxService } from './outbox-service.js';
import { RemovedLinks, type PresentNodes } from './removed-links.js';
import type { Service } from './services.js';
import type { SiotService } from './siot-service.js';
import { isUsbTemplate, type UsbLinkHost } from './usb/link-group.js';
import { UsbLinkGroups } from './usb/link-groups.js';

/** The links: those of the configuration, and one for each board on USB that it matches. */
export class Links implements Service, ControlledLinks, UsbLinkHost, ClockUsers, PresentNodes {
  readonly name = 'links';
  readonly stopByMs = 1_300;
  /** Makes links for boards on USB. */
  readonly usb: UsbLinkGroups;
  /** Keeps what links have heard from SIOT until its connection was closed. */
  readonly records: Service;
  /** Marks the nodes of links that have left the configuration. */
  readonly removed: RemovedLinks;
  readonly #links = new Map<string, Link>();
  /** By the names of links. Who observes one still does when the link was made anew. */
  readonly #taps = new Map<string, Tap>();
  /** By node ID. */
  readonly #logs = new Map<string, KeptLog>();
  /** Names of links on USB that are being made. */
  readonly #coming = new Set<string>();
  readonly #budget: PointBudget;
  readonly #scheduler: Scheduler;
  readonly #removalWatchers = new Set<(name: string) => void>();
  /** Names of links that have ended, and may be made anew. */
  readonly #left = new Set<string>();
  /** Another configuration is being applied. */
  #changing = false;
  #ending = false;

  constructor(
    private readonly configured: Configured,
    private readonly identity: Identity,
    private readonly outbox: OutboxService,
    private readonly siot: SiotService,
    private readonly parts: GatewayParts,
  ) {
    const { clock, log, usbRoot } = parts;
    this.#budget = new PointBudget(configured.config.gateway.maxPoints);
    this.#scheduler = new Scheduler(clock);
    this.usb = new UsbLinkGroups(this, configured, identity.state, { clock, log, where: usbRoot });
    this.removed = new RemovedLinks(this, siot, identity.state, clock, log);
    this.records = {
      name: 'records of links',
      stopByMs: 4_000,
      ifLate: 'the disk of stateDir does not answer: what was heard last of the links is not kept',
      start: () => undefined,
      stop: async () => {
        await Promise.all(this.all().map((link) => link.keep()));
      },
    };
  }

  async start(): Promise<void> {
    for (const link of this.configured.config.links) await this.#addConfigured(link);
  }

  prepareStop(): void {
    this.#ending = true;
  }

  /** Releases the devices. What they have reported may still wait in the outbox. */
  async stop(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.all().map((link) => link.stop()));
  }

  all(): readonly Link[] {
    return [...this.#links.values()];
  }

  confirm(name: string): boolean {
    return this.usb.confirm(name);
  }

  watchRemovals(removed: (name: string) => void): () => void {
    this.#removalWatchers.add(removed);
    return () => void this.#removalWatchers.delete(removed);
  }

  presentNodes(): ReadonlySet<string> {
    const { id } = this.identity;
    return new Set([
      ...this.all().map(({ nodeId }) => nodeId),
      // One may have got no link, such as one whose name a board has.
      ...this.configured.config.links.map((link) => nodeIdOf(link, id)),
      ...this.usb.memberNames().map((name) => nodeIdOfName(name, id)),
    ]);
  }

  clockStepped(): void {
    for (const link of this.#links.values()) link.clockStepped();
  }

  /** After another connection to SIOT was begun. */
  attach(): void {
    for (const link of this.#links.values()) link.node.attach(this.siot.current);
  }

  /** Ends the links that the configuration, another one now, does not have any more or has otherwise. */
  async removeChanged(): Promise<void> {
    this.#changing = true;
    const { links: wanted, gateway } = this.configured.config;
    this.#budget.limit = gateway.maxPoints;
    const changed = (link: LinkConfig): boolean =>
      !isDeepStrictEqual(
        link,
        wanted.find(({ name }) => name === link.name),
      );
    const groups = this.usb.templates().filter(changed);
    const links = this.all().filter(
      (link) => link.config.transport.type !== 'usb' && changed(link.config),
    );
    // Side by side: each may have to wait for a store that does not answer.
    await Promise.all([
      ...groups.map(({ name }) => this.usb.remove(name)),
      ...links.map((link) => this.#remove(link)),
    ]);
  }

  /** Makes the links of the configuration that are not there. */
  async addMissing(): Promise<void> {
    const there = new Set([
      ...this.#links.keys(),
      ...this.#coming,
      ...this.usb.templates().map(({ name }) => name),
    ]);
    for (const link of this.configured.config.links) {
      if (!there.has(link.name)) await this.#addConfigured(link);
      else if (this.#isOnUsb(link)) {
        this.parts.log.warn(
          { link: link.name },
          'not added: a device on USB has a link of this name already; give it another name',
        );
      }
    }
    await this.usb.lookAgain();
    this.#changing = false;
    const present = this.presentNodes();
    for (const nodeId of this.#logs.keys()) if (!present.has(nodeId)) this.#logs.delete(nodeId);
    this.#tellRemovals();
    await this.removed.review();
  }

  /** For a board on USB, which has no link of this name in the configuration. */
  async addLink(config: LinkConfig, transport: Transport): Promise<Link | undefined> {
    const { name } = config;
    if (
      this.configured.config.links.some((link) => link.name === name) ||
      this.#links.has(name) ||
      this.#coming.has(name)
    ) {
      this.parts.log.error(
        { link: name },
        'a USB device has no link: the configuration has another link of that name; rename it',
      );
      return undefined;
    }
    this.#coming.add(name);
    try {
      return await this.#add(config, transport);
    } finally {
      this.#coming.delete(name);
    }
  }

  async removeLink(name: string): Promise<void> {
    const link = this.#links.get(name);
    if (link === undefined) return;
    await this.#remove(link);
    if (!this.#changing) this.#tellRemovals();
  }

  async #addConfigured(config: LinkConfig): Promise<void> {
    const { transport } = config;
    if (isUsbTemplate(config)) await this.usb.add(config);
    else if (transport.type !== 'usb') {
      await this.#add(config, createTransport(transport, this.parts.clock));
    }
  }

  /** `undefined`: the gateway ends. */
  async #add(config: LinkConfig, transport: Transport): Promise<Link | undefined> {
    const { clock, random, log } = this.parts;
    const { state, id } = this.identity;
    const nodeId = nodeIdOf(config, id);
    const file = state.linkFile(nodeId);
    const names = state.namesFile(nodeId, clock);
    const knownNames = await names.load();
    const record = await file.load();
    const keptLog = await this.#logOf(nodeId);
    const wasRemoved = await this.removed.returned(nodeId);
    // The disk may have taken its time.
    if (this.#ending) return undefined;
    const link = new Link({
      config,
      nodeId,
      transport,
      outbox: this.outbox.outbox,
      budget: this.#budget,
      scheduler: this.#scheduler,
      clock,
      random,
      log: log.child({ link: config.name }),
      file,
      names,
      knownNames,
      record,
      fileToDevice: state.fileToDevice(nodeId),
      giveUpMs: () => this.configured.config.files.giveUpMs,
      tap: this.#tapOf(config.name),
      keptLog,
      restartFiles: state.restartFiles(config.name),
    });
    this.#links.set(config.name, link);
    if (wasRemoved) link.node.cameBack();
    link.node.attach(this.siot.current);
    link.start();
    return link;
  }

  async #remove(link: Link): Promise<void> {
    this.#links.delete(link.name);
    this.#left.add(link.name);
    await link.stop();
    for (const [name, { isObserved }] of this.#taps)
      if (!isObserved && !this.#links.has(name)) this.#taps.delete(name);
    await link.node.detach();
    await link.keep();
    this.outbox.outbox.release(link.nodeId);
  }

  #tellRemovals(): void {
    const names = [...this.#left].filter((name) => !this.#links.has(name));
    this.#left.clear();
    for (const name of names) for (const removed of this.#removalWatchers) removed(name);
  }

  /** Lines that come while it is loaded do not exist: its link is not there yet. */
  async #logOf(nodeId: string): Promise<KeptLog> {
    let kept = this.#logs.get(nodeId);
    if (kept === undefined) {
      const file = this.identity.state.logFile(nodeId);
      kept = new KeptLog(file, () => this.configured.config.log.keep, this.parts.clock);
      this.#logs.set(nodeId, kept);
    }
    // Also where another link of that node has begun it: who gets the log gets it whole.
    await kept.load();
    return kept;
  }

  #tapOf(name: string): Tap {
    let tap = this.#taps.get(name);
    if (tap === undefined) {
      tap = new Tap(this.parts.clock);
      this.#taps.set(name, tap);
    }
    return tap;
  }

  /** A link that is configured otherwise has its name from a device on USB. */
  #isOnUsb({ name, transport }: LinkConfig): boolean {
    const isTaken =
      this.#links.get(name)?.config.transport.type === 'usb' || this.#coming.has(name);
    return transport.type !== 'usb' && isTaken;
  }
}
