import { textOf, type Point } from '../point/point.js';
import type { Outbox, OutboxLane } from './outbox.js';

export interface MemoryOutboxOptions {
  /** Room for all lanes together, in bytes, estimated generously. Each lane has an equal share. */
  readonly maxBytes: number;
}

/** An outbox that lasts as long as the process. */
export class MemoryOutbox implements Outbox {
  onPut: ((lane: OutboxLane) => void) | undefined;
  readonly #maxBytes: number;
  readonly #lanes = new Map<string, MemoryLane>();
  readonly #leaving = new Set<string>();
  readonly #share: Share = { bytes: 0 };

  constructor(options: MemoryOutboxOptions) {
    this.#maxBytes = options.maxBytes;
  }

  lane(nodeId: string): OutboxLane {
    this.#leaving.delete(nodeId);
    let lane = this.#lanes.get(nodeId);
    if (lane === undefined) {
      lane = new MemoryLane(nodeId, this.#share, {
        put: (filled) => this.onPut?.(filled),
        emptied: (emptied) => this.#emptied(emptied),
      });
      this.#lanes.set(nodeId, lane);
      this.#shareOut();
    }
    return lane;
  }

  lanes(): Iterable<OutboxLane> {
    return this.#lanes.values();
  }

  release(nodeId: string): void {
    const lane = this.#lanes.get(nodeId);
    if (lane === undefined) return;
    this.#leaving.add(nodeId);
    if (lane.length === 0) this.#emptied(lane);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #emptied(lane: OutboxLane): void {
    if (!this.#leaving.delete(lane.nodeId)) return;
    this.#lanes.delete(lane.nodeId);
    this.#shareOut();
  }

  // A lane that holds more than its new share keeps what it has and takes
  // nothing until it is below it.
  #shareOut(): void {
    this.#share.bytes = this.#maxBytes / Math.max(1, this.#lanes.size);
  }
}

interface Share {
  bytes: number;
}

/** What a point occupies in memory besides its texts: the object, its value, its time, its place. */
const POINT_BYTES = 160;

function bytesOf(point: Point): number {
  return (
    POINT_BYTES +
    2 * (point.type.length + point.key.length + point.origin.length + textOf(point.value).length)
  );
}

/** A ring whose size is a power of two, so that a position's place is a mask away. */
class MemoryLane implements OutboxLane {
  #ring: (Point | undefined)[] = new Array<Point | undefined>(64).fill(undefined);
  #mask = 63;
  #first = 0;
  #next = 0;
  #length = 0;
  #bytes = 0;

  constructor(
    readonly nodeId: string,
    private readonly share: Share,
    private readonly events: {
      put(lane: OutboxLane): void;
      emptied(lane: OutboxLane): void;
    },
  ) {}

  get first(): number {
    return this.#first;
  }

  get next(): number {
    return this.#next;
  }

  get length(): number {
    return this.#length;
  }

  put(points: readonly Point[], safe: () => void): boolean {
    let bytes = 0;
    for (const point of points) bytes += bytesOf(point);
    // What alone exceeds the share is taken by an empty lane: refusing it would
    // stop its device for ever.
    if (this.#length > 0 && this.#bytes + bytes > this.share.bytes) return false;
    while (this.#next - this.#first + points.length > this.#mask + 1) this.#grow();
    for (const point of points) {
      this.#ring[this.#next & this.#mask] = point;
      this.#next += 1;
    }
    this.#length += points.length;
    this.#bytes += bytes;
    safe();
    this.events.put(this);
    return true;
  }

  read(position: number): Point | undefined {
    if (position < this.#first || position >= this.#next) return undefined;
    return this.#ring[position & this.#mask];
  }

  settle(position: number): void {
    if (!this.#clear(position)) return;
    this.#advance();
  }

  settleThrough(position: number): void {
    const end = Math.min(position + 1, this.#next);
    for (let at = this.#first; at < end; at++) this.#clear(at);
    this.#advance();
  }

  #clear(position: number): boolean {
    const point = this.read(position);
    if (point === undefined) return false;
    this.#ring[position & this.#mask] = undefined;
    this.#length -= 1;
    this.#bytes -= bytesOf(point);
    return true;
  }

  #advance(): void {
    if (this.#length === 0) {
      if (this.#first === this.#next) return;
      this.#first = this.#next;
      this.events.emptied(this);
      return;
    }
    while (this.#ring[this.#first & this.#mask] === undefined) this.#first += 1;
  }

  #grow(): void {
    const mask = this.#mask * 2 + 1;
    const ring = new Array<Point | undefined>(mask + 1).fill(undefined);
    for (let at = this.#first; at < this.#next; at++) {
      ring[at & mask] = this.#ring[at & this.#mask];
    }
    this.#ring = ring;
    this.#mask = mask;
  }
}
