import type { Clock } from '../point/clock.js';
import type { Point } from '../point/point.js';
import { BLOCK_BYTES, blockOverhead, type Batch } from './block.js';
import { pointLength, writableOf } from './bytes.js';
import { ExtentCache } from './extent-cache.js';
import { Extents, type Extent, type Segment } from './extents.js';
import type { OutboxQuota } from './lanes.js';
import { Latest, type LatestHost } from './latest.js';
import type { LaneOptions, Outbox, OutboxLane } from './outbox.js';
import { WriteDelay } from './write-delay.js';
import { memoryOf, PointRing } from './point-ring.js';
import type { LaneTally } from './tally.js';
import { Waiters } from './waiters.js';

/** What a lane needs of its outbox. */
export interface DiskLaneHost extends Pick<Outbox, 'onPut'> {
  readonly clock: Clock;
  readonly quota: OutboxQuota;
  /**
   * Maximum number of bytes of memory of one lane: for points that are on disk already, and
   * for points that are not.
   */
  readonly memory: { readonly written: number; readonly unwritten: number };
  /** Whether all lanes together have room for so many more bytes. */
  hasRoom(bytes: number): boolean;
  /** The lane has points that are not on disk yet. */
  writeSoon(lane: DiskLane): void;
  /** Points that may be on disk are settled: marks for their positions have to be written. */
  settled(nodeId: string, from: number, to: number): void;
  /** Points that should be on disk cannot be read. `error`: the system's error, if there was one. */
  lost(nodeId: string, count: number, error: unknown): void;
  emptied(lane: DiskLane): void;
}

/** Points of a lane that one commit has written, and their place in the file. */
export interface Written {
  readonly segment: Segment;
  readonly offset: number;
  readonly end: number;
  readonly first: number;
  readonly next: number;
}

/**
 * A lane whose points are on disk, in memory, or both.
 *
 * ```
 *  first          ring.first     #written           next
 *    │ on disk only   │ on disk too   │ in memory only │
 *    └── read by      └── what is read soon            └── the next point
 *        extents
 * ```
 */
export class DiskLane implements OutboxLane, LatestHost {
  readonly extents = new Extents();
  readonly writeDelay = new WriteDelay();
  readonly #cache: ExtentCache;
  #ring: PointRing;
  readonly #waiters = new Waiters();
  /** All unsettled points before that position are on disk and synced. */
  #written = 0;
  /** Points before that position may be on disk. When they are settled, they need marks. */
  #touched = 0;
  /** Bytes of points that are not written: on disk later, and in memory now. #memory: of all points in the ring. */
  #unwrittenBytes = 0;
  #unwrittenMemory = 0;
  #memory = 0;
  #latest: Latest | undefined;
  #options: LaneOptions | undefined;
  latestNs = 0n;
  /** When points were last delivered or given up, ms of the monotonic clock. */
  deliveredMs = Number.NEGATIVE_INFINITY;

  constructor(
    readonly nodeId: string,
    private readonly host: DiskLaneHost,
    /** Position of the first point. It is larger than all that the node ever had. */
    first: number,
  ) {
    this.#ring = new PointRing(first);
    this.#written = first;
    this.#cache = new ExtentCache(nodeId, this.extents.live);
  }

  configure(options: LaneOptions): void {
    this.#options = options;
    if (options.backlog === 'all') this.#latest = undefined;
    else this.#latest ??= new Latest(this);
  }

  get first(): number {
    return this.extents.live.first ?? this.next;
  }

  get next(): number {
    return this.#ring.next;
  }

  get length(): number {
    return this.extents.live.count;
  }

  get used(): number {
    return this.bytes / this.host.quota.bytes;
  }

  get awaited(): boolean {
    return this.#waiters.any;
  }

  /** Since when the oldest `safe` waits, ms of the monotonic clock. */
  get awaitedSinceMs(): number | undefined {
    return this.#waiters.sinceMs;
  }

  get hasUnwritten(): boolean {
    return this.#unwrittenBytes > 0;
  }

  /** Bytes of unsettled points that are on disk or will be written. */
  get bytes(): number {
    return this.extents.bytes + this.#unwrittenBytes;
  }

