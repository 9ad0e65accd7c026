import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { makePoint, stringValue, textOf, type Point } from '../../point/point.js';
import { laterTime } from '../../point/time.js';
import { backoffMs } from '../connection/backoff.js';
import {
  isWanted,
  keptNode,
  nodesProblem,
  type KeptNode,
  type NodeEvents,
  type NodeLife,
  type NodeSpec,
} from './kept-node.js';
import { GatewayParent } from './gateway-parent.js';
import type { Suspicion } from '../publishing/publish-state.js';
import type { Publisher } from '../publishing/publisher.js';
import type { Found, StoreClient } from './store-client.js';

interface NodeKeeperOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** `root`, or the ID of the node under which the gateway's node is made. */
  readonly parent: string;
  readonly gateway: NodeSpec & { readonly version: string };
  readonly host: NodeKeeperHost;
  readonly publisher: Publisher;
}

/** Hears of the store what the node keeper finds out. */
export interface NodeKeeperHost {
  /** The store may be gone, or be another one. */
  suspect(why: Suspicion): void;
}

const RETRY = { firstMs: 1_000, maxMs: 30_000 };
/** Points of a node wait so long at most for its reading, ms. */
const HOLD_MOST_MS = 10_000;
/** The store processes an edge message while we hear it: look after 50 ms, and after 1 s. */
const RECHECK_MS = [50, 1_000];
/** How often the gateway's node is looked for, to notice that the store was replaced, ms. */
const LOOK_EVERY_MS = 30_000;

/**
 * While a store answers, makes the gateway's node and one for each link where they do
 * not exist, reads them, and follows whether they are deleted (docs/contract.md, "Nodes").
 */
export class NodeKeeper {
  readonly #options: NodeKeeperOptions;
  readonly #gateway: KeptNode;
  readonly #links = new Map<string, KeptNode>();
  #store: StoreClient | undefined;
  #pulse: Timer | undefined;
  /** Why nodes cannot be made, for people; blank: they can. */
  problem = '';
  readonly #parent: GatewayParent;
  /** Time of the last version point. */
  #lastNs = 0n;

