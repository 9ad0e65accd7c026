import type { Clock } from '../../point/clock.js';
import { floatValue, makePoint, stringValue, type Point } from '../../point/point.js';
import { laterTime } from '../../point/time.js';
import type { Connection } from '../connection/connection.js';
import { decodeNodes, edgeTombstone, isDeletedEdge, type StoredNode } from './node-reply.js';
import { readReceipt } from '../publishing/receipt.js';
import type { SiotWire } from '../wire/wire.js';

/** What a store says about a node. */
export type Found =
  | { readonly life: 'alive'; readonly node: StoredNode; readonly odd: number }
  /** All its edges are deleted: somebody deleted the node. */
  | { readonly life: 'deleted' }
  | { readonly life: 'absent' }
  | { readonly life: 'unknown'; readonly gone: boolean; readonly why: string };

type Query =
  | { readonly ok: true; readonly nodes: readonly StoredNode[]; readonly odd: number }
  /** `gone`: nobody answers at all. */
  | { readonly ok: false; readonly gone: boolean; readonly why: string };

type Edges =
  | { readonly ok: true; readonly edges: readonly StoredNode[] }
  | { readonly ok: false; readonly why: string };

/** Why a write is not confirmed, for people. */
interface Unwritten {
  readonly why: string;
  /** Whether the store may have taken it nevertheless, since there was no receipt. */
  readonly maybe: boolean;
}

/** As long as SIOT's own clients wait (docs/siot.md, 4.5). */
const QUERY_WITHIN_MS = 20_000;
const WRITE_WITHIN_MS = 20_000;
const NO_PARAMETERS = new Uint8Array(0);

/** Queries and writes of nodes, with one reply each, within 20 s (docs/siot.md, 4.4, 4.5 and 4.9). */
export class StoreClient {
  #lastNs = 0n;

  constructor(
    private readonly connection: Connection,
    private readonly clock: Clock,
    readonly wire: SiotWire,
  ) {}

  /** ID of the root node of SIOT; `undefined`: it could not be read. */
  async rootId(): Promise<string | undefined> {
    const reply = await this.#query('nodes.root.all', NO_PARAMETERS);
    return reply.ok ? reply.nodes[0]?.id : undefined;
  }

  /** Looks a node up. It is alive if it has a live edge to any parent, since people may have moved it. */
  async find(nodeId: string): Promise<Found> {
    const live = await this.#query(`nodes.all.${nodeId}`, NO_PARAMETERS);
    if (!live.ok) return { life: 'unknown', gone: live.gone, why: live.why };
    const alive = live.nodes.find((node) => node.id === nodeId && !isDeletedEdge(node));
    if (alive !== undefined) return { life: 'alive', node: alive, odd: live.odd };
    const all = await this.#query(`nodes.all.${nodeId}`, this.#withDeleted());
    if (!all.ok) return { life: 'unknown', gone: all.gone, why: all.why };
    return all.nodes.length > 0 ? { life: 'deleted' } : { life: 'absent' };
  }

  /** The live nodes of a type below a node; or why they cannot be read, for people. */
  async children(nodeId: string, type: string): Promise<readonly StoredNode[] | string> {
    const all = await this.#query(`nodes.${nodeId}.all`, NO_PARAMETERS);
    if (!all.ok) return all.why;
    return all.nodes.filter((node) => node.type === type && !isDeletedEdge(node));
  }

  /** The node once for each of its parents, deleted edges included. */
  async edges(nodeId: string): Promise<Edges> {
    const all = await this.#query(`nodes.all.${nodeId}`, this.#withDeleted());
    if (!all.ok) return { ok: false, why: all.why };
    return { ok: true, edges: all.nodes.filter(({ id }) => id === nodeId) };
  }

  /**
   * Makes a deleted edge live again, with a time later than that of its deletion. Resolves
   * to the problem, or to `undefined` when the store has confirmed it.
   */
  async reviveEdge(edge: StoredNode): Promise<Unwritten | undefined> {
    const point = this.#point('tombstone', floatValue(0), edgeTombstone(edge)?.time);
    return this.#write(this.wire.edgeSubject(edge.id, edge.parent), this.wire.encode([point]));
  }

  /**
   * Makes a node: first its points, then one message with the tombstone and the type of
   * its edge. Resolves to the problem, for people, or to `undefined` on success.
   */
  async create(
    nodeId: string,
    type: string,
    parentId: string,
    texts: Readonly<Record<string, string>>,
  ): Promise<string | undefined> {
    const points = Object.entries(texts).map(([name, text]) =>
      this.#point(name, stringValue(text)),
    );
    for (let at = 0; at < points.length; at += this.wire.batch) {
      const problem = await this.writePoints(nodeId, points.slice(at, at + this.wire.batch));
      if (problem !== undefined) return problem.why;
    }
    const problem = await this.#write(
      this.wire.edgeSubject(nodeId, parentId),
      this.wire.encode([
        this.#point('tombstone', floatValue(0)),
        this.#point('nodeType', stringValue(type)),
      ]),
    );
    return problem?.why;
  }

  /** Writes points. Resolves to the problem, or to `undefined` when the store has confirmed them. */
  async writePoints(nodeId: string, points: readonly Point[]): Promise<Unwritten | undefined> {
    const [first] = points;
    if (first === undefined) return undefined;
    return this.#write(this.wire.pointSubject(nodeId, first), this.wire.encode(points));
  }

  async #write(subject: string, payload: Uint8Array): Promise<Unwritten | undefined> {
    const answer = await this.connection.request(subject, payload, WRITE_WITHIN_MS);
    if (!(answer instanceof Uint8Array))
      return { why: NOT_ANSWERED[answer], maybe: answer === 'timeout' || answer === 'lost' };
    const receipt = readReceipt(answer);
    return receipt.kind === 'delivered' ? undefined : { why: receipt.text, maybe: false };
  }

  async #query(subject: string, payload: Uint8Array): Promise<Query> {
    const answer = await this.connection.request(subject, payload, QUERY_WITHIN_MS);
    if (!(answer instanceof Uint8Array)) {
      return { ok: false, gone: answer !== 'timeout', why: NOT_ANSWERED[answer] };
    }
    const reply = decodeNodes(answer, this.wire.generation);
    switch (reply.kind) {
      case 'nodes':
        return { ok: true, nodes: reply.nodes, odd: reply.odd };
      case 'error':
        // A store of another generation cannot read the parameters.
        return { ok: false, gone: /decoding/i.test(reply.text), why: reply.text };
      case 'broken':
        return { ok: false, gone: false, why: 'its reply could not be decoded' };
    }
  }

  /** Parameters of a query that is answered with deleted edges, too. */
  #withDeleted(): Uint8Array {
    return this.wire.encode([this.#point('tombstone', floatValue(1))]);
  }

  // Times always increase: the store may ignore a point with an equal time (docs/siot.md, 4.7).
  #point(type: string, value: Point['value'], afterNs = 0n): Point {
    this.#lastNs = laterTime(this.clock.wallNs(), this.#lastNs);
    return makePoint({ type, key: '0', value, time: laterTime(this.#lastNs, afterNs) });
  }
}

const NOT_ANSWERED = {
  noResponders: 'SIOT does not answer',
  timeout: 'SIOT did not answer in time',
  lost: 'the connection to NATS was lost',
  tooLarge: 'it is larger than the nats-server takes (its max_payload)',
} as const;
