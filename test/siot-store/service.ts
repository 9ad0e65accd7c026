/**
 * The store at its subjects: what it answers and publishes for each message.
 *
 *     p.…  ep.…  ──▶ decode ─▶ check tokens ─▶ database ─▶ fan-out on up.… ─▶ reply
 *     nodes.…    ──▶ database ─▶ reply
 *     auth.…     ──▶ reply
 *
 * Knows nothing of a connection; see siot-store.ts for that.
 */
import { createHmac } from 'node:crypto';
import { NS_PER_S, type Clock } from '../../src/point/clock.js';
import { UndecodableError } from './codec-compact.js';
import { encodeNodes, type NodeEdge } from './codec-protobuf.js';
import { NODE_TYPE, RefusedError, ROOT, TOMBSTONE, type Database } from './database.js';
import type { Dialect } from './dialect.js';
import { ancestors, BrokenSubjectError, fanOutTo, type Publish } from './fan-out.js';
import { find, numberOf, textOf, UNSET_NS, type Content, type StorePoint } from './point.js';
import { encodeText } from './text.js';
import { checkTokens, ERROR_EVERY_MS } from './tokens.js';

export interface ServiceOptions {
  readonly dialect: Dialect;
  readonly clock: Clock;
  readonly rootId: string;
  readonly userId: string;
  /** Of the root node, as the device's own client reports them. */
  readonly versionApp: string;
  readonly versionOS: string;
  /** What `auth.getNatsURI` tells (4.11). */
  readonly uri: string;
  readonly token: string;
  /** 20 bytes that sign the login's token. */
  readonly jwtKey: Uint8Array;
  readonly publish: Publish;
  readonly counters: Counters;
  /** After each write that was stored. */
  readonly onChange: (nodeId: string) => void;
}

/** Since the start. */
export interface Counters {
  /** Messages with node or edge points. */
  messages: number;
  /** Points in them. */
  points: number;
  queries: number;
  /** Messages answered with an error text. */
  refused: number;
  /** Messages published on `up.…`. */
  fannedOut: number;
}

export interface Request {
  readonly subject: string;
  readonly payload: Uint8Array;
  /** The header `Siot-Origin`; `""` without (4.8). */
  readonly instance: string;
  /** `undefined` where nobody waits for a reply. */
  readonly respond: (payload: Uint8Array) => void;
}

const EMPTY = new Uint8Array(0);
const TOKEN_LIVES_S = 168n * 3600n;

export class StoreService {
  readonly database: Database;
  readonly #options: ServiceOptions;
  readonly #toldMs = new Map<string, number>();

  constructor(options: ServiceOptions) {
    this.#options = options;
    const { dialect, clock, rootId } = options;
    this.database = dialect.makeDatabase(rootId, () => clock.wallNs());
    this.#begin();
  }

