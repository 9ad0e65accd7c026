/**
 * How many distinct points a node may have in SIOT, and how many bytes they may take in
 * a reply (docs/contract.md, "Never on NATS"; docs/siot.md, 4.1).
 *
 * SIOT answers a request for a node, and one for all children of its parent, with one
 * message. NATS carries no message above 1 MiB: with one point too many neither is
 * answered any more. So all links of a gateway together stay below that, by an estimate
 * that is never too low. SIOT keeps the points that it was given, over all restarts. So
 * their names are kept here as well, each as a hash.
 */
import { hash } from 'node:crypto';
import { textLength } from '../../packet/text.js';
import { canonicalKey, textOf, type Point } from '../../point/point.js';
import { DESCRIPTION_TYPE, STALE_TYPE, isReservedType } from '../../point/reserved.js';
import { SettingBudget } from './setting-budget.js';

/** The longest reply, bytes (docs/siot.md, 4.1). */
export const REPLY_BYTES = 1_048_576;
/** Of it, for the gateway's own node and the reply's own fields. */
const GATEWAY_BYTES = 32_768;
/** Of it, for each link: its node's own fields and edges, the statistics and `log`. */
const LINK_BYTES = 5_120;
/** Links for which that is set aside. With more, not all of them can use all their counters. */
const MOST_LINKS = 100;
/** A link may take half of the reply, or as much as its `maxPoints` small points take, if that is more. */
const HALF_BYTES = REPLY_BYTES / 2;
const SMALL_POINT_BYTES = 52;
/** A point without its texts, in a reply of either generation: fields, time, number, dataType. */
const POINT_BYTES = 37;
/** The length fields of long texts take so much more. */
const LONG_BYTES = 8;
/** A tombstone that is no small number takes so much more. */
const ODD_TOMBSTONE_BYTES = 9;

/** Kept of a name: 6 bytes of hash, 4 of the number of bytes. */
export const HASH_BYTES = 6;
const NAME_BYTES = HASH_BYTES + 4;

/** The most bytes that a point takes in a reply. */
export function replyBytes({ type, key, value, tombstone, origin }: Point): number {
  const texts =
    textLength(type) +
    textLength(canonicalKey(key)) +
    textLength(origin) +
    textLength(textOf(value));
  const long = texts > 80 ? LONG_BYTES : 0;
  const odd = tombstone < 0 || tombstone > 127 ? ODD_TOMBSTONE_BYTES : 0;
  return POINT_BYTES + texts + long + odd;
}

/** Why a point is beyond the quota. */
export type QuotaProblem = 'tooManyPoints' | 'tooManyBytes';

/** What the links of a gateway may take together. */
export class PointBudget {
  /** The same for their settings. */
  readonly settings = new SettingBudget();
  #points = 0;
  #bytes = 0;
  #links = 0;

  constructor(
    /** Most distinct points. May change at any time: points that were admitted stay. */
    public limit: number,
  ) {}

