/**
 * A stand-in for SIOT's server on a real nats-server: behaves as docs/siot.md
 * says that 0.18.5 (generation 1), 0.22.0 (2a) and 0.25.0 (2b) do, and lets tests look inside
 * and cause faults.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import {
  connect,
  type ConnectionOptions,
  type Msg,
  type NatsConnection,
  type Subscription,
} from '@nats-io/transport-node';
import { SystemClock, type Clock, type Timer } from '../../src/point/clock.js';
import { encodeNodes } from './codec-protobuf.js';
import { NODE_TYPE, ROOT, TOMBSTONE } from './database.js';
import { DIALECTS, type Dialect, type Version } from './dialect.js';
import type { StorePoint } from './point.js';
import { StoreService, type Counters, type Request } from './service.js';
import {
  snapshotOfNode,
  snapshotOfPoint,
  type NodeSnapshot,
  type PointSnapshot,
} from './snapshot.js';
import { encodeText } from './text.js';
import { SLOWNESS } from '../support/slowness.js';
import { Watchers } from './watchers.js';

export interface SiotStoreOptions {
  /** Such as `nats://127.0.0.1:4222`; also what `auth.getNatsURI` tells. */
  readonly nats: string;
  readonly version: Version;
  /** The server's token; also what `auth.getNatsURI` tells. */
  readonly token?: string;
  /** For `now` (default: the machine's). */
  readonly clock?: Clock;
  /** One subject token each; random unless given. */
  readonly rootId?: string;
  readonly userId?: string;
  /** Points of the root node. */
  readonly versionApp?: string;
  readonly versionOS?: string;
  readonly connection?: ConnectionOptions;
  /** Lost and found connections, and whatever else a person might want to read. */
  readonly onStatus?: (line: string) => void;
}

export interface EdgeChange {
  /** true deletes the node below that parent, false brings it back. */
  readonly deleted?: boolean;
  /** Needed with a new edge. */
  readonly nodeType?: string;
  /** ns since 1970; otherwise now. */
  readonly time?: bigint;
}

const INSTANCE_HEADER = 'Siot-Origin';
const WAIT_MS = 5_000 * SLOWNESS;

type Handler = (request: Request) => void;

export class SiotStore {
  readonly version: Version;
  readonly generation: 1 | 2;
  readonly userId: string;
  readonly counters: Counters = { messages: 0, points: 0, queries: 0, refused: 0, fannedOut: 0 };
  /** Queries whose reply would hold one of these nodes get none, as with one grown too large. */
  readonly silent = new Set<string>();

  readonly #connection: NatsConnection;
  readonly #dialect: Dialect;
  readonly #clock: Clock;
  readonly #service: StoreService;
  readonly #subscriptions: Subscription[] = [];
  readonly #watchers = new Watchers();
  readonly #timers = new Set<Timer>();
  readonly #waiting: (() => void)[] = [];
  #paused = false;
  #delayMs = 0;
  #losing = false;
  #failing = { left: 0, text: '' };

