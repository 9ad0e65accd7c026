import type { Outbox } from '../outbox/outbox.js';
import type { Clock, Timer } from '../point/clock.js';
import type { Log } from '../point/log.js';
import { makePoint, stringValue, type Point } from '../point/point.js';
import { laterTime } from '../point/time.js';
import { backoffMs } from './connection/backoff.js';
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
import { probe } from './nodes/probe.js';
import type { DropCause, PublishHost, Suspicion } from './publishing/publish-state.js';
import { Publisher } from './publishing/publisher.js';
import { StoreClient } from './nodes/store-client.js';
import type { Generation, SiotWire } from './wire/wire.js';
import { WIRES } from './wire/wires.js';

export type { NatsAuth, NatsSettings } from './connection/nats-settings.js';
export type { DropCause } from './publishing/publish-state.js';
export type { SiotNode, SiotNodeEvents, SiotNodeSpec } from './nodes/listening-node.js';
export type { NodeLife } from './nodes/kept-node.js';
export type { Generation } from './wire/wire.js';

/** What SIOT needs of the gateway. */
export interface SiotOptions {
  readonly connection: NatsSource;
  readonly generation: 'auto' | Generation;
  readonly store: 'auto' | 'required' | 'none';
  /** `root`, or the ID of the node under which the gateway's node is made. */
  readonly parent: string;
  readonly gateway: { readonly id: string; readonly description: string; readonly version: string };
  /** The store that answered the last time, from `stateDir`. */
  readonly remembered: { readonly generation: Generation } | undefined;
  /** Keeps the store in `stateDir`. */
  readonly remember: (store: { readonly generation: Generation }) => void;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** The state of SIOT now. */
export interface SiotStatus {
  readonly generation: Generation;
  /** `answers`: a store replies; `expected`: one has replied before or is required, and does not reply now. */
  readonly store: 'answers' | 'expected' | 'none';
  readonly nats: 'connected' | 'connecting' | 'refused';
  /** Why there is no connection, or what NATS does not permit, for people. */
  readonly problem?: string;
  /** Why SIOT takes no points, has no nodes for us, or cannot list one, for people. */
  readonly storeProblem?: string;
}

/** A setting that SIOT did not take; the message is for people. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
  constructor(
    message: string,
    /** It was sent and not answered: SIOT may have taken it nevertheless. */
    readonly maybeTaken = false,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const TAKES_NOTHING =
  'SIOT answers questions, but takes no points: they wait. Is its store at work, or its disk full?';

/** How often SIOT is looked for while it does not answer. */
const PROBE = { firstMs: 250, maxMs: 5_000 };
/** A store has so long to answer before points are published as if there were none. */
const PROBE_HEAD_START_MS = 250;
/** After so many probes without an answer the log says so. */
const SILENT_AT = 2;
const DRAIN_LOOK_MS = 10;
const REMOVED_WITHIN_MS = 5_000;

/**
 * SIOT, as the gateway sees it. It publishes the points of the outbox, makes and
 * follows nodes, and hears what others publish. {@link start} and {@link stop} are
 * its life as a service.
 *
 * ```
 *            ┌ Connection: dials without end
 *  connected ▼
 *    probe: who answers? ──nobody── known before, or required? ──yes─▶ wait, probe again
 *      │ generation                            │ no
 *      ▼                                       ▼
 *    publish with receipts,                  publish and let NATS confirm,
 *    make and read nodes                     probe again
 *      └─ no responders, decode error, silence ─▶ probe
 * ```
 */
export class Siot implements PublishHost, NodeKeeperHost, ListeningNodeHost {
  readonly #options: SiotOptions;
  readonly #connection: Connection;
  readonly #publisher: Publisher;
  readonly #keeper: NodeKeeper;
  readonly #nodes = new Map<string, ListeningNode>();
  #wire: SiotWire;
  /** A point is delivered only when a store has confirmed it. */
  #expectsStore: boolean;
  #everAnswered: boolean;
  #remembered: Generation | undefined;
  #store: StoreClient | undefined;
  /** Number of the current search for a store: results of earlier searches are ignored. */
  #search = 0;
  #silentProbes = 0;
  #searchTimer: Timer | undefined;
  #suspicions = 0;
  #acceptedAtSuspicion = 0;
  #stopGatewayEdges: (() => void) | undefined;
  #lastNs = 0n;
  #stopping = false;
  #hurries = false;

