/**
 * How much of SIOT a node takes: its distinct points, and the bytes of them in
 * a reply (design.md, "Never on NATS"; siot-interop.md, 4.1).
 *
 * SIOT answers a question for a node, and for the list of its parent's
 * children, in one message, and NATS carries no message above 1 MiB: with one
 * point too many neither is answered any more. So all links of a gateway
 * together stay below that, by an estimate that is never too low. What SIOT was
 * given once it has for good, whatever has been restarted since: a name is
 * known again by its hash, which is kept.
 */
import { createHash } from 'node:crypto';
import { textLength } from '../packet/text.js';
import { canonicalKey, textOf, type Point } from '../point/point.js';
import { DESCRIPTION_TYPE, isReservedType } from '../point/reserved.js';

/** Longest reply (siot-interop.md, 4.1). */
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
export type RoomProblem = 'tooManyPoints' | 'tooManyBytes';

/** The room of all links of a gateway together. */
export class PointBudget {
  #points = 0;
  #bytes = 0;
  #links = 0;

  constructor(
    /** Most distinct points. May change: what has its room keeps it. */
    public limit: number,
  ) {}

  problem(points: number, bytes: number): RoomProblem | undefined {
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

/** What one node takes. */
export class NodeRoom {
  /** Bytes of each name, by its hash. */
  readonly #names = new Map<number, number>();
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
    return this.#names.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Makes room for a point of the device, unless there is none. What has been as large before has it. */
  admit(point: Point, bytes = replyBytes(point)): RoomProblem | undefined {
    const name = nameHash(point);
    const before = this.#names.get(name);
    if (before !== undefined && bytes <= before) return undefined;
    const more = bytes - (before ?? 0);
    if (before === undefined && this.#names.size >= this.mostPoints) return 'tooManyPoints';
    if (this.#bytes + more > this.#mostBytes) return 'tooManyBytes';
    const problem = this.shared.problem(before === undefined ? 1 : 0, more);
    if (problem !== undefined) return problem;
    this.#set(name, bytes);
    return undefined;
  }

  /** SIOT has this already, whoever has written it. */
  learn(point: Point): void {
    if (this.#released || isOwn(point)) return;
    const name = nameHash(point);
    const bytes = replyBytes(point);
    const before = this.#names.get(name);
    if (before !== undefined && before >= bytes) return;
    // Others may invent as many as they like: what is full needs no more names.
    if (before === undefined && this.#names.size >= this.mostPoints) return;
    this.#set(name, bytes);
  }

  /**
   * The node as SIOT has it. `ours`: what this gateway has given it since it
   * started. Earlier ones are forgotten, unless some of them are `underWay` yet.
   */
  read(stored: Iterable<Point>, ours: Iterable<Point>, underWay: boolean): void {
    if (this.#released) return;
    if (!underWay) this.#clear();
    for (const point of stored) this.learn(point);
    for (const point of ours) this.learn(point);
    this.changed();
  }

  /** Gives its room back; it is not used after this. */
  release(): void {
    this.#released = true;
    this.#clear();
    this.shared.joined(-1);
  }

  /** Text from which {@link restore} makes the same. */
  record(): string {
    const bytes = Buffer.alloc(this.#names.size * NAME_BYTES);
    let at = 0;
    for (const [name, size] of this.#names) {
      bytes.writeUIntLE(name, at, HASH_BYTES);
      bytes.writeUInt32LE(size, at + HASH_BYTES);
      at += NAME_BYTES;
    }
    return bytes.toString('base64');
  }

  restore(record: string): void {
    const bytes = Buffer.from(record, 'base64');
    for (let at = 0; at + NAME_BYTES <= bytes.length; at += NAME_BYTES) {
      this.#put(bytes.readUIntLE(at, HASH_BYTES), bytes.readUInt32LE(at + HASH_BYTES));
    }
  }

  #set(name: number, bytes: number): void {
    this.#put(name, bytes);
    this.changed();
  }

  #put(name: number, bytes: number): void {
    const before = this.#names.get(name);
    this.#names.set(name, bytes);
    const more = bytes - (before ?? 0);
    this.#bytes += more;
    this.shared.take(before === undefined ? 1 : 0, more);
  }

  #clear(): void {
    this.shared.take(-this.#names.size, -this.#bytes);
    this.#names.clear();
    this.#bytes = 0;
  }
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
