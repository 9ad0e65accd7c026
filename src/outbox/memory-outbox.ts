import type { Point } from '../point/point.js';
import { writableOf } from './bytes.js';
import { Lanes, type LanesHost } from './lanes.js';
import { Latest, type LatestHost } from './latest.js';
import type { LaneOptions, Outbox, OutboxLane } from './outbox.js';
import { memoryOf, PointRing } from './point-ring.js';

interface MemoryOutboxOptions {
  /**
   * Bytes of memory for all lanes together. Each lane has an equal share. The size of a
   * point is estimated, rather too large.
   */
  readonly maxBytes: number;
}

/** An outbox that lasts as long as the process. */
export class MemoryOutbox implements Outbox, LanesHost<MemoryLane> {
  onPut: ((lane: OutboxLane) => void) | undefined;
  readonly #lanes: Lanes<MemoryLane>;

  constructor(options: MemoryOutboxOptions) {
    this.#lanes = new Lanes(options.maxBytes, this);
  }

  makeLane(nodeId: string): MemoryLane {
    return new MemoryLane(nodeId, this, this.#lanes);
  }

  lane(nodeId: string, options?: LaneOptions): OutboxLane {
    const lane = this.#lanes.get(nodeId);
    if (options !== undefined) lane.configure(options);
    return lane;
  }

  lanes(): Iterable<OutboxLane> {
    return this.#lanes;
  }

  adviceFor(): readonly string[] {
    return [];
  }

  release(nodeId: string): void {
    this.#lanes.release(nodeId);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class MemoryLane implements OutboxLane, LatestHost {
  readonly #ring = new PointRing();
  #first = 0;
  #length = 0;
  #bytes = 0;
  #latest: Latest | undefined;
  #options: LaneOptions | undefined;

  readonly awaited = false;
  latestNs = 0n;

  constructor(
    readonly nodeId: string,
    private readonly outbox: MemoryOutbox,
    private readonly lanes: Lanes<MemoryLane>,
  ) {}

  configure(options: LaneOptions): void {
    this.#options = options;
    if (options.backlog === 'all') this.#latest = undefined;
    else this.#latest ??= new Latest(this);
  }

  get first(): number {
    return this.#first;
  }

  get next(): number {
    return this.#ring.next;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get used(): number {
    return this.#bytes / this.lanes.quota.bytes;
  }

  put(given: readonly Point[], safe: () => void): boolean {
    const points = writableOf(given, this.#options?.onUnwritable);
    if (points.length === 0) {
      safe();
      return true;
    }
    let bytes = 0;
    for (const point of points) bytes += memoryOf(point);
    // An empty lane takes even points that are larger than its share: if they were
    // refused, the device could never go on.
    if (this.#length > 0 && this.#bytes + bytes > this.lanes.quota.bytes) return false;
    const first = this.next;
    for (const point of points) {
      this.#ring.push(point);
      if (point.time > this.latestNs) this.latestNs = point.time;
    }
    this.#length += points.length;
    this.#bytes += bytes;
    safe();
    if (this.#latest !== undefined) {
      for (const [i, point] of points.entries()) this.#latest.add(first + i, point);
    }
    this.outbox.onPut?.(this);
    return true;
  }

  read(position: number): Point | undefined {
    return this.#ring.get(position);
  }

  settle(from: number, to = from + 1): void {
    const end = Math.min(to, this.next);
    for (let at = Math.max(from, this.#first); at < end; at++) {
      const point = this.#ring.take(at);
      if (point === undefined) continue;
      this.#length -= 1;
      this.#bytes -= memoryOf(point);
    }
    this.#advance();
  }

  settleThrough(position: number): void {
    this.settle(this.#first, position + 1);
  }

  get claimed(): number {
    return this.#latest?.claimed ?? Number.POSITIVE_INFINITY;
  }

  claimBefore(position: number): void {
    this.#latest?.claimBefore(position);
  }

  // For the newest points --------------------------------------------------------

  isLive(position: number): boolean {
    return this.read(position) !== undefined;
  }

  isSafe(): boolean {
    return true;
  }

  supersede(position: number): void {
    this.settle(position);
    this.#options?.onSuperseded(1);
  }

  *livePoints(): Generator<readonly [number, Point]> {
    for (let at = this.#first; at < this.next; at++) {
      const point = this.read(at);
      if (point !== undefined) yield [at, point];
    }
  }

  #advance(): void {
    if (this.#length === 0) {
      if (this.#first === this.next) return;
      this.#first = this.next;
      this.#ring.dropBefore(this.#first);
      this.lanes.emptied(this);
      return;
    }
    while (this.#ring.get(this.#first) === undefined) this.#first += 1;
    this.#ring.dropBefore(this.#first);
  }
}
