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
  whose,
} from './kept-node.js';
import { GatewayParent } from './gateway-parent.js';
import type { Suspicion } from '../publishing/publish-state.js';
import type { Publisher } from '../publishing/publisher.js';
import type { Found, StoreClient } from './store-client.js';
import { undelete, undeleteCommand, type Undeleted } from './undelete.js';

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

/** Is told what the node keeper finds out about the store. */
export interface NodeKeeperHost {
  /** The store may be gone, or be another one. */
  suspect(why: Suspicion): void;
  /** The ID is known now for which {@link NodeKeeper.askParentId} was called in vain. */
  parentFound(): void;
}

const RETRY = { firstMs: 1_000, maxMs: 30_000 };
/** Longest time for which points of a node wait until it has been read, ms. */
const HOLD_MOST_MS = 10_000;
/** The store processes an edge message at the same time as we do: so look after 50 ms, and after 1 s. */
const RECHECK_MS = [50, 1_000];
/** Interval at which the gateway's node is looked for, to notice that the store was replaced, ms. */
const LOOK_EVERY_MS = 30_000;

/** Pause before SIOT is asked again for its root node, ms. */
const PARENT_AGAIN_MS = 5_000;

const NOT_NOW: Undeleted = { state: 'failed', why: 'SIOT does not answer', maybe: false };

/**
 * Works while a store answers. Makes the gateway's node and a node for each link if they
 * do not exist, reads them, and observes whether they are deleted (docs/contract.md,
 * "Nodes").
 */
export class NodeKeeper {
  readonly #options: NodeKeeperOptions;
  readonly #gateway: KeptNode;
  readonly #links = new Map<string, KeptNode>();
  #store: StoreClient | undefined;
  #pulse: Timer | undefined;
  /** Why nodes cannot be made or read, for people; blank: there is no problem. */
  problem = '';
  readonly #parent: GatewayParent;
  /** Runs for a while after SIOT was asked for the parent: it is not asked again until then. */
  #findingParent: Timer | undefined;
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
    this.#parent.forget();
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

  /**
   * ID of `siot.parent`; `undefined`: it is not known yet. Then SIOT is asked, and
   * `NodeKeeperHost.parentFound` follows.
   */
  askParentId(): string | undefined {
    const { known } = this.#parent;
    if (known === undefined) void this.#findParent();
    return known;
  }

  async #findParent(): Promise<void> {
    const store = this.#store;
    if (store === undefined || this.#findingParent !== undefined) return;
    const { clock, host } = this.#options;
    this.#findingParent = clock.setTimer(PARENT_AGAIN_MS, () => (this.#findingParent = undefined));
    if ((await this.#parent.find(store)) === undefined || this.#store !== store) return;
    host.parentFound();
  }

  /** The store has stopped answering. */
  end(): void {
    this.#store = undefined;
    this.#pulse?.cancel();
    this.#findingParent?.cancel();
    this.#findingParent = undefined;
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
    const kept = this.#keptOf(nodeId);
    if (kept !== undefined && this.#store !== undefined) this.#lookSoon(kept);
  }

  /** Reads the points of a link's node once more, if a store answers. */
  readAgain(nodeId: string): void {
    const kept = this.#links.get(nodeId);
    if (kept === undefined || this.#store === undefined) return;
    kept.unread = true;
    void this.#look(kept);
  }

  /** The points of each live node of a type below a node; or why they cannot be read, for people. */
  async children(nodeId: string, type: string): Promise<readonly (readonly Point[])[] | string> {
    const nodes = (await this.#store?.children(nodeId, type)) ?? 'SIOT does not answer';
    return typeof nodes === 'string' ? nodes : nodes.map(({ points }) => points);
  }

  /** A node that somebody deleted is to live again; afterwards its points are published again. */
  async undelete(nodeId: string): Promise<Undeleted> {
    const store = this.#store;
    const kept = this.#keptOf(nodeId);
    if (store === undefined || kept === undefined) return NOT_NOW;
    const result = await undelete(store, nodeId);
    if (result.state !== 'undeleted' || this.#store !== store) return result;
    // NATS does not tell us what we have written ourselves.
    const found = await store.find(nodeId);
    if (this.#store !== store || this.#keptOf(nodeId) !== kept) return result;
    this.#apply(kept, found);
    // A query that was under way may have found it deleted.
    this.#lookSoon(kept);
    return result;
  }

  #keptOf(nodeId: string): KeptNode | undefined {
    return nodeId === this.#gateway.spec.id ? this.#gateway : this.#links.get(nodeId);
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

  // One query at a time for each node and store. A query of a store that is gone may take
  // long: the next store is asked without waiting for it.
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
        // If the store did not have the gateway's node, it has none of the links' nodes either.
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
          log.info(whose(kept.spec), 'the node lives again: publishing goes on');
        }
        publisher.discard(id, false);
        this.#setLife(kept, 'alive');
        if (found.odd > 0)
          log.debug({ ...whose(kept.spec), odd: found.odd }, 'odd points left out');
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
            whose(kept.spec),
            'somebody deleted this node in SIOT: its points are dropped until it lives again: ' +
              undeleteCommand(kept.spec.name),
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
    if (unreadable === '' && kept.unreadable !== '')
      log.info(whose(kept.spec), 'the node can be read again');
    if (unreadable !== '') {
      // Reading is tried without end: only a new reason is a warning.
      const say = unreadable === kept.unreadable ? log.debug.bind(log) : log.warn.bind(log);
      say(whose(kept.spec), `the node could not be read: ${unreadable}`);
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

  /** Makes the node. Resolves to whether it was made. */
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
      log.warn({ ...whose(kept.spec), parentId }, `the node could not be made: ${problem}`);
      return false;
    }
    log.info({ ...whose(kept.spec), parentId, type }, 'node made in SIOT');
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

  /** Looks at the nodes of links. Not at once, since they are made below the gateway's node. */
  #lookAtLinksSoon(): void {
    for (const kept of this.#links.values()) {
      kept.unread = true;
      this.#lookSoon(kept);
    }
  }

  /** Looks at nodes of links that could not be made while the gateway's node did not exist. */
  #lookAtNodesNotMade(): void {
    if (this.#gateway.life !== 'alive') return;
    for (const kept of this.#links.values()) {
      if (kept.retry !== undefined) void this.#look(kept);
    }
  }
}