  problem(points: number, bytes: number): QuotaProblem | undefined {
    if (this.#points + points > this.limit) return 'tooManyPoints';
    const own = GATEWAY_BYTES + Math.min(this.#links, MOST_LINKS) * LINK_BYTES;
    return this.#bytes + bytes + own > REPLY_BYTES ? 'tooManyBytes' : undefined;
  }

  take(points: number, bytes: number): void {
    this.#points += points;
    this.#bytes += bytes;
  }

  joined(links: number): void {
    this.#links += links;
  }
}

/**
 * What one node may take. A point that its device reports counts for the budget of all
 * links as well; one that others set counts for this node alone (docs/contract.md,
 * "Whose points").
 */
export class PointQuota {
  /** Bytes admitted for each point of the device, by the hash of its name. */
  readonly #given = new Map<number, number>();
  /** The same for points that others have set. */
  readonly #others = new Map<number, number>();
  #points = 0;
  #bytes = 0;
  readonly #mostBytes: number;
  #released = false;

  constructor(
    private readonly mostPoints: number,
    private readonly shared: PointBudget,
    /** Called when {@link record} gives another text than before. */
    private readonly changed: () => void,
  ) {
    this.#mostBytes = Math.max(HALF_BYTES, mostPoints * SMALL_POINT_BYTES);
    shared.joined(1);
  }

  get points(): number {
    return this.#points;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Admits a point of the device, or says why not. One that was as large before is always admitted. */
  admit(point: Point, bytes = replyBytes(point)): QuotaProblem | undefined {
    const name = nameHash(point);
    const given = this.#given.get(name);
    if (given !== undefined && bytes <= given) return undefined;
    const before = this.#sizeOf(name);
    if (before === 0 && this.#points >= this.mostPoints) return 'tooManyPoints';
    if (this.#bytes + Math.max(0, bytes - before) > this.#mostBytes) return 'tooManyBytes';
    const problem = this.shared.problem(given === undefined ? 1 : 0, bytes - (given ?? 0));
    if (problem !== undefined) return problem;
    this.#put(this.#given, name, bytes);
    this.changed();
    return undefined;
  }

  /** SIOT has this point already, whoever has written it. */
  learn(point: Point): void {
    if (this.#released || isOwn(point)) return;
    const sizes = point.origin === '' ? this.#given : this.#others;
    if (this.#learn(sizes, nameHash(point), replyBytes(point))) this.changed();
  }

  /**
   * The node was read: its points as SIOT has them. `ours`: what this gateway has given
   * SIOT since it started. All other names are forgotten, unless points are still
   * `underWay` to SIOT.
   */
  read(stored: Iterable<Point>, ours: Iterable<Point>, underWay: boolean): void {
    if (this.#released) return;
    const given = new Map(this.#given);
    if (!underWay) this.#clear();
    for (const point of stored) {
      this.learn(point);
      // The device reports this point as well.
      const name = nameHash(point);
      const before = point.origin === '' || isOwn(point) ? undefined : given.get(name);
      if (before !== undefined) this.#learn(this.#given, name, before);
    }
    for (const point of ours) this.learn(point);
    this.changed();
  }

  /** Gives all back to the budget; it is not used after this. */
  release(): void {
    this.#released = true;
    this.#clear();
    this.shared.joined(-1);
  }

  /** As text, for {@link restore}: the device's points, and after a dot those that others have set. */
  record(): string {
    const given = written(this.#given);
    return this.#others.size === 0 ? given : `${given}.${written(this.#others)}`;
  }

  restore(record: string): void {
    const [given = '', others = ''] = record.split('.');
    for (const [name, bytes] of readNames(given)) this.#put(this.#given, name, bytes);
    for (const [name, bytes] of readNames(others)) this.#put(this.#others, name, bytes);
  }

  /** Whether that was news. */
  #learn(sizes: Map<number, number>, name: number, bytes: number): boolean {
    const before = sizes.get(name);
    if (before !== undefined && before >= bytes) return false;
    // Others may invent any number of names: a quota that is full takes no more.
    if (this.#sizeOf(name) === 0 && this.#points >= this.mostPoints) return false;
    this.#put(sizes, name, bytes);
    return true;
  }

  /** Of a name, whoever has written it; 0: unknown. */
  #sizeOf(name: number): number {
    return Math.max(this.#given.get(name) ?? 0, this.#others.get(name) ?? 0);
  }

  #put(sizes: Map<number, number>, name: number, bytes: number): void {
    const size = this.#sizeOf(name);
    const before = sizes.get(name);
    sizes.set(name, bytes);
    if (size === 0) this.#points += 1;
    this.#bytes += this.#sizeOf(name) - size;
    if (sizes === this.#given) {
      this.shared.take(before === undefined ? 1 : 0, bytes - (before ?? 0));
    }
  }

  #clear(): void {
    let bytes = 0;
    for (const size of this.#given.values()) bytes += size;
    this.shared.take(-this.#given.size, -bytes);
    this.#given.clear();
    this.#others.clear();
    this.#points = 0;
    this.#bytes = 0;
  }
}

function written(sizes: ReadonlyMap<number, number>): string {
  const bytes = Buffer.alloc(sizes.size * NAME_BYTES);
  let at = 0;
  for (const [name, size] of sizes) {
    bytes.writeUIntLE(name, at, HASH_BYTES);
    bytes.writeUInt32LE(size, at + HASH_BYTES);
    at += NAME_BYTES;
  }
  return bytes.toString('base64');
}

function* readNames(text: string): Generator<[name: number, bytes: number], undefined> {
  const bytes = Buffer.from(text, 'base64');
  for (let at = 0; at + NAME_BYTES <= bytes.length; at += NAME_BYTES) {
    yield [bytes.readUIntLE(at, HASH_BYTES), bytes.readUInt32LE(at + HASH_BYTES)];
  }
  return undefined;
}

/** It is made by the gateway, for which LINK_BYTES is set aside. */
function isOwn({ type, key }: Point): boolean {
  if (canonicalKey(key) === '0' && (type === 'log' || type === DESCRIPTION_TYPE)) return true;
  // Its keys are names of the device's points.
  return type !== STALE_TYPE && isReservedType(type);
}

/** A hash of a point's type and key, of {@link HASH_BYTES} bytes. In one call: each setting needs it. */
export function nameHash({ type, key }: Pick<Point, 'type' | 'key'>): number {
  return hash('sha256', `${type}\0${canonicalKey(key)}`, 'buffer').readUIntLE(0, HASH_BYTES);
}
