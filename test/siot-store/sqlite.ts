/**
 * The store of generation 1 and 2a (siot-interop.md, 1.1, 4.7, 4.9): tables of
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
import {
  collapse,
  find,
  NO_DATA,
  numberOf,
  storedKey,
  textOf,
  typedNumber,
  typedText,
  UNSET_NS,
  type StorePoint,
} from './point.js';

/** A NaN becomes NULL, which nothing can read back (1.1). */
const NULL_VALUE =
  'sql: Scan error on column index 6, name "value": converting NULL to float64 is unsupported';
const NULL_IN_EDGE = `error updating upstream hash: error getting edge points: ${NULL_VALUE}`;
const NULL_IN_NODES = `children error getting node points: ${NULL_VALUE}`;

const USER = 'user';

export interface SqliteOptions {
  readonly generation: 1 | 2;
  readonly nowNs: () => bigint;
}

interface Row {
  readonly type: string;
  readonly key: string;
  readonly time: bigint;
  readonly value: number;
  readonly text: string;
  readonly data: Uint8Array;
  readonly tombstone: number;
  readonly origin: string;
}

/** Rows in the order of their making; two spellings of a key can make two of one point (1.2). */
class Table {
  readonly rows: Row[] = [];
  /** Only the first of such rows is found again, and replaced. */
  readonly #first = new Map<string, number>();
  unreadable = false;

  find(type: string, key: string): Row | undefined {
    const index = this.#first.get(`${type}\0${key}`);
    return index === undefined ? undefined : this.rows[index];
  }

  /** A message is judged against what was there before it, not against itself. */
  write(points: readonly StorePoint[], nowNs: () => bigint): void {
    const writes: { row: Row; index: number | undefined }[] = [];
    for (const point of points) {
      const row = rowOf(point, nowNs);
      const index = this.#first.get(nameOf(row));
      const known = index === undefined ? undefined : this.rows[index];
      if (known !== undefined && known.time > row.time) continue;
      writes.push({ row, index });
    }
    for (const { row, index } of writes) {
      const stored = { ...row, time: BigInt.asIntN(64, row.time) };
      if (Number.isNaN(row.value)) this.unreadable = true;
      if (index !== undefined) {
        this.rows[index] = stored;
        continue;
      }
      const name = nameOf(row);
      if (!this.#first.has(name)) this.#first.set(name, this.rows.length);
      this.rows.push(stored);
    }
  }
}

interface Edge {
  readonly up: string;
  readonly down: string;
  /** Given by the message that made the edge; later ones change nothing. */
  readonly type: string;
  readonly table: Table;
}

export class SqliteDatabase implements Database {
  rootId = '';
  readonly #options: SqliteOptions;
  readonly #tables = new Map<string, Table>();
  readonly #byUp = new Map<string, Edge[]>();
  readonly #byDown = new Map<string, Edge[]>();

  constructor(options: SqliteOptions) {
    this.#options = options;
  }

  nodePoints(id: string, points: readonly StorePoint[]): void {
    const table = this.#tables.get(id) ?? new Table();
    if (table.unreadable) throw new RefusedError(NULL_VALUE);
    table.write(collapse(points), this.#options.nowNs);
    this.#tables.set(id, table);
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
    if (stored.some((point) => Number.isNaN(numberOf(point)))) {
      throw new RefusedError(NULL_IN_EDGE);
    }
    const edge = known ?? { up: parent, down: id, type: nodeType, table: new Table() };
    edge.table.write(stored, this.#options.nowNs);
    if (known !== undefined) return;
    push(this.#byUp, parent, edge);
    push(this.#byDown, id, edge);
    if (parent === ROOT) this.rootId = id;
  }

  query(query: NodeQuery): NodeEdge[] {
    refuseQuery(query);
    const nodes = this.#edges(query).filter(
      ({ table }) => query.deleted || tombstoneOf(table) !== 1,
    );
    if (nodes.some(({ down }) => this.#tables.get(down)?.unreadable === true)) {
      throw new RefusedError(NULL_IN_NODES);
    }
    return nodes.map((edge) => this.#node(edge));
  }

  /** Upstream, odd is deleted, and so is what is neither odd nor even (1.3). */
  ups(id: string, deleted: boolean): string[] {
    return (this.#byDown.get(id) ?? [])
      .filter(({ table }) => deleted || tombstoneOf(table) % 2 === 0)
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
    return (this.#tables.get(id)?.rows ?? []).map((row) => this.#point(row));
  }

  point(id: string, type: string, key: string): StorePoint | undefined {
    const row = this.#tables.get(id)?.find(type, key);
    return row === undefined ? undefined : this.#point(row);
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

  #node(edge: Edge): NodeEdge {
    const points = this.points(edge.down);
    const edgePoints = edge.table.rows.map((row) => this.#point(row));
    const { down: id, up: parent, type } = edge;
    return { id, parent, type, points, edgePoints, hash: hashOf([...points, ...edgePoints]) };
  }

  #reachesRoot(id: string, seen: Set<string>): boolean {
    seen.add(id);
    return (this.#byDown.get(id) ?? []).some(
      ({ up, table }) =>
        tombstoneOf(table) === 0 && (up === ROOT || (!seen.has(up) && this.#reachesRoot(up, seen))),
    );
  }

  #point({ type, key, time, value, text, data, tombstone, origin }: Row): StorePoint {
    const about = { type, key, time, tombstone, origin };
    if (this.#options.generation === 1) return { ...about, content: { kind: 'pair', value, text } };
    if (text !== '') return { ...about, content: typedText(text) };
    if (value !== 0) return { ...about, content: typedNumber(value) };
    return { ...about, content: { kind: 'typed', dataType: 0, data } };
  }
}

function rowOf(point: StorePoint, nowNs: () => bigint): Row {
  const { content } = point;
  const value = numberOf(point);
  return {
    type: point.type,
    key: storedKey(point.key),
    time: point.time === UNSET_NS ? nowNs() : point.time,
    // Whole numbers are kept as integers, which have no minus zero.
    value: value === 0 ? 0 : value,
    text: textOf(point),
    data: content.kind === 'typed' ? content.data : NO_DATA,
    tombstone: point.tombstone,
    origin: point.origin,
  };
}

function nameOf({ type, key }: Row): string {
  return `${type}\0${key}`;
}

function tombstoneOf(table: Table): number {
  return table.find(TOMBSTONE, '0')?.value ?? 0;
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

// Nobody compares it with anything but a former one: it is enough that it
// changes with the points and is never 0.
function hashOf(points: readonly StorePoint[]): number {
  let hash = 0x811c9dc5;
  for (const { type, key, time } of points) {
    let own = Number(BigInt.asUintN(32, time ^ (time >> 32n)));
    for (const character of type + key) {
      own = Math.imul(own ^ (character.codePointAt(0) ?? 0), 0x01000193);
    }
    hash ^= own;
  }
  return hash | 0 || 1;
}
