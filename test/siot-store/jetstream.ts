/**
 * The store of generation 2b (docs/siot.md, 4.7 – 4.9, 4.12): points as they
 * came, the newest of each, and of equal times the one of the greater instance.
 */
import type { NodeEdge } from './codec-protobuf.js';
import {
  NEEDS_TYPE,
  NODE_TYPE,
  NO_ROOT_DELETION,
  RefusedError,
  ROOT,
  TOMBSTONE,
  refuseQuery,
  refuseSelfParent,
  type Database,
  type NodeQuery,
} from './database.js';
import { collapse, find, numberOf, storedKey, textOf, type StorePoint } from './point.js';

const USER = 'user';
const DEVICE = 'device';

interface Tip {
  readonly point: StorePoint;
  /** Root node ID of the instance that wrote it: not the point's origin. */
  readonly instance: string;
}

/** The newest of each point. */
class Tips {
  readonly #tips = new Map<string, Tip>();

  wins(point: StorePoint, instance: string): boolean {
    const tip = this.#tips.get(nameOf(point));
    if (tip === undefined || point.time > tip.point.time) return true;
    return point.time === tip.point.time && instance > tip.instance;
  }

  merge(point: StorePoint, instance: string): void {
    if (!this.wins(point, instance)) return;
    const stored = { ...point, key: storedKey(point.key) };
    this.#tips.set(nameOf(stored), { point: stored, instance });
  }

  points(): StorePoint[] {
    return [...this.#tips.values()].map(({ point }) => point);
  }

  get(type: string, key: string): StorePoint | undefined {
    return this.#tips.get(`${type}\0${key}`)?.point;
  }
}

interface Edge {
  readonly up: string;
  readonly down: string;
  /** Of the last message that named one. */
  type: string;
  readonly tips: Tips;
}

export class JetStreamDatabase implements Database {
  rootId: string;
  readonly #tips = new Map<string, Tips>();
  readonly #byUp = new Map<string, Edge[]>();
  readonly #byDown = new Map<string, Edge[]>();

  constructor(rootId: string) {
    this.rootId = rootId;
  }

  readonly remote = {
    nodePoints: (id: string, points: readonly StorePoint[], instance: string): void => {
      const tips = this.#tipsOf(id);
      for (const point of points) tips.merge(point, instance);
    },
    edgePoints: (
      id: string,
      parent: string,
      points: readonly StorePoint[],
      instance: string,
    ): void => {
      // Every instance has its own root edge.
      if (parent !== ROOT) this.#mergeEdge(id, parent, points, instance);
    },
  };

  nodePoints(id: string, points: readonly StorePoint[]): void {
    const tips = this.#tipsOf(id);
    for (const point of collapse(points)) {
      if (!tips.wins(point, this.rootId)) continue;
      // An empty token: no stream takes it. What came before it in the message is stored.
      if (point.type === '') {
        const subject = `inst.${this.#boundaryOf(id)}.${this.rootId}.${id}.p..${storedKey(point.key)}`;
        throw new RefusedError(
          `error publishing point to ${subject}: nats: no response from stream`,
        );
      }
      tips.merge(point, this.rootId);
    }
  }

  edgePoints(id: string, parent: string, points: readonly StorePoint[]): void {
    const collapsed = collapse(points);
    refuseSelfParent(id, parent);
    if (id === this.rootId && collapsed.some((p) => p.type === TOMBSTONE && numberOf(p) > 0)) {
      throw new RefusedError(NO_ROOT_DELETION);
    }
    const known = this.#edge(parent, id);
    if (known === undefined && nodeTypeOf(collapsed) === '') throw new RefusedError(NEEDS_TYPE);
    if (known === undefined && parent === ROOT) this.rootId = id;
    this.#mergeEdge(id, parent, collapsed, this.rootId);
  }

