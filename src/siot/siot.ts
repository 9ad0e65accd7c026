import type { Outbox } from '../outbox/outbox.js';
import type { Point } from '../point/point.js';
import { PointMap } from '../point/point-map.js';
import { laterTime } from '../point/time.js';
import { BestEffortPublisher } from './publishing/best-effort-publisher.js';
import { Connection, type ConnectionState } from './connection/connection.js';
import {
  ListeningNode,
  type ListeningNodeHost,
  type SiotNode,
  type SiotNodeEvents,
  type SiotNodeSpec,
} from './nodes/listening-node.js';
import type { NatsSource } from './connection/nats-settings.js';
import { NodeKeeper, type NodeKeeperHost } from './nodes/nodes.js';
import { ReplyQuota } from './connection/reply-quota.js';
import type { DropCause, NodeNames, PublishHost, Suspicion } from './publishing/publish-state.js';
import { Publisher } from './publishing/publisher.js';
import { StoreClient } from './nodes/store-client.js';
import type { Undeleted } from './nodes/undelete.js';
import {
  StoreSearch,
  type StoreSearchHost,
  type StoreSearchOptions,
} from './search/store-search.js';
import type { Generation, SiotWire } from './wire/wire.js';
import { WIRES } from './wire/wires.js';

export type { NatsAuth, NatsSettings } from './connection/nats-settings.js';
export type { DropCause } from './publishing/publish-state.js';
export type { SiotNode, SiotNodeEvents, SiotNodeSpec } from './nodes/listening-node.js';
export type { NodeLife } from './nodes/kept-node.js';
export { undeleteCommand } from './nodes/undelete.js';
export type { NamedNode, Undeleted } from './nodes/undelete.js';
export type { Generation } from './wire/wire.js';

/** What SIOT needs of the gateway. */
export interface SiotOptions extends StoreSearchOptions {
  readonly connection: NatsSource;
  /** `root`, or the ID of the node under which the gateway's node is made. */
  readonly parent: string;
  readonly gateway: { readonly id: string; readonly description: string; readonly version: string };
  readonly outbox: Outbox;
  /** Most bytes of high-rate packets that wait for NATS; 4 MiB. */
  readonly highRateBytes?: number;
}

/** The state of SIOT now. */
export interface SiotStatus {
  readonly generation: Generation;
  readonly store: StoreSearch['store'];
  readonly nats: 'connected' | 'connecting' | 'refused';
  /** Why there is no connection, or what NATS does not permit, for people. */
  readonly problem?: string;
  /** Why SIOT takes no points, has no nodes for us, or cannot list one, for people. */
  readonly storeProblem?: string;
}

/** SIOT did not take a setting. The message is for people. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
  constructor(
    message: string,
    /** Whether SIOT may have taken it nevertheless: it was sent, but not answered. */
    readonly maybeTaken = false,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const HIGH_RATE_BYTES = 4 * 1_048_576;
/** Interval at which it is checked whether points are delivered, ms. */
const DRAIN_LOOK_MS = 10;
/** Longest time for which the last points of a removed node are delivered, ms. */
const REMOVED_WITHIN_MS = 5_000;

/**
 * The gateway's interface to SIOT. It publishes the points of the outbox, makes and
 * observes nodes, and hears what others publish. {@link start} begins this, and
 * {@link stop} ends it.
 *
 * ```
 *  Connection: dials without end
 *    └─ connected ─▶ StoreSearch: who answers?
 *                      ├─ a store ─▶ Publisher: with receipts. NodeKeeper: makes and reads nodes
 *                      ├─ nobody ──▶ Publisher: NATS confirms
 *                      └─ unknown ─▶ Publisher: points wait in the outbox
 * ```
 */
