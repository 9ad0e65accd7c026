/**
 * Marks the nodes of links that have left the configuration, so that nobody takes them
 * for devices that are silent: `connected` 0 and `gatewayRemoved` 1. A link has left if
 * `stateDir` has a file of it, the configuration does not have it, and no other gateway
 * serves its node (removed-node.ts). Whether it left while the gateway ran or not makes
 * no difference, nor does a crash: a node is looked for until it is marked, and that is
 * kept in `stateDir/removed.json`.
 */
import type { Clock, Timer } from '../point/clock.js';
import type { Log } from '../point/log.js';
import { floatValue, makePoint, type Point } from '../point/point.js';
import { tokenProblem } from '../point/token.js';
import type { Siot } from '../siot/siot.js';
import { REMOVED_TYPE } from './link/statistics.js';
import { RemovedNode } from './removed-node.js';
import type { Service } from './services.js';
import type { StateDir } from './state/state-dir.js';

/** The pauses between two attempts to mark nodes while SIOT does not take it, ms. */
const FIRST_AGAIN_MS = 1_000;
const LAST_AGAIN_MS = 30_000;
/** Most nodes that one review takes up. */
const MOST_NODES = 1_000;

/** Which nodes belong to links that are there. */
export interface PresentNodes {
  /** Of all links of the configuration, and of all boards that are known of its `usb` links. */
  presentNodes(): ReadonlySet<string>;
}

/** SIOT as it is now; another one after its connection was begun anew. */
interface NodeMarker {
  readonly current: Pick<Siot, 'storedPoints' | 'publishLast'>;
}

/** Marks nodes whose links have left the configuration. */
export class RemovedLinks implements Service {
  readonly name = 'removed links';
  readonly stopByMs = 1_250;
  /** Nodes that are marked, or that another gateway serves. */
  #marked: Promise<Set<string>> | undefined;
  /** Nodes that are to be marked, and what is known of each; `undefined`: it was not looked at. */
  readonly #owed = new Map<string, RemovedNode | undefined>();
  #marking = false;
  #saving: Promise<void> = Promise.resolve();
  /** Nodes were marked since they were last saved. */
  #unsaved = false;
  #timer: Timer | undefined;
  #againMs = FIRST_AGAIN_MS;
  #stopped = false;

  constructor(
    private readonly links: PresentNodes,
    private readonly siot: NodeMarker,
    private readonly state: StateDir,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** All links have been made. */
  start(): Promise<void> {
    return this.review();
  }

  prepareStop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** What is marked by then is kept. A node that is just being marked is marked once more at the next start. */
  async stop(): Promise<void> {
    this.prepareStop();
    if (this.#unsaved) await this.#save();
    await this.#saving;
  }

  /** Looks for links that have left: to be called after each change of the configuration. */
  async review(): Promise<void> {
    const known = await this.state.knownNodes();
    const marked = await this.#load();
    const present = this.links.presentNodes();
    const there = new Set(known);
    for (const nodeId of marked) if (!there.has(nodeId)) marked.delete(nodeId);
    const left = known.filter((nodeId) => {
      return !present.has(nodeId) && !marked.has(nodeId) && tokenProblem(nodeId) === undefined;
    });
    for (const nodeId of left.slice(0, MOST_NODES)) {
      if (!this.#owed.has(nodeId)) this.#owed.set(nodeId, undefined);
    }
    this.#againMs = FIRST_AGAIN_MS;
    void this.#mark();
  }

  /** A link is made. True: its node is marked, or may be, and the link has to take that back. */
  async returned(nodeId: string): Promise<boolean> {
    const marked = await this.#load();
    const wasOwed = this.#owed.delete(nodeId);
    if (!marked.delete(nodeId)) return wasOwed;
    await this.#save();
    return true;
  }

  #save(): Promise<void> {
    this.#unsaved = false;
    this.#saving = this.#load().then((marked) => this.state.saveRemoved([...marked]));
    return this.#saving;
  }

  #load(): Promise<Set<string>> {
    this.#marked ??= this.state.loadRemoved().then((nodes) => new Set(nodes));
    return this.#marked;
  }

  async #mark(): Promise<void> {
    if (this.#marking) return;
    this.#marking = true;
    this.#timer?.cancel();
    for (const nodeId of this.#owed.keys()) {
      if (!this.#stopped) await this.#markOne(nodeId);
    }
    if (this.#unsaved && !this.#stopped) await this.#save();
    this.#marking = false;
    if (this.#stopped || this.#owed.size === 0) return;
    this.#timer = this.clock.setTimer(this.#againMs, () => void this.#mark());
    this.#againMs = Math.min(2 * this.#againMs, LAST_AGAIN_MS);
  }

  async #markOne(nodeId: string): Promise<void> {
    const stored = await this.siot.current.storedPoints(nodeId);
    if (stored === 'later') return;
    if (stored === 'noNode') return this.#done(nodeId);
    const node =
      this.#owed.get(nodeId) ?? new RemovedNode(nodeId, await this.state.lastConnected(nodeId));
    // The link may have come back meanwhile.
    if (!this.#owed.has(nodeId)) return;
    this.#owed.set(nodeId, node);
    switch (node.servedBy(stored, this.clock.monotonicMs())) {
      case 'unknown':
        return;
      case 'another':
        return this.#done(
          nodeId,
          'its link has left the configuration, but another gateway serves the node now: it is left as it is',
        );
      case 'nobody':
        if ((await this.#publish(nodeId, stored)) === 'published')
          await this.#done(
            nodeId,
            'its link has left the configuration: the node is marked as removed',
          );
    }
  }

  #publish(nodeId: string, stored: readonly Point[]): Promise<'published' | 'later'> {
    const time = this.clock.wallNs();
    const points = [
      makePoint({ type: 'connected', key: '0', time, value: floatValue(0) }),
      makePoint({ type: REMOVED_TYPE, key: '0', time, value: floatValue(1) }),
    ];
    return this.siot.current.publishLast(nodeId, points, stored);
  }

  async #done(nodeId: string, said?: string): Promise<void> {
    const marked = await this.#load();
    if (this.#stopped || !this.#owed.delete(nodeId)) return;
    marked.add(nodeId);
    this.#unsaved = true;
    if (said !== undefined) this.log.info({ nodeId }, said);
  }
}