  constructor(options: NodeKeeperOptions) {
    this.#options = options;
    this.#parent = new GatewayParent(options.parent, options.log);
    this.#gateway = keptNode(options.gateway, {
      read: (points) => this.#readGateway(points),
      lifeChanged: () => this.#lookAtNodesNotMade(),
    });
  }

  /** A store answers. `first`: for the first time. */
  begin(store: StoreClient, first: boolean): void {
    this.end();
    this.#store = store;
    this.#parent.isMissing = false;
    this.problem = '';
    for (const kept of this.#all()) {
      kept.unread = true;
      kept.failures = 0;
      kept.owesResend ||= first;
    }
    for (const kept of this.#links.values()) this.#hold(kept);
    void this.#beginWith(store);
    this.#schedulePulse(store);
  }

  /** The store does not answer any more. */
  end(): void {
    this.#store = undefined;
    this.#pulse?.cancel();
    for (const kept of this.#all()) this.#rest(kept);
  }

  add(spec: NodeSpec, events: NodeEvents): void {
    const kept = keptNode(spec, events);
    this.#links.set(spec.id, kept);
    if (this.#store === undefined) return;
    this.#hold(kept);
    void this.#look(kept);
  }

  remove(nodeId: string): void {
    const kept = this.#links.get(nodeId);
    if (kept === undefined) return;
    this.#rest(kept);
    this.#links.delete(nodeId);
    this.#reportProblem();
  }

  /** Somebody published on one of the node's edges. */
  edgeChanged(nodeId: string): void {
    const kept = nodeId === this.#gateway.spec.id ? this.#gateway : this.#links.get(nodeId);
    if (kept !== undefined && this.#store !== undefined) this.#lookSoon(kept);
  }

  /** The points of a link's node are to be read once more, if a store answers. */
  readAgain(nodeId: string): void {
    const kept = this.#links.get(nodeId);
    if (kept === undefined || this.#store === undefined) return;
    kept.unread = true;
    void this.#look(kept);
  }

  #lookSoon(kept: KeptNode): void {
    for (const timer of kept.recheck) timer.cancel();
    kept.recheck = RECHECK_MS.map((ms) =>
      this.#options.clock.setTimer(ms, () => void this.#look(kept)),
    );
  }

  #all(): KeptNode[] {
    return [this.#gateway, ...this.#links.values()];
  }

  #hold(kept: KeptNode): void {
    const { clock, publisher } = this.#options;
    const { id } = kept.spec;
    publisher.hold(id, true);
    kept.holdTimer?.cancel();
    kept.holdTimer = clock.setTimer(HOLD_MOST_MS, () => publisher.hold(id, false));
  }

  #rest(kept: KeptNode): void {
    kept.holdTimer?.cancel();
    kept.retry?.cancel();
    kept.retry = undefined;
    for (const timer of kept.recheck) timer.cancel();
    kept.recheck = [];
  }

  async #beginWith(store: StoreClient): Promise<void> {
    await this.#look(this.#gateway);
    if (this.#store !== store) return;
    await Promise.all([...this.#links.values()].map((kept) => this.#look(kept)));
  }

  #schedulePulse(store: StoreClient): void {
    this.#pulse = this.#options.clock.setTimer(LOOK_EVERY_MS, () => {
      void this.#look(this.#gateway).then(() => {
        if (this.#store === store) this.#schedulePulse(store);
      });
    });
  }

  // A query of a store that is gone may take long: the next store is not kept waiting.
  async #look(kept: KeptNode): Promise<void> {
    const store = this.#store;
    if (store === undefined) return;
    if (kept.looking === store) {
      kept.lookAgain = true;
      return;
    }
    kept.looking = store;
    do {
      kept.lookAgain = false;
      kept.retry?.cancel();
      kept.retry = undefined;
      await this.#lookOnce(kept, store);
    } while (this.#store === store && isWanted(kept, store));
    if (kept.looking === store) kept.looking = undefined;
  }

  async #lookOnce(kept: KeptNode, store: StoreClient): Promise<void> {
    let found = await store.find(kept.spec.id);
    if (this.#store !== store) return;
    if (found.life === 'absent') {
      const made = await this.#make(kept, store);
      if (this.#store !== store) return;
      if (made) {
        kept.owesResend = true;
        kept.unread = true;
        // A store without the gateway's node has no nodes below it.
        if (kept === this.#gateway) this.#lookAtLinksSoon();
        found = await store.find(kept.spec.id);
        if (this.#store !== store) return;
      }
    }
    this.#apply(kept, found);
  }

  #apply(kept: KeptNode, found: Found): void {
    const { publisher, log, host } = this.#options;
    const { id } = kept.spec;
    this.#reportReading(kept, found.life === 'unknown' ? found.why : '');
    switch (found.life) {
      case 'alive': {
        const before = kept.life;
        kept.failures = 0;
        if (before === 'deleted') {
          kept.owesResend = true;
          log.info({ nodeId: id }, 'the node lives again: publishing goes on');
        }
        publisher.discard(id, false);
        this.#setLife(kept, 'alive');
        if (found.odd > 0) log.debug({ nodeId: id, odd: found.odd }, 'odd points left out');
        if (kept.unread || before === 'deleted') {
          const everything = kept.owesResend;
          kept.unread = false;
          kept.owesResend = false;
          kept.events.read(found.node.points, everything);
        }
        break;
      }
      case 'deleted':
        kept.failures = 0;
        kept.unread = true;
        if (kept.life !== 'deleted' && kept !== this.#gateway) {
          log.warn(
            { nodeId: id },
            'somebody deleted this node in SIOT: its points are dropped until it is undeleted there',
          );
        }
        publisher.discard(id, true);
        this.#setLife(kept, 'deleted');
        break;
      case 'absent':
        this.#setLife(kept, 'unknown');
        this.#lookLater(kept);
        break;
      case 'unknown':
        this.#lookLater(kept);
        if (found.gone) host.suspect('noResponders');
        break;
    }
    kept.holdTimer?.cancel();
    publisher.hold(id, false);
    this.#reportProblem();
  }

  #reportReading(kept: KeptNode, unreadable: string): void {
    const { log } = this.#options;
    const { id } = kept.spec;
    if (unreadable === '' && kept.unreadable !== '')
      log.info({ nodeId: id }, 'the node can be read again');
    if (unreadable !== '') {
      // It is tried again without end.
      const say = unreadable === kept.unreadable ? log.debug.bind(log) : log.warn.bind(log);
      say({ nodeId: id }, `the node could not be read: ${unreadable}`);
    }
    kept.unreadable = unreadable;
  }

  /** Updates {@link problem}, for `siot-mcu watch`, and logs it. */
  #reportProblem(): void {
    const { log } = this.#options;
    const { life, spec } = this.#gateway;
    const { id, isMissing } = this.#parent;
    const problem = nodesProblem(this.#gateway, this.#all(), isMissing ? id : undefined);
    if (problem === this.problem) return;
    this.problem = problem;
    const notMade = [...this.#links.values()].filter((kept) => kept.life === 'unknown');
    if (life === 'deleted') log.warn({ nodeId: spec.id, without: notMade.length }, problem);
  }

  #lookLater(kept: KeptNode): void {
    const { clock, random } = this.#options;
    kept.failures += 1;
    kept.retry?.cancel();
    kept.retry = clock.setTimer(backoffMs(kept.failures, RETRY, random()), () => {
      kept.retry = undefined;
      void this.#look(kept);
    });
  }

  #setLife(kept: KeptNode, life: NodeLife): void {
    if (kept.life === life) return;
    kept.life = life;
    kept.events.lifeChanged(life);
  }

  /** Whether the node was made. */
  async #make(kept: KeptNode, store: StoreClient): Promise<boolean> {
    const { log, gateway } = this.#options;
    const parentId =
      kept === this.#gateway ? await this.#parent.find(store) : this.#gatewayIfAlive();
    if (parentId === undefined || this.#store !== store) return false;
    const { id, type, description } = kept.spec;
    const texts: Record<string, string> = {};
    if (description !== '') texts['description'] = description;
    if (kept === this.#gateway) texts['versionApp'] = gateway.version;
    const problem = await store.create(id, type, parentId, texts);
    if (problem !== undefined) {
      log.warn({ nodeId: id, parentId }, `the node could not be made: ${problem}`);
      return false;
    }
    log.info({ nodeId: id, parentId, type }, 'node made in SIOT');
    return true;
  }

  #gatewayIfAlive(): string | undefined {
    return this.#gateway.life === 'alive' ? this.#gateway.spec.id : undefined;
  }

  #readGateway(points: readonly Point[]): void {
    const { gateway, publisher, clock } = this.#options;
    const stored = points.find((point) => point.type === 'versionApp');
    if (stored !== undefined && textOf(stored.value) === gateway.version) return;
    this.#lastNs = laterTime(clock.wallNs(), this.#lastNs);
    publisher.putStatus(gateway.id, [
      makePoint({ type: 'versionApp', value: stringValue(gateway.version), time: this.#lastNs }),
    ]);
  }

  /** Later, since the nodes of links are made below the gateway's. */
  #lookAtLinksSoon(): void {
    for (const kept of this.#links.values()) {
      kept.unread = true;
      this.#lookSoon(kept);
    }
  }

  /** Nodes of links could not be made while the gateway's did not exist. */
  #lookAtNodesNotMade(): void {
    if (this.#gateway.life !== 'alive') return;
    for (const kept of this.#links.values()) {
      if (kept.retry !== undefined) void this.#look(kept);
    }
  }
}