export class Siot
  implements StoreSearchHost, PublishHost, NodeNames, NodeKeeperHost, ListeningNodeHost
{
  readonly #options: SiotOptions;
  readonly #connection: Connection;
  readonly #search: StoreSearch;
  readonly #publisher: Publisher;
  readonly #keeper: NodeKeeper;
  readonly #streams: BestEffortPublisher;
  readonly #nodes = new Map<string, ListeningNode>();
  #wire: SiotWire;
  #store: StoreClient | undefined;
  #stopGatewayEdges: (() => void) | undefined;
  #stopping = false;
  #hurries = false;

  constructor(options: SiotOptions) {
    this.#options = options;
    const { clock, random, log, outbox, gateway } = options;
    this.#connection = new Connection({
      settings: options.connection,
      clock,
      random,
      log,
      onState: (state) => this.#onConnection(state),
      onDenied: (subject) => this.#publisher.denied(subject),
    });
    this.#search = new StoreSearch(options, this.#connection, this);
    this.#wire = WIRES[this.#search.generation];
    this.#publisher = new Publisher({
      connection: this.#connection,
      outbox,
      clock,
      random,
      log,
      host: this,
    });
    const { highRateBytes = HIGH_RATE_BYTES } = options;
    this.#streams = new BestEffortPublisher(this.#connection, highRateBytes, clock);
    this.#keeper = new NodeKeeper({
      clock,
      random,
      log,
      parent: options.parent,
      gateway: { ...gateway, type: 'mcuGateway' },
      host: this,
      publisher: this.#publisher,
    });
  }

  /** Begins to dial. Does not throw when no server answers, but dials without end. */
  start(): void {
    this.#listenToGatewayEdges();
    this.#connection.start();
  }

  /** Stops waiting for points of removed nodes, since {@link stop} will be called. */
  hurry(): void {
    this.#hurries = true;
  }

  /** Publishes as many points as it can within `drainMs`, and closes the connection. Idempotent. */
  async stop(drainMs: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#search.endSoon();
    await this.#until(() => this.#publisher.idle, drainMs);
    this.#search.stop();
    this.#keeper.end();
    this.#publisher.stop();
    this.#streams.stop();
    await this.#connection.close();
  }

  /** Host and port of the nats-server that the gateway is connected to now. */
  get server(): string | undefined {
    return this.#connection.server;
  }

  /** Longest payload that this server takes, bytes; `undefined`: there is no connection. */
  get maxPayload(): number | undefined {
    return this.#connection.maxPayload;
  }

  get status(): SiotStatus {
    const { state, denied } = this.#connection;
    const problem = state.name === 'connected' ? denied : 'problem' in state ? state.problem : '';
    const storeProblem = this.#storeProblem();
    return {
      generation: this.#wire.generation,
      store: this.#search.store,
      nats: state.name === 'closed' ? 'connecting' : state.name,
      ...(problem ? { problem } : {}),
      ...(storeProblem === '' ? {} : { storeProblem }),
    };
  }

  #storeProblem(): string {
    if (this.#search.problem !== '') return this.#search.problem;
    return this.#store === undefined ? '' : this.#keeper.problem;
  }

  /** Makes and observes the node of a link. */
  addNode(spec: SiotNodeSpec, events: SiotNodeEvents): SiotNode {
    const { clock, log } = this.#options;
    const services = {
      connection: this.#connection,
      keeper: this.#keeper,
      publisher: this.#publisher,
      streams: this.#streams,
      clock,
      log,
    };
    const node = new ListeningNode(spec, events, this, services);
    this.#nodes.set(spec.id, node);
    this.#publisher.join(spec.id);
    node.listen(this.#wire);
    this.#keeper.add(
      { ...spec, description: spec.description === '' ? spec.name : spec.description },
      node,
    );
    return node;
  }

  /**
   * Answers requests on `mcu-gateway.<gatewayID>.<verb>` until the returned function
   * is called. A request may get several answers. Requests are dropped while the server
   * has not processed 4 MiB of answers.
   */
  serve(
    verb: string,
    handler: (request: Uint8Array, reply: (answer: Uint8Array) => void) => void,
  ): () => void {
    const subject = `mcu-gateway.${this.#options.gateway.id}.${verb}`;
    const quota = new ReplyQuota(this.#connection);
    return this.#connection.subscribe(subject, ({ data, reply }) => {
      if (quota.isFull) return;
      handler(data, (answer) => {
        if (reply !== '' && this.#connection.connected) quota.reply(reply, answer);
      });
    });
  }

  /**
   * Publishes a setting on a node, and waits for the store's receipt, 20 s at most.
   * Without a store, waits until NATS has processed it. Rejects with a
   * {@link SettingError}. The node's own subscription does not get it: NATS does not echo.
   */
  async publishSetting(nodeId: string, point: Point): Promise<void> {
    if (!this.#connection.connected) throw new SettingError('there is no connection to NATS');
    const store = this.#store;
    if (store !== undefined) {
      const problem = await store.writePoints(nodeId, [point]);
      if (problem !== undefined) throw new SettingError(problem.why, problem.maybe);
      return;
    }
    if (this.#search.store === 'expected') throw new SettingError('SIOT does not answer');
    try {
      this.#connection.publish(this.#wire.pointSubject(nodeId, point), this.#wire.encode([point]));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new SettingError(`it cannot be published: ${why}`, false, { cause });
    }
    const processed = await new Promise<boolean>((resolve) => this.#connection.barrier(resolve));
    if (!processed) throw new SettingError('the connection to NATS was lost', true);
  }

  /**
   * Makes the node of a link, or the gateway's own, live again after somebody deleted it
   * in SIOT. Resolves after several queries of up to 20 s each, and never rejects.
   */
  async undelete(nodeId: string): Promise<Undeleted> {
    const failed = (why: string): Undeleted => ({ state: 'failed', why, maybe: false });
    if (!this.#connection.connected) return failed('there is no connection to NATS');
    if (this.#store !== undefined) return this.#keeper.undelete(nodeId);
    return failed(
      this.#publisher.mode.kind === 'withoutStore'
        ? 'there is no SIOT here: nothing keeps nodes, and so none is deleted'
        : 'SIOT does not answer',
    );
  }

  /**
   * The points of a node that has no link any more; none without a store. Resolves to
   * `noNode` if SIOT has no such node, or somebody deleted it, and to `later` if SIOT
   * does not answer now.
   */
  async storedPoints(nodeId: string): Promise<readonly Point[] | 'noNode' | 'later'> {
    if (this.#store === undefined)
      return this.#publisher.mode.kind === 'withoutStore' ? [] : 'later';
    const found = await this.#store.find(nodeId);
    if (found.life === 'unknown') return 'later';
    return found.life === 'alive' ? found.node.points : 'noNode';
  }

  /**
   * Publishes points on a node that has no link any more, each with a time later than the
   * one in `stored`. Resolves to `later` if neither SIOT nor, without a store, NATS takes
   * them now.
   */
  async publishLast(
    nodeId: string,
    points: readonly Point[],
    stored: readonly Point[],
  ): Promise<'published' | 'later'> {
    const times = new PointMap<bigint>();
    for (const { type, key, time } of stored) times.set(type, key, time);
    for (const point of points) {
      const time = laterTime(point.time, times.get(point.type, point.key) ?? 0n);
      try {
        await this.publishSetting(nodeId, { ...point, time });
      } catch {
        return 'later';
      }
    }
    return 'published';
  }

  #onConnection(state: ConnectionState): void {
    if (this.#stopping && state.name === 'closed') return;
    this.#search.connectionChanged(state.name === 'connected');
    if (state.name === 'connected') this.#streams.goOn();
  }

  // For the search -------------------------------------------------------------

  get accepted(): number {
    return this.#publisher.accepted;
  }

  storeUnknown(): void {
    this.#store = undefined;
    this.#keeper.end();
    this.#publisher.mode = { kind: 'paused' };
  }

  noStore(): void {
    if (this.#publisher.mode.kind === 'withoutStore') return;
    this.#publisher.mode = { kind: 'withoutStore', wire: this.#wire };
    this.#streams.goOn();
  }

  storeAnswers(generation: Generation, first: boolean): void {
    if (this.#wire.generation !== generation) {
      this.#wire = WIRES[generation];
      this.#listenToGatewayEdges();
      for (const node of this.#nodes.values()) node.listen(this.#wire);
    }
    this.#store = new StoreClient(this.#connection, this.#options.clock, this.#wire);
    this.#keeper.begin(this.#store, first);
    this.#publisher.mode = { kind: 'withStore', wire: this.#wire };
    this.#streams.goOn();
  }

  // For publisher, keeper and nodes --------------------------------------------

  parentFound(): void {
    this.#streams.goOn();
  }

  /** Without a store there is no root node whose ID could be known. */
  defaultHighRateNode(): string | undefined {
    const { kind } = this.#publisher.mode;
    return this.#keeper.askParentId() ?? (kind === 'withoutStore' ? 'root' : undefined);
  }

  suspect(why: Suspicion): void {
    this.#search.suspect(why);
  }

  dropped(nodeId: string, cause: DropCause, points: readonly Point[]): void {
    this.#nodes.get(nodeId)?.events.dropped?.(cause, points);
  }

  linkOf(nodeId: string): string | undefined {
    return this.#nodes.get(nodeId)?.spec.name;
  }

  withholds(nodeId: string, point: Point): boolean {
    return this.#nodes.get(nodeId)?.events.withholds?.(point) === true;
  }

  #listenToGatewayEdges(): void {
    const { id } = this.#options.gateway;
    this.#stopGatewayEdges?.();
    this.#stopGatewayEdges = this.#connection.subscribe(this.#wire.edgeSubscription(id), () =>
      this.#keeper.edgeChanged(id),
    );
  }

  async removed(node: ListeningNode): Promise<void> {
    const { id } = node.spec;
    if (this.#nodes.get(id) !== node) return;
    this.#nodes.delete(id);
    this.#keeper.remove(id);
    this.#publisher.hold(id, false);
    await this.#until(
      () => this.#hurries || this.#publisher.idleOf(id) || this.#publisher.mode.kind === 'paused',
      REMOVED_WITHIN_MS,
    );
    // A link with the same node may have been added meanwhile. If the gateway stops, the
    // outbox keeps the points.
    if (this.#nodes.has(id) || this.#hurries) return;
    this.#publisher.discard(id, false);
    this.#options.outbox.release(id);
    this.#publisher.leave(id);
  }

  async #until(done: () => boolean, withinMs: number): Promise<void> {
    const { clock } = this.#options;
    const endMs = clock.monotonicMs() + withinMs;
    while (!done() && clock.monotonicMs() < endMs && this.#connection.state.name !== 'closed') {
      await new Promise<void>((resolve) => clock.setTimer(DRAIN_LOOK_MS, resolve));
    }
  }
}