  put(given: readonly Point[], safe: () => void): boolean {
    const points = writableOf(given, this.#options?.onUnwritable);
    if (points.length === 0) {
      safe();
      return true;
    }
    let bytes = 0;
    let memory = 0;
    for (const point of points) {
      bytes += pointLength(point);
      memory += memoryOf(point);
    }
    // An empty lane takes even points that are larger than its share: if they were
    // refused, the device could never go on.
    if (this.length > 0) {
      if (this.bytes + bytes > this.host.quota.bytes || !this.host.hasRoom(bytes)) return false;
    }
    const { unwritten } = this.host.memory;
    if (this.#unwrittenMemory > 0 && this.#unwrittenMemory + memory > unwritten) return false;
    const first = this.next;
    for (const point of points) {
      this.#ring.push(point);
      if (point.time > this.latestNs) this.latestNs = point.time;
    }
    this.extents.live.add(first, this.next);
    this.#unwrittenBytes += bytes;
    this.#unwrittenMemory += memory;
    this.#memory += memory;
    this.#waiters.add(first, this.next, this.host.clock.monotonicMs(), safe);
    if (this.#latest !== undefined) {
      for (const [i, point] of points.entries()) this.#latest.add(first + i, point);
    }
    this.host.onPut?.(this);
    if (this.hasUnwritten) this.host.writeSoon(this);
    return true;
  }

  read(position: number): Point | undefined {
    if (position >= this.#ring.first) return this.#ring.get(position);
    if (!this.extents.live.has(position)) return undefined;
    const extent = this.extents.find(position);
    if (extent === undefined) return undefined;
    const { points, error } = this.#cache.load(extent);
    const point = points.get(position);
    if (point === undefined) this.#lost(extent, points, error);
    return point;
  }

  /** Settles and reports points that cannot be read. */
  #lost(extent: Extent, points: ReadonlyMap<number, Point>, error: unknown): void {
    let count = 0;
    for (const [from, to] of this.extents.live.in(extent.first, extent.next)) {
      for (let at = from; at < to; at++) {
        if (points.has(at) || this.#ring.get(at) !== undefined) continue;
        this.#remove(at, at + 1);
        count += 1;
      }
    }
    this.host.lost(this.nodeId, count, error);
  }

  settle(from: number, to = from + 1): void {
    const before = this.length;
    if (this.#remove(from, to)) this.writeDelay.succeeded();
    if (this.length < before) this.deliveredMs = this.host.clock.monotonicMs();
  }

  /** Takes points out of the lane. True: a callback was waiting for that, and was called. */
  #remove(from: number, to: number): boolean {
    const { live } = this.extents;
    const pieces = live.in(from, Math.min(to, this.next));
    if (pieces.length === 0) return false;
    for (const [low, high] of pieces) {
      this.extents.settle(low, high);
      for (let at = Math.max(low, this.#ring.first); at < high; at++) {
        const point = this.#ring.take(at);
        if (point === undefined) continue;
        this.#memory -= memoryOf(point);
        if (at >= this.#written) this.#noLongerUnwritten(point);
      }
      if (low < this.#touched) this.host.settled(this.nodeId, low, Math.min(high, this.#touched));
    }
    this.#ring.dropBefore(this.first);
    let called = false;
    for (const [low, high] of pieces) {
      if (this.#waiters.settled(low, high)) called = true;
      this.#latest?.safe(low, high);
    }
    this.#releaseWaiters();
    if (this.length === 0) this.host.emptied(this);
    return called;
  }

  settleThrough(position: number): void {
    this.settle(this.first, position + 1);
  }

  get claimed(): number {
    return this.#latest?.claimed ?? Number.POSITIVE_INFINITY;
  }

  claimBefore(position: number): void {
    this.#latest?.claimBefore(position);
  }

  // For the log ----------------------------------------------------------------

  /** Points that are not on disk, as batches for blocks. They have `bytes` bytes at most, or are one point. */
  unwritten(bytes: number): Batch[] {
    const batches: Batch[] = [];
    let left = bytes;
    let [positions, points]: [number[], Point[]] = [[], []];
    let size = 0;
    const close = (): void => {
      if (points.length === 0) return;
      batches.push({ nodeId: this.nodeId, positions, points });
      [positions, points, size] = [[], [], 0];
    };
    for (let at = Math.max(this.#written, this.#ring.first); at < this.next; at++) {
      const point = this.#ring.get(at);
      if (point === undefined) continue;
      const length = pointLength(point);
      if (left < length && left < bytes) break;
      if (size + length > BLOCK_BYTES) close();
      if (points.length === 0) left -= blockOverhead(this.nodeId);
      positions.push(at);
      points.push(point);
      size += length;
      left -= length;
    }
    close();
    this.#touched = Math.max(this.#touched, (batches.at(-1)?.positions.at(-1) ?? -1) + 1);
    return batches;
  }

  /** Unsettled points of these extents as one batch; `undefined`: there are none. */
  copyOf(extents: readonly Extent[]): Batch | undefined {
    const [positions, points]: [number[], Point[]] = [[], []];
    for (const extent of extents) {
      for (const [from, to] of this.extents.live.in(extent.first, extent.next)) {
        for (let at = from; at < to; at++) {
          const point = this.read(at);
          if (point === undefined) continue;
          positions.push(at);
          points.push(point);
        }
      }
    }
    return points.length === 0 ? undefined : { nodeId: this.nodeId, positions, points };
  }

  /** Points are on disk now, and synced. */
  written({ segment, offset, end, first, next }: Written): void {
    const from = Math.max(first, this.#written);
    if (next > this.#written) {
      for (let at = from; at < next; at++) {
        const point = this.#ring.get(at);
        if (point !== undefined) this.#noLongerUnwritten(point);
      }
      this.#written = this.#firstUnsettled(next);
    }
    this.extents.place(segment, offset, end, first, next);
    this.#cache.drop();
    if (from >= next) return;
    this.#waiters.written(this.#written);
    this.#latest?.safe(from, next);
    this.#evict();
  }

  /** The number of unsettled points that are synced, for the tally. */
  tally(): LaneTally {
    const { nodeId, first } = this;
    const next = this.#written;
    return { nodeId, first, next, points: this.extents.live.countIn(first, next) };
  }

  // Recovery ---------------------------------------------------------------------

  /** Adds a block of an earlier run. `positions`: ranges of its points. */
  recoverPoints(
    { segment, offset, end, first, next }: Written,
    positions: Iterable<readonly [number, number]>,
    latestNs: bigint,
  ): void {
    // Positions that the block leaves out were settled when it was written.
    this.extents.settle(first, next);
    this.#recoverThrough(next);
    if (latestNs > this.latestNs) this.latestNs = latestNs;
    for (const [from, to] of positions) this.extents.live.add(from, to);
    this.extents.place(segment, offset, end, first, next);
  }

  /** Applies marks of an earlier run. */
  recoverSettled(from: number, to: number): void {
    this.extents.settle(from, to);
    this.#recoverThrough(to);
  }

  #recoverThrough(next: number): void {
    if (next <= this.next) return;
    this.#ring = new PointRing(next);
    this.#written = next;
    this.#touched = next;
  }

  // ------------------------------------------------------------------------------

  /** Releases waiters whose points are all on disk or settled. */
  #releaseWaiters(): void {
    if (!this.#waiters.any || this.extents.live.has(this.#written)) return;
    this.#written = this.#firstUnsettled(this.#written);
    this.#waiters.written(this.#written);
  }

  /** The first position from that one on that is not settled. */
  #firstUnsettled(position: number): number {
    return this.extents.live.firstFrom(position) ?? this.next;
  }

  #noLongerUnwritten(point: Point): void {
    this.#unwrittenBytes -= pointLength(point);
    this.#unwrittenMemory -= memoryOf(point);
  }

  /** Removes points from memory that are also on disk, until the rest fits. The oldest go first. */
  #evict(): void {
    const { written } = this.host.memory;
    while (this.#memory - this.#unwrittenMemory > written && this.#ring.first < this.#written) {
      const point = this.#ring.take(this.#ring.first);
      if (point !== undefined) this.#memory -= memoryOf(point);
      this.#ring.dropBefore(this.#ring.first + 1);
    }
  }

  // For the newest points --------------------------------------------------------

  isLive(position: number): boolean {
    return this.extents.live.has(position);
  }

  isSafe(position: number): boolean {
    return position < this.#written;
  }

  supersede(position: number): void {
    this.#remove(position, position + 1);
    this.#options?.onSuperseded(1);
  }

  *livePoints(): Generator<readonly [number, Point]> {
    for (const [from, to] of this.extents.live.in(0, this.next)) {
      for (let at = from; at < to; at++) {
        const point = this.read(at);
        if (point !== undefined) yield [at, point];
      }
    }
  }
}
