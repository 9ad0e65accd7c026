/**
 * How much of SIOT a node takes: its distinct points, and the bytes of them in
 * a reply (docs/contract.md, "Never on NATS"; docs/siot.md, 4.1).
 *
 * SIOT answers a question for a node, and for the list of its parent's
 * children, in one message, and NATS carries no message above 1 MiB: with one
 * point too many neither is answered any more. So all links of a gateway
 * together stay below that, by an estimate that is never too low. What SIOT was
 * given once it has for good, whatever has been restarted since: a name is
 * known again by its hash, which is kept.
 */
import { createHash } from 'node:crypto';
import { textLength } from '../../packet/text.js';
import { canonicalKey, textOf, type Point } from '../../point/point.js';
import { DESCRIPTION_TYPE, isReservedType } from '../../point/reserved.js';
import { SettingBudget } from './setting-budget.js';

/** Longest reply (docs/siot.md, 4.1). */
export const REPLY_BYTES = 1_048_576;
/** Of it for the gateway's own node, and for the frame of the reply. */
const GATEWAY_BYTES = 32_768;
/** For each link: its node's frame and edges, and what the gateway adds: statistics and `log`. */
const LINK_BYTES = 5_120;
/** So many links have room for that; of more, the last must hope that not all counters are in use. */
const MOST_LINKS = 100;
/** A link has half of the reply, or what so many small points take as it may have. */
const HALF_BYTES = REPLY_BYTES / 2;
const SMALL_POINT_BYTES = 52;
/** A point's frame, time, number and dataType in a reply of either generation, and the tags of its texts. */
const POINT_BYTES = 37;
/** What the lengths of long texts take beyond those of short ones. */
const LONG_BYTES = 8;
/** As much for a tombstone that is no small number. */
const ODD_TOMBSTONE_BYTES = 9;

/** Kept of a name: 6 bytes of hash, 4 of the number of bytes. */
export const HASH_BYTES = 6;
const NAME_BYTES = HASH_BYTES + 4;

/** What a point takes in a reply at most, in bytes. */
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

/** Why there is no room for a point. */
export type QuotaProblem = 'tooManyPoints' | 'tooManyBytes';

/** The room of all links of a gateway together. */
export class PointBudget {
  /** And of their settings. */
  readonly settings = new SettingBudget();
  #points = 0;
  #bytes = 0;
  #links = 0;

  constructor(
    /** Most distinct points. May change: what has its room keeps it. */
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
 * What one node takes. What its device reports comes out of the room of all
 * links together; what others set on it only out of its own (docs/contract.md, "Whose
 * points").
 */
export class PointQuota {
  /** Bytes of each name that the device was given room for, by the name's hash. */
  readonly #given = new Map<number, number>();
  /** The same of what others have set. */
  readonly #others = new Map<number, number>();
  #points = 0;
  #bytes = 0;
  readonly #mostBytes: number;
  #released = false;

  constructor(
    private readonly mostPoints: number,
    private readonly shared: PointBudget,
    /** Something has changed that is to be kept. */
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

  /** Makes room for a point of the device, unless there is none. What has been as large before has it. */
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

  /** SIOT has this already, whoever has written it. */
  learn(point: Point): void {
    if (this.#released || isOwn(point)) return;
    const sizes = point.origin === '' ? this.#given : this.#others;
    if (this.#learn(sizes, nameHash(point), replyBytes(point))) this.changed();
  }

  /**
   * The node as SIOT has it. `ours`: what this gateway has given it since it
   * started. Earlier ones are forgotten, unless some of them are `underWay` yet.
   */
  read(stored: Iterable<Point>, ours: Iterable<Point>, underWay: boolean): void {
    if (this.#released) return;
    const given = new Map(this.#given);
    if (!underWay) this.#clear();
    for (const point of stored) {
      this.learn(point);
      // Somebody has set what the device reports as well.
      const name = nameHash(point);
      const before = point.origin === '' || isOwn(point) ? undefined : given.get(name);
      if (before !== undefined) this.#learn(this.#given, name, before);
    }
    for (const point of ours) this.learn(point);
    this.changed();
  }

  /** Gives its room back; it is not used after this. */
  release(): void {
    this.#released = true;
    this.#clear();
    this.shared.joined(-1);
  }

  /** Text from which {@link restore} makes the same: what was given, and behind a dot what others have set. */
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
    // Others may invent as many as they like: what is full needs no more names.
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

/** Made by the gateway, which has room set aside for them. */
function isOwn({ type, key }: Point): boolean {
  if (canonicalKey(key) === '0' && (type === 'log' || type === DESCRIPTION_TYPE)) return true;
  return isReservedType(type);
}

/** By which a point's name is known again; {@link HASH_BYTES} of it. */
export function nameHash({ type, key }: Pick<Point, 'type' | 'key'>): number {
  const hash = createHash('sha256').update(type).update('\0').update(canonicalKey(key));
  return hash.digest().readUIntLE(0, HASH_BYTES);
}
