import type { Point } from '../point/point.js';
import { writableOf } from './bytes.js';
import { Lanes, type OutboxQuota } from './lanes.js';
import { Latest } from './latest.js';
import type { LaneOptions, Outbox, OutboxLane } from './outbox.js';
import { memoryOf, PointRing } from './point-ring.js';

export interface MemoryOutboxOptions {
  /** Room for all lanes together, in bytes, estimated generously. Each lane has an equal share. */
  readonly maxBytes: number;
}

/** An outbox that lasts as long as the process. */
export class MemoryOutbox implements Outbox {
  onPut: ((lane: OutboxLane) => void) | undefined;
  readonly #lanes: Lanes<MemoryLane>;

  constructor(options: MemoryOutboxOptions) {
    this.#lanes = new Lanes(
      options.maxBytes,
      (nodeId): MemoryLane =>
        new MemoryLane(nodeId, this.#lanes.share, {
          put: (filled) => this.onPut?.(filled),
          emptied: (lane) => this.#lanes.emptied(lane),
        }),
    );
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

class MemoryLane implements OutboxLane {
  readonly #ring = new PointRing();
  #first = 0;
  #length = 0;
  #bytes = 0;
  #latest: Latest | undefined;
  #onSuperseded: (count: number) => void = () => undefined;
  #onUnwritable: (points: readonly Point[]) => void = () => undefined;

  readonly awaited = false;
  latestNs = 0n;

  constructor(
    readonly nodeId: string,
    private readonly share: OutboxQuota,
    private readonly events: {
      put(lane: OutboxLane): void;
      emptied(lane: MemoryLane): void;
    },
  ) {}

  configure({ backlog, onSuperseded, onUnwritable }: LaneOptions): void {
    this.#onSuperseded = onSuperseded;
    this.#onUnwritable = onUnwritable ?? ((): void => undefined);
    if (backlog === 'all') {
      this.#latest = undefined;
      return;
    }
    if (this.#latest !== undefined) return;
    this.#latest = new Latest({
      isLive: (position) => this.read(position) !== undefined,
      isSafe: () => true,
      giveUp: (position) => {
        this.settle(position);
        this.#onSuperseded(1);
      },
    });
    for (const [position, point] of this.#live()) this.#latest.add(position, point);
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

  get used(): number {
    return this.#bytes / this.share.bytes;
  }

  put(given: readonly Point[], safe: () => void): boolean {
    const points = writableOf(given, this.#onUnwritable);
    if (points.length === 0) {
      safe();
      return true;
    }
    let bytes = 0;
    for (const point of points) bytes += memoryOf(point);
    // What alone exceeds the share is taken by an empty lane: refusing it would
    // stop its device for ever.
    if (this.#length > 0 && this.#bytes + bytes > this.share.bytes) return false;
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
    this.events.put(this);
    return true;
  }

  read(position: number): Point | undefined {
    return this.#ring.get(position);
  }

  settle(position: number): void {
    if (!this.#clear(position)) return;
    this.#advance();
  }

  settleThrough(position: number): void {
    const end = Math.min(position + 1, this.next);
    for (let at = this.#first; at < end; at++) this.#clear(at);
    this.#advance();
  }

  get claimed(): number {
    return this.#latest?.claimed ?? Number.POSITIVE_INFINITY;
  }

  claimBefore(position: number): void {
    this.#latest?.claimBefore(position, this.#live());
  }

  *#live(): Generator<readonly [number, Point]> {
    for (let at = this.#first; at < this.next; at++) {
      const point = this.read(at);
      if (point !== undefined) yield [at, point];
    }
  }

  #clear(position: number): boolean {
    const point = this.#ring.take(position);
    if (point === undefined) return false;
    this.#length -= 1;
    this.#bytes -= memoryOf(point);
    return true;
  }

  #advance(): void {
    if (this.#length === 0) {
      if (this.#first === this.next) return;
      this.#first = this.next;
      this.#ring.dropBefore(this.#first);
      this.events.emptied(this);
      return;
    }
    while (this.#ring.get(this.#first) === undefined) this.#first += 1;
    this.#ring.dropBefore(this.#first);
  }
}