  constructor(options: SiotOptions) {
    this.#options = options;
    const { clock, random, log, outbox, generation, remembered, gateway } = options;
    this.#remembered = remembered?.generation;
    this.#everAnswered = remembered !== undefined;
    this.#expectsStore =
      options.store === 'required' || (options.store === 'auto' && remembered !== undefined);
    const known = options.store === 'none' ? undefined : remembered?.generation;
    this.#wire = WIRES[generation === 'auto' ? (known ?? 2) : generation];
    this.#connection = new Connection({
      settings: options.connection,
      clock,
      random,
      log,
      onState: (state) => this.#onConnection(state),
      onDenied: (subject) => this.#publisher.denied(subject),
    });
    this.#publisher = new Publisher({
      connection: this.#connection,
      outbox,
      clock,
      random,
      log,
      host: this,
    });
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

  /** Begins to dial. Does not throw when no server answers: it is tried without end. */
  start(): void {
    this.#listenToGatewayEdges();
    this.#connection.start();
  }

  /** Ends the waiting for points of removed nodes, since {@link stop} will be called. */
  hurry(): void {
    this.#hurries = true;
  }

  /** Publishes what it can within `drainMs`, and closes the connection. Idempotent. */
  async stop(drainMs: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    await this.#until(() => this.#publisher.idle, drainMs);
    this.#search += 1;
    this.#searchTimer?.cancel();
    this.#keeper.end();
    this.#publisher.stop();
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
    const store = this.#store ? 'answers' : this.#expectsStore ? 'expected' : 'none';
    const storeProblem = this.#storeProblem();
    const common = {
      generation: this.#wire.generation,
      store,
      ...(storeProblem === '' ? {} : { storeProblem }),
    } as const;
    switch (state.name) {
      case 'connected':
        return { ...common, nats: 'connected', ...(denied === '' ? {} : { problem: denied }) };
      case 'refused':
        return { ...common, nats: 'refused', problem: state.problem };
      case 'connecting':
      case 'closed': {
        const problem = state.name === 'connecting' ? state.problem : undefined;
        return { ...common, nats: 'connecting', ...(problem === undefined ? {} : { problem }) };
      }
    }
  }

  #storeProblem(): string {
    const tookNone = this.#publisher.accepted === this.#acceptedAtSuspicion;
    if (this.#suspicions > 1 && tookNone) return TAKES_NOTHING;
    return this.#store === undefined ? '' : this.#keeper.problem;
  }

  /** Makes and follows the node of a link. */
  addNode(spec: SiotNodeSpec, events: SiotNodeEvents): SiotNode {
    const { clock, log } = this.#options;
    const services = {
      connection: this.#connection,
      keeper: this.#keeper,
      publisher: this.#publisher,
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
    const quota = new ReplyQuota({
      publish: (to, answer) => this.#connection.publish(to, answer),
      barrier: (done) => this.#connection.barrier(done),
    });
    return this.#connection.subscribe(subject, ({ data, reply }) => {
      if (quota.isFull) return;
      handler(data, (answer) => {
        if (reply !== '' && this.#connection.connected) quota.reply(reply, answer);
      });
    });
  }

  /**
   * Publishes a setting on a node, and waits for the store's receipt (20 s at most), or
   * without a store for NATS. Rejects with a {@link SettingError}. The node does not
   * hear it: NATS does not echo.
   */
  async publishSetting(nodeId: string, point: Point): Promise<void> {
    if (!this.#connection.connected) throw new SettingError('there is no connection to NATS');
    const store = this.#store;
    if (store !== undefined) {
      const problem = await store.writePoints(nodeId, [point]);
      if (problem !== undefined) throw new SettingError(problem.why, problem.maybe);
      return;
    }
    if (this.#expectsStore) throw new SettingError('SIOT does not answer');
    try {
      this.#connection.publish(this.#wire.pointSubject(nodeId, point), this.#wire.encode([point]));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new SettingError(`it cannot be published: ${why}`, false, { cause });
    }
    const processed = await new Promise<boolean>((resolve) => this.#connection.barrier(resolve));
    if (!processed) throw new SettingError('the connection to NATS was lost', true);
  }

  #onConnection(state: ConnectionState): void {
    if (this.#stopping && state.name === 'closed') return;
    this.#search += 1;
    this.#searchTimer?.cancel();
    this.#store = undefined;
    this.#keeper.end();
    this.#publisher.mode = { kind: 'paused' };
    this.#silentProbes = 0;
    this.#suspicions = 0;
    if (state.name === 'connected') {
      if (this.#options.store === 'none') this.#bridge();
      else void this.#findStore();
    }
  }

  async #findStore(): Promise<void> {
    this.#searchTimer?.cancel();
    const search = ++this.#search;
    if (!this.#expectsStore) {
      // While somebody subscribes to all subjects, NATS does not report that nobody
      // answers, and the probe takes seconds. Points need not wait for it.
      this.#searchTimer = this.#options.clock.setTimer(PROBE_HEAD_START_MS, () => this.#bridge());
    }
    const found = await probe(this.#connection, (late) => {
      // A slow store: its answer counts as long as no other store is known.
      if (this.#store === undefined && !this.#stopping) this.#foundLate(late);
    });
    if (search !== this.#search || !this.#connection.connected) return;
    this.#searchTimer?.cancel();
    if (found !== undefined) {
      this.#storeAnswers(found);
      return;
    }
    this.#silentProbes += 1;
    if (!this.#expectsStore) this.#bridge();
    else if (this.#silentProbes === SILENT_AT) {
      this.#options.log.warn({}, 'SIOT does not answer: points wait for it');
    }
    this.#searchAfter(backoffMs(this.#silentProbes, PROBE, this.#options.random()));
  }

  #foundLate(generation: Generation): void {
    this.#search += 1;
    this.#searchTimer?.cancel();
    this.#storeAnswers(generation);
  }

  #searchAfter(ms: number): void {
    this.#searchTimer?.cancel();
    this.#searchTimer = this.#options.clock.setTimer(ms, () => void this.#findStore());
  }

  /** Publishes without a store. */
  #bridge(): void {
    if (this.#publisher.mode.kind === 'withoutStore') return;
    this.#publisher.mode = { kind: 'withoutStore', wire: this.#wire };
  }

  #storeAnswers(found: Generation): void {
    const { generation, clock, log, remember } = this.#options;
    const first = !this.#everAnswered;
    const speaks = generation === 'auto' ? found : generation;
    if (speaks !== found) {
      log.warn(
        { configured: speaks, found },
        `SIOT speaks generation ${String(found)}, the configuration says ${String(speaks)}: set siot.generation to auto or ${String(found)}`,
      );
    }
    this.#silentProbes = 0;
    this.#everAnswered = true;
    this.#expectsStore = true;
    if (this.#remembered !== speaks) {
      this.#remembered = speaks;
      remember({ generation: speaks });
    }
    if (this.#wire.generation !== speaks) {
      this.#wire = WIRES[speaks];
      this.#listenToGatewayEdges();
      for (const node of this.#nodes.values()) node.listen(this.#wire);
    }
    const say = this.#suspicions > 1 ? log.debug.bind(log) : log.info.bind(log);
    say({ generation: speaks }, first ? 'a SIOT store answers' : 'the SIOT store answers');
    this.#store = new StoreClient(this.#connection, clock, this.#wire);
    this.#keeper.begin(this.#store, first);
    this.#publisher.mode = { kind: 'withStore', wire: this.#wire };
  }

  // After the first suspicion the store is probed at once. If the probe succeeds and
  // still no point is taken, the next probes wait.
  suspect(why: Suspicion): void {
    if (!this.#connection.connected || this.#store === undefined) return;
    const { log, random } = this.#options;
    const { accepted } = this.#publisher;
    if (accepted !== this.#acceptedAtSuspicion) this.#suspicions = 0;
    this.#acceptedAtSuspicion = accepted;
    this.#suspicions += 1;
    // A store that takes no points is suspected again and again.
    if (this.#suspicions === 1) {
      log.info({ why }, 'SIOT is looked for again: its store does not answer as it did');
    } else if (this.#suspicions === 2) {
      log.warn({ why }, TAKES_NOTHING);
    } else {
      log.debug({ why, time: this.#suspicions }, 'SIOT is looked for again');
    }
    this.#search += 1;
    this.#store = undefined;
    this.#keeper.end();
    this.#publisher.mode = { kind: 'paused' };
    if (this.#suspicions === 1) void this.#findStore();
    else this.#searchAfter(backoffMs(this.#suspicions - 1, PROBE, random()));
  }

  // For publisher, keeper and nodes --------------------------------------------

  dropped(nodeId: string, cause: DropCause, points: readonly Point[]): void {
    this.#nodes.get(nodeId)?.events.dropped?.(cause, points);
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

  publishVersion(): void {
    const { gateway, clock } = this.#options;
    this.#lastNs = laterTime(clock.wallNs(), this.#lastNs);
    this.#publisher.putStatus(gateway.id, [
      makePoint({ type: 'versionApp', value: stringValue(gateway.version), time: this.#lastNs }),
    ]);
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
    // A link with the same node may have been added meanwhile. When the gateway stops,
    // the outbox keeps the points.
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