  query(query: NodeQuery): NodeEdge[] {
    refuseQuery(query);
    return this.#edges(query)
      .filter((edge) => query.type === '' || edge.type === query.type)
      .filter((edge) => query.deleted || !isDeleted(edge))
      .map((edge) => this.#node(edge));
  }

  ups(id: string, deleted: boolean): string[] {
    return (this.#byDown.get(id) ?? [])
      .filter((edge) => deleted || !isDeleted(edge))
      .map(({ up }) => up);
  }

  /** The one nearest to the root first; of equals, the lesser ID. */
  users(email: string, pass: string): NodeEdge[] {
    const found: { node: NodeEdge; depth: number }[] = [];
    const edges = [...this.#byDown.values()].flat().filter(({ type }) => type === USER);
    for (const { down } of edges) {
      const nodes = this.query({ parent: 'all', id: down, type: '', deleted: false });
      const points = nodes[0]?.points ?? [];
      if (textAt(points, 'email') !== email || textAt(points, 'pass') !== pass) continue;
      const depth = this.#depthOf(down);
      if (depth >= 0) found.push(...nodes.map((node) => ({ node, depth })));
    }
    return found
      .sort((a, b) => a.depth - b.depth || (a.node.id < b.node.id ? -1 : 1))
      .map(({ node }) => node);
  }

  all(): NodeEdge[] {
    return [...this.#byDown.values()].flat().map((edge) => this.#node(edge));
  }

  points(id: string): StorePoint[] {
    return this.#tips.get(id)?.points() ?? [];
  }

  point(id: string, type: string, key: string): StorePoint | undefined {
    return this.#tips.get(id)?.get(type, key);
  }

  #edges({ parent, id }: NodeQuery): readonly Edge[] {
    if (parent === ROOT) {
      if (id !== 'all' && id !== this.rootId) return [];
      const edge = this.#edge(ROOT, this.rootId);
      return edge === undefined ? [] : [edge];
    }
    if (parent === 'all') return this.#byDown.get(id) ?? [];
    if (id === 'all') return this.#byUp.get(parent) ?? [];
    const edge = this.#edge(parent, id);
    return edge === undefined ? [] : [edge];
  }

  #edge(parent: string, id: string): Edge | undefined {
    return this.#byDown.get(id)?.find(({ up }) => up === parent);
  }

  #mergeEdge(id: string, parent: string, points: readonly StorePoint[], instance: string): void {
    let edge = this.#edge(parent, id);
    if (edge === undefined) {
      edge = { up: parent, down: id, type: '', tips: new Tips() };
      push(this.#byUp, parent, edge);
      push(this.#byDown, id, edge);
    }
    edge.type = nodeTypeOf(points) || edge.type;
    for (const point of points) edge.tips.merge(point, instance);
  }

  #node({ down: id, up: parent, type, tips }: Edge): NodeEdge {
    return { id, parent, type, points: this.points(id), edgePoints: tips.points(), hash: 0 };
  }

  #tipsOf(id: string): Tips {
    let tips = this.#tips.get(id);
    if (tips === undefined) this.#tips.set(id, (tips = new Tips()));
    return tips;
  }

  /**
   * The nearest root or device node above a node, or itself; the root where
   * there is none or more than one.
   */
  #boundaryOf(id: string): string {
    if (this.#isBoundary(id)) return id;
    const found = new Set<string>();
    const seen = new Set([id]);
    const walk = (node: string): void => {
      for (const up of this.ups(node, false)) {
        if (up === ROOT) found.add(this.rootId);
        else if (!seen.has(up)) {
          seen.add(up);
          if (this.#isBoundary(up)) found.add(up);
          else walk(up);
        }
      }
    };
    walk(id);
    const [only] = found;
    return found.size === 1 && only !== undefined ? only : this.rootId;
  }

  #isBoundary(id: string): boolean {
    return id === this.rootId || (this.#byDown.get(id) ?? []).some(({ type }) => type === DEVICE);
  }

  #depthOf(id: string): number {
    const seen = new Set([id]);
    let level = [id];
    for (let depth = 0; level.length > 0; depth += 1) {
      const ups = level.flatMap((node) => this.ups(node, false));
      if (ups.includes(ROOT)) return depth;
      level = ups.filter((up) => !seen.has(up));
      for (const up of level) seen.add(up);
    }
    return -1;
  }
}

function nameOf({ type, key }: StorePoint): string {
  return `${type}\0${storedKey(key)}`;
}

function nodeTypeOf(points: readonly StorePoint[]): string {
  const point = points.findLast(({ type }) => type === NODE_TYPE);
  return point === undefined ? '' : textOf(point);
}

function isDeleted({ tips }: Edge): boolean {
  const tombstone = tips.get(TOMBSTONE, '0');
  return tombstone !== undefined && numberOf(tombstone) === 1;
}

function textAt(points: readonly StorePoint[], type: string): string {
  const point = find(points, type);
  return point === undefined ? '' : textOf(point);
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