  nodePoints(request: Request): void {
    const { dialect } = this.#options;
    const [, id = '', ...rest] = request.subject.split('.');
    const points = this.#decode(request.payload);
    if (points === undefined || rest.length + 2 < dialect.nodeTokens) {
      this.#reply(request, 'error decoding node points subject');
      return;
    }
    this.#write(request, id, points, id, {
      local: (accepted) => this.database.nodePoints(id, accepted),
      remote: (accepted) => this.database.remote?.nodePoints(id, accepted, request.instance),
      ups: (of) => this.database.ups(of, false),
      goesOn: false,
    });
  }

  edgePoints(request: Request): void {
    const { dialect } = this.#options;
    const [, id = '', parent = ''] = request.subject.split('.');
    const points = this.#decode(request.payload);
    if (points === undefined) {
      this.#reply(request, 'error decoding edge points subject');
      return;
    }
    this.#write(request, id, points, `${id}.${parent}`, {
      local: (accepted) => this.database.edgePoints(id, parent, accepted),
      remote: (accepted) =>
        this.database.remote?.edgePoints(id, parent, accepted, request.instance),
      ups: (of) => this.database.ups(of, true),
      goesOn: dialect.goesOnAfterEdgeError,
    });
  }

  /** The nodes of a query, or the error that is its reply. */
  query(subject: string, payload: Uint8Array): { nodes: NodeEdge[]; error: string } {
    this.#options.counters.queries += 1;
    const [, parent = '', id = ''] = subject.split('.');
    try {
      const points = payload.length === 0 ? [] : this.#options.dialect.decode(payload);
      const last = (type: string): StorePoint | undefined =>
        points.findLast((point) => point.type === type);
      const tombstone = last(TOMBSTONE);
      const nodeType = last(NODE_TYPE);
      const nodes = this.database.query({
        parent,
        id,
        type: nodeType === undefined ? '' : textOf(nodeType),
        deleted: tombstone !== undefined && numberOf(tombstone) === 1,
      });
      return { nodes, error: '' };
    } catch (error) {
      if (error instanceof UndecodableError) {
        return { nodes: [], error: `Error decoding points ${error.message}` };
      }
      if (!(error instanceof RefusedError)) throw error;
      const text = `NATS handler: Error getting node ${id} from db: ${error.message}\n`;
      return { nodes: [], error: text };
    }
  }

  /** Zero bytes for everything but a login that fits. */
  login(request: Request): void {
    const points = this.#decode(request.payload) ?? [];
    const email = find(points, 'email');
    const pass = find(points, 'pass');
    if (email === undefined || pass === undefined) {
      request.respond(EMPTY);
      return;
    }
    const users = this.database.users(textOf(email), textOf(pass));
    const [user] = users;
    if (user === undefined) {
      request.respond(EMPTY);
      return;
    }
    const token = this.#point('token', '0', this.#options.dialect.text(this.#token(user.id)));
    const jwt = { id: '', type: 'jwt', parent: '', points: [token], edgePoints: [], hash: 0 };
    const reply = encodeNodes([...users, jwt]);
    if (reply !== undefined) request.respond(reply);
  }

  natsUri(request: Request): void {
    const { dialect, uri, token } = this.#options;
    request.respond(
      dialect.encode([
        this.#point('uri', '', dialect.text(uri)),
        this.#point('token', '', dialect.text(token)),
      ]),
    );
  }

  maintenance(request: Request): void {
    request.respond(EMPTY);
  }

  #write(
    request: Request,
    id: string,
    points: readonly StorePoint[],
    path: string,
    way: {
      local: (points: readonly StorePoint[]) => void;
      remote: (points: readonly StorePoint[]) => void;
      ups: (id: string) => readonly string[];
      goesOn: boolean;
    },
  ): void {
    const { dialect, clock, publish, counters, onChange } = this.#options;
    counters.messages += 1;
    counters.points += points.length;
    const { accepted, error } = dialect.checksTokens
      ? checkTokens(id, points)
      : { accepted: points, error: undefined };
    if (error !== undefined) this.#tell(id, error);
    if (dialect.checksTokens && accepted.length === 0) {
      this.#reply(request, error);
      return;
    }
    const isRemote =
      this.database.remote !== undefined &&
      request.instance !== '' &&
      request.instance !== this.database.rootId;
    try {
      if (isRemote) way.remote(accepted);
      else way.local(accepted);
      onChange(id);
    } catch (refused) {
      if (!(refused instanceof RefusedError)) throw refused;
      onChange(id);
      this.#reply(request, refused.message);
      if (!way.goesOn) return;
    }
    const countAndPublish: Publish = (...message) => {
      counters.fannedOut += 1;
      publish(...message);
    };
    try {
      fanOutTo(
        {
          dialect,
          points: accepted,
          path,
          nowNs: () => clock.wallNs(),
          publish: countAndPublish,
        },
        ancestors(id, way.ups),
      );
    } catch (broken) {
      if (!(broken instanceof BrokenSubjectError)) throw broken;
      return;
    }
    this.#reply(request, error);
  }

  #decode(payload: Uint8Array): StorePoint[] | undefined {
    try {
      return this.#options.dialect.decode(payload);
    } catch (error) {
      if (error instanceof UndecodableError) return undefined;
      throw error;
    }
  }

  #reply(request: Request, error: string | undefined): void {
    if (error !== undefined) this.#options.counters.refused += 1;
    request.respond(error === undefined ? EMPTY : encodeText(error));
  }

  // By way of NATS, as SIOT does: everybody on p.> sees it.
  #tell(id: string, error: string): void {
    const { clock, publish, dialect } = this.#options;
    const nowMs = clock.monotonicMs();
    const toldMs = this.#toldMs.get(id);
    if (toldMs !== undefined && nowMs - toldMs < ERROR_EVERY_MS) return;
    this.#toldMs.set(id, nowMs);
    const point = { ...this.#point('error', '', dialect.text(error)), time: clock.wallNs() };
    publish(`p.${id}.error.0`, dialect.encode([point]));
  }

  #begin(): void {
    const { dialect, clock, rootId, userId, versionApp, versionOS } = this.#options;
    const now = clock.wallNs();
    const text = (type: string, value: string): StorePoint => ({
      ...this.#point(type, '', dialect.text(value)),
      time: now,
    });
    const edge = (type: string): StorePoint[] => [
      { ...this.#point(TOMBSTONE, '', dialect.number(0)), time: now },
      text(NODE_TYPE, type),
    ];
    this.database.edgePoints(rootId, ROOT, edge('device'));
    this.database.nodePoints(rootId, [
      text('versionApp', versionApp),
      text('versionOS', versionOS),
    ]);
    this.database.nodePoints(userId, [
      text('firstName', 'admin'),
      text('lastName', 'user'),
      text('phone', ''),
      text('email', 'admin'),
      text('pass', 'admin'),
    ]);
    this.database.edgePoints(userId, rootId, edge('user'));
  }

  #point(type: string, key: string, content: Content): StorePoint {
    return { type, key, time: UNSET_NS, tombstone: 0, origin: '', content };
  }

  #token(userId: string): string {
    const { clock, jwtKey } = this.#options;
    const part = (value: object): string =>
      Buffer.from(JSON.stringify(value)).toString('base64url');
    const exp = Number(clock.wallNs() / NS_PER_S + TOKEN_LIVES_S);
    const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ exp, jti: userId, iss: 'simpleiot' })}`;
    return `${signed}.${createHmac('sha256', jwtKey).update(signed).digest('base64url')}`;
  }
}