  private constructor(connection: NatsConnection, options: SiotStoreOptions) {
    this.#connection = connection;
    this.version = options.version;
    this.#dialect = DIALECTS[options.version];
    this.generation = this.#dialect.generation;
    this.#clock = options.clock ?? new SystemClock();
    this.userId = options.userId ?? randomUUID();
    this.#service = new StoreService({
      dialect: this.#dialect,
      clock: this.#clock,
      rootId: options.rootId ?? randomUUID(),
      userId: this.userId,
      versionApp: options.versionApp ?? 'Development',
      versionOS: options.versionOS ?? '12.0.0',
      uri: options.nats,
      token: options.token ?? '',
      jwtKey: randomBytes(20),
      publish: (subject, payload, reply) => this.#publish(subject, payload, reply),
      counters: this.counters,
      onChange: () => this.#watchers.changed(),
    });
  }

  /** Resolves when it answers. Rejects when there is no nats-server. */
  static async start(options: SiotStoreOptions): Promise<SiotStore> {
    const connection = await connect({
      servers: options.nats,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      reconnectJitter: 0,
      // A server that comes back with another token may come back with ours.
      ignoreAuthErrorAbort: true,
      ...(options.token === undefined || options.token === '' ? {} : { token: options.token }),
      ...options.connection,
    });
    const store = new SiotStore(connection, options);
    if (options.onStatus !== undefined) void report(connection, options.onStatus);
    await store.comeBack();
    return store;
  }

  /** Resolves when it is gone. What was stored can still be looked at. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#waiting.length = 0;
    this.#watchers.end('the store has ended');
    await this.#connection.close();
  }

  /** Resolves when the connection is gone for good; with the cause, unless it was {@link stop}. */
  async closed(): Promise<Error | undefined> {
    return (await this.#connection.closed()) ?? undefined;
  }

  /** As when SIOT stops: nobody listens any more ("no responders"). All that it knows stays. */
  async leave(): Promise<void> {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
    await this.#connection.flush();
  }

  /** After {@link leave}. Resolves when it answers again. */
  async comeBack(): Promise<void> {
    if (this.#subscriptions.length > 0) return;
    const service = this.#service;
    const points =
      (handler: Handler): Handler =>
      (request) => {
        if (!this.#fails(request)) handler(request);
      };
    const { nodeSubject, edgeSubject } = this.#dialect;
    this.#listen(
      nodeSubject,
      points((request) => service.nodePoints(request)),
    );
    this.#listen(
      edgeSubject,
      points((request) => service.edgePoints(request)),
    );
    this.#listen('nodes.*.*', (request) => this.#query(request));
    this.#listen('auth.user', (request) => service.login(request));
    this.#listen('auth.getNatsURI', (request) => service.natsUri(request));
    this.#listen('admin.storeVerify', (request) => service.maintenance(request));
    this.#listen('admin.storeMaint', (request) => service.maintenance(request));
    await this.#connection.flush();
  }

  /** Stops answering while it stays subscribed, as a process under SIGSTOP. */
  pause(): void {
    this.#paused = true;
  }

  /** Answers all that came meanwhile, and goes on. */
  resume(): void {
    this.#paused = false;
    for (const handle of this.#waiting.splice(0)) handle();
  }

  /** The next `count` messages with points are not stored, and answered with this text. */
  failNext(count: number, text: string): void {
    this.#failing = { left: count, text };
  }

  /** Replies leave this much later than what they answer was done; 0 = at once. */
  delayReplies(ms: number): void {
    this.#delayMs = ms;
  }

  /** All is done as ever, and no reply arrives: as when it is killed in the midst of its work. */
  loseReplies(lose: boolean): void {
    this.#losing = lose;
  }

  /**
   * Takes over what another has stored, as a newer or older SIOT does with the
   * data that it finds; the other's user does not come along.
   */
  inherit(other: SiotStore): void {
    const { database } = this.#service;
    const write = (origin: string, p: PointSnapshot): StorePoint =>
      this.#pointOf(origin, p.type, p.key, p.text === '' ? p.number : p.text, p.time, p.tombstone);
    for (const { id, type, parent, points, edgePoints } of other.nodes()) {
      if (parent === ROOT || id === other.userId) continue;
      for (const each of points) database.nodePoints(id, [write(each.origin, each)]);
      const edge = edgePoints.filter((each) => each.type !== NODE_TYPE);
      const time = edge[0]?.time ?? this.#clock.wallNs();
      database.edgePoints(id, parent, [
        ...edge.map((each) => write(each.origin, each)),
        this.#pointOf('', NODE_TYPE, '0', type, time, 0),
      ]);
    }
  }

  get rootId(): string {
    return this.#service.database.rootId;
  }

  /** Every edge: a mirrored node is there once for each parent, and deleted ones are too. */
  nodes(): NodeSnapshot[] {
    return this.#service.database.all().map(snapshotOfNode);
  }

  /** Edges of one node. */
  edges(nodeId: string): NodeSnapshot[] {
    return this.nodes().filter(({ id }) => id === nodeId);
  }

  /** What is stored of a node, with or without an edge. */
  points(nodeId: string): PointSnapshot[] {
    return this.#service.database.points(nodeId).map(snapshotOfPoint);
  }

  point(nodeId: string, type: string, key = '0'): PointSnapshot | undefined {
    const point = this.#service.database.point(nodeId, type, key);
    return point === undefined ? undefined : snapshotOfPoint(point);
  }

  /** Resolves with the point as soon as it is stored and fits; rejects after `withinMs`. */
  waitForPoint(
    nodeId: string,
    type: string,
    key = '0',
    fits: (point: PointSnapshot) => boolean = () => true,
    withinMs = WAIT_MS,
  ): Promise<PointSnapshot> {
    return this.waitFor(
      () => {
        const point = this.point(nodeId, type, key);
        return point !== undefined && fits(point) ? point : undefined;
      },
      () => `point ${type}/${key} of ${nodeId} (${describe(this.point(nodeId, type, key))})`,
      withinMs,
    );
  }

  /** Resolves with what `look` finds, looked for after each change; rejects after `withinMs`. */
  waitFor<T>(
    look: () => T | undefined,
    what: string | (() => string),
    withinMs = WAIT_MS,
  ): Promise<T> {
    return this.#watchers.waitFor(look, typeof what === 'string' ? () => what : what, withinMs);
  }

  /**
   * What somebody else does: sends one point of a node with an origin, waits
   * for the receipt, and resolves with the point's time in ns. `undefined` is
   * no value, as SIOT's page sends it with a removed point. Rejects with the
   * store's text when it refuses.
   */
  async setAs(
    origin: string,
    nodeId: string,
    type: string,
    key: string,
    value: number | string | undefined,
    given: { readonly time?: bigint; readonly tombstone?: number } = {},
  ): Promise<bigint> {
    const time = given.time ?? this.#clock.wallNs();
    const point = this.#pointOf(origin, type, key, value, time, given.tombstone ?? 0);
    const path = this.generation === 1 ? '' : `.${type}.${key === '' ? '0' : key}`;
    await this.#send(`p.${nodeId}${path}`, [point]);
    return time;
  }

  /** What somebody else does: makes, deletes or brings back a node below a parent. */
  async edgeAs(
    origin: string,
    nodeId: string,
    parentId: string,
    { deleted = false, nodeType, time = this.#clock.wallNs() }: EdgeChange = {},
  ): Promise<bigint> {
    const points = [this.#pointOf(origin, TOMBSTONE, '0', deleted ? 1 : 0, time, 0)];
    if (nodeType !== undefined) {
      points.push(this.#pointOf(origin, NODE_TYPE, '0', nodeType, time, 0));
    }
    await this.#send(`${this.generation === 1 ? 'p' : 'ep'}.${nodeId}.${parentId}`, points);
    return time;
  }

  #pointOf(
    origin: string,
    type: string,
    key: string,
    value: number | string | undefined,
    time: bigint,
    tombstone: number,
  ): StorePoint {
    const { number, text, generation } = this.#dialect;
    const none = generation === 1 ? number(0) : ({ ...text(''), dataType: 0 } as const);
    const content =
      value === undefined ? none : typeof value === 'number' ? number(value) : text(value);
    return { type, key, time, tombstone, origin, content };
  }

  async #send(subject: string, points: readonly StorePoint[]): Promise<void> {
    const reply = await this.#connection.request(subject, this.#dialect.encode(points), {
      timeout: WAIT_MS,
    });
    if (reply.data.length > 0) throw new Error(reply.string());
  }

  #listen(subject: string, handler: Handler): void {
    const callback = (error: Error | null, message: Msg): void => {
      if (error !== null) return;
      const request: Request = {
        subject: message.subject,
        payload: message.data,
        instance: message.headers?.get(INSTANCE_HEADER) ?? '',
        respond: (payload) => this.#respond(message.reply, payload),
      };
      if (this.#paused) this.#waiting.push(() => handler(request));
      else handler(request);
    };
    this.#subscriptions.push(this.#connection.subscribe(subject, { callback }));
  }

  #fails(request: Request): boolean {
    if (this.#failing.left === 0) return false;
    this.#failing.left -= 1;
    this.counters.messages += 1;
    this.counters.refused += 1;
    request.respond(encodeText(this.#failing.text));
    return true;
  }

  #query(request: Request): void {
    const { nodes, error } = this.#service.query(request.subject, request.payload);
    if (nodes.some(({ id }) => this.silent.has(id))) return;
    const reply = encodeNodes(nodes, error);
    if (reply !== undefined) request.respond(reply);
  }

  #respond(reply: string | undefined, payload: Uint8Array): void {
    if (reply === undefined || reply === '' || this.#losing) return;
    if (this.#delayMs === 0) {
      this.#publish(reply, payload);
      return;
    }
    const timer = this.#clock.setTimer(this.#delayMs, () => {
      this.#timers.delete(timer);
      this.#publish(reply, payload);
    });
    this.#timers.add(timer);
  }

  // What the server does not take is not sent at all (4.1), and what is sent
  // without a connection is lost.
  #publish(subject: string, payload: Uint8Array, reply?: string): void {
    const connection = this.#connection;
    if (connection.isClosed()) return;
    if (payload.length > (connection.info?.max_payload ?? Number.POSITIVE_INFINITY)) return;
    connection.publish(subject, payload, reply === undefined ? {} : { reply });
  }
}

async function report(connection: NatsConnection, say: (line: string) => void): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect') say(`connection to ${status.server} lost; trying again`);
    else if (status.type === 'reconnect') say(`connected to ${status.server} again`);
    else if (status.type === 'error') say(`the nats-server says: ${status.error.message}`);
  }
}

function describe(point: PointSnapshot | undefined): string {
  if (point === undefined) return 'not there';
  return point.text === '' ? String(point.number) : JSON.stringify(point.text);
}
