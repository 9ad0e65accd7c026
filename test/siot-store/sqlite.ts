/**
 * The store of generation 1 and 2a (docs/siot.md, 1.1, 4.7, 4.9): tables of
 * rows that keep a number and a text, and, in 2a, the bytes.
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
import { collapse, find, numberOf, textOf, type StorePoint } from './point.js';
import { Table, type TableOptions } from './sqlite-table.js';

/** A NaN becomes NULL, which nothing can read back (1.1). */
const NULL_VALUE =
  'sql: Scan error on column index 6, name "value": converting NULL to float64 is unsupported';
const NULL_IN_EDGE = `error updating upstream hash: error getting edge points: ${NULL_VALUE}`;
const NULL_IN_NODES = `children error getting node points: ${NULL_VALUE}`;

const USER = 'user';

interface Edge {
  readonly up: string;
  readonly down: string;
  /** Given by the message that made the edge; later ones change nothing. */
  readonly type: string;
  readonly table: Table;
  /** Checksum of its points, and of all below it. */
  hash: number;
}

export class SqliteDatabase implements Database {
  rootId = '';
  readonly #options: TableOptions;
  readonly #tables = new Map<string, Table>();
  readonly #byUp = new Map<string, Edge[]>();
  readonly #byDown = new Map<string, Edge[]>();

  constructor(options: TableOptions) {
    this.#options = options;
  }

  nodePoints(id: string, points: readonly StorePoint[]): void {
    const table = this.#tables.get(id) ?? new Table(this.#options);
    if (table.unreadable) throw new RefusedError(NULL_VALUE);
    const change = table.write(collapse(points));
    this.#tables.set(id, table);
    this.#rehash(id, change, []);
  }

  edgePoints(id: string, parent: string, points: readonly StorePoint[]): void {
    const collapsed = collapse(points);
    refuseSelfParent(id, parent);
    if (id === this.rootId && collapsed.some((p) => p.type === TOMBSTONE && numberOf(p) > 0)) {
      throw new RefusedError(NO_ROOT_DELETION);
    }
    const known = this.#byDown.get(id)?.find(({ up }) => up === parent);
    const type = collapsed.findLast((point) => point.type === NODE_TYPE);
    const nodeType = type === undefined ? '' : textOf(type);
    if (known === undefined && nodeType === '') throw new RefusedError(NEEDS_TYPE);
    if (known === undefined && this.#tables.get(id)?.unreadable === true) {
      throw new RefusedError(NULL_VALUE);
    }
    const stored = collapsed.filter((point) => point.type !== NODE_TYPE);
    // The transaction that writes it reads it back, and is taken back.
    const isNull = (point: StorePoint): boolean => Number.isNaN(numberOf(point));
    if (stored.some((point) => isNull(point) && known?.table.takes(point) !== false)) {
      throw new RefusedError(NULL_IN_EDGE);
    }
    if (known !== undefined) {
      this.#rehash(id, known.table.write(stored), []);
      return;
    }
    const table = new Table(this.#options);
    const edge = { up: parent, down: id, type: nodeType, table, hash: 0 };
    push(this.#byUp, parent, edge);
    push(this.#byDown, id, edge);
    if (parent === ROOT) this.rootId = id;
    this.#rehash(id, table.write(stored) ^ (this.#tables.get(id)?.checksum() ?? 0), []);
  }

  query(query: NodeQuery): NodeEdge[] {
    refuseQuery(query);
    const nodes = this.#edges(query).filter(
      ({ table }) => query.deleted || table.number(TOMBSTONE) !== 1,
    );
    if (nodes.some(({ down }) => this.#tables.get(down)?.unreadable === true)) {
      throw new RefusedError(NULL_IN_NODES);
    }
    return nodes.map((edge) => this.#node(edge));
  }

  /** Upstream, odd is deleted, and so is what is neither odd nor even (1.3). */
  ups(id: string, deleted: boolean): string[] {
    return (this.#byDown.get(id) ?? [])
      .filter(({ table }) => deleted || table.number(TOMBSTONE) % 2 === 0)
      .map(({ up }) => up);
  }

  users(email: string, pass: string): NodeEdge[] {
    const found: NodeEdge[] = [];
    const ids = [...this.#byDown.values()].flat().filter(({ type }) => type === USER);
    for (const { down } of ids) {
      if (this.#tables.get(down)?.unreadable === true) continue;
      const nodes = this.query({ parent: 'all', id: down, type: '', deleted: false });
      const points = nodes[0]?.points ?? [];
      if (textAt(points, 'email') === email && textAt(points, 'pass') === pass) {
        found.push(...nodes);
      }
    }
    return found.filter(({ id }) => this.#reachesRoot(id, new Set()));
  }

  all(): NodeEdge[] {
    return [...this.#byDown.values()].flat().map((edge) => this.#node(edge));
  }

  points(id: string): StorePoint[] {
    return this.#tables.get(id)?.points() ?? [];
  }

  point(id: string, type: string, key: string): StorePoint | undefined {
    return this.#tables.get(id)?.find(type, key);
  }

  #edges({ parent, id, type }: NodeQuery): Edge[] {
    for (const pasted of [parent, id, type]) refusePasted(pasted);
    const edges =
      parent === ROOT
        ? this.#byDown.get(this.rootId)
        : parent === 'all'
          ? this.#byDown.get(id)
          : this.#byUp.get(parent)?.filter(({ down }) => id === 'all' || id === down);
    return (edges ?? []).filter((edge) => type === '' || edge.type === type);
  }

  #node({ down: id, up: parent, type, table, hash }: Edge): NodeEdge {
    return { id, parent, type, points: this.points(id), edgePoints: table.points(), hash };
  }

  /** Once for each way up, so that changes over two ways cancel each other, as in SIOT. */
  #rehash(id: string, change: number, below: readonly string[]): void {
    const way = [...below, id];
    for (const edge of this.#byDown.get(id) ?? []) {
      edge.hash ^= change;
      if (!way.includes(edge.up)) this.#rehash(edge.up, change, way);
    }
  }

  #reachesRoot(id: string, seen: Set<string>): boolean {
    seen.add(id);
    return (this.#byDown.get(id) ?? []).some(
      ({ up, table }) =>
        table.number(TOMBSTONE) === 0 &&
        (up === ROOT || (!seen.has(up) && this.#reachesRoot(up, seen))),
    );
  }
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

/** IDs and types are pasted into SQL (4.5): a quote ends the text there. */
function refusePasted(text: string): void {
  const quote = /(?<!')'(?:'')*(?!')(.*)$/su.exec(text);
  if (quote === null) return;
  const next = /[\w$]+|\S/u.exec(quote[1] ?? '')?.[0];
  const why =
    next === undefined ? `unrecognized token: "'${text}'"` : `near "${next}": syntax error`;
  throw new RefusedError(`error getting edges: SQL logic error: ${why} (1)`);
}
