import type { DiskLane } from './disk-lane.js';
import type { Lanes } from './lanes.js';
import type { LaneTally, Tally } from './tally.js';

/** Points that were acknowledged and waited in the outbox, but are not found. */
export interface Loss {
  /** `undefined`: their node is not known. */
  readonly nodeId: string | undefined;
  /** Least number of lost points; 0: it is not known whether there are any. */
  readonly points: number;
  /** Their times are between `fromNs` and `toNs`; `undefined`: the beginning is not known. */
  readonly fromNs: bigint | undefined;
  readonly toNs: bigint;
}

/** Range of the times of lost points, estimated from the points before and after them. */
class Span {
  #from: bigint | undefined;
  #to: bigint | undefined;
  #openBefore = false;

  get isAny(): boolean {
    return this.#to !== undefined;
  }

  widen(from: bigint | undefined, to: bigint): void {
    if (from === undefined) this.#openBefore = true;
    else if (this.#from === undefined || from < this.#from) this.#from = from;
    if (this.#to === undefined || to > this.#to) this.#to = to;
  }

  get fromNs(): bigint | undefined {
    return this.#openBefore ? undefined : this.#from;
  }

  get toNs(): bigint {
    return this.#to ?? 0n;
  }
}

/** What the files contain of one lane, as far as they have been read. */
class Found {
  /** The position after the last that has been read. */
  next: number | undefined;
  latestNs: bigint | undefined;
  /** Number of damaged places before the lane's last block. */
  gaps = 0;
  /** Times around damaged bytes. */
  readonly damaged = new Span();
  /** Times around positions that are missing. Their points may have been delivered. */
  readonly skipped = new Span();
  /** Number of points of the tally that were not found; `undefined` before the tally's place is reached. */
  missing: number | undefined;

  constructor(readonly tally: LaneTally | undefined) {}
}

/**
 * Compares the files with the tally of the earlier run. A point is lost if it waited at
 * the tally's moment, is not in the files before the tally's place, and is neither
 * written nor marked as settled after that place.
 *
 * The number is a lower bound: if marks are lost, delivered points are found again.
 */
export class LossFinder {
  readonly #lanes = new Map<string, Found>();
  #reached = false;
  #gaps = 0;
  /** Times around damaged bytes about which the tally says nothing. */
  readonly #unknown = new Span();
  #isUnknownOpen = false;
  #latestNs: bigint | undefined;
  #lastGapNs = 0n;

  constructor(
    private readonly tally: Tally | undefined,
    private readonly lanes: Lanes<DiskLane>,
  ) {
    for (const lane of tally?.lanes ?? []) this.#lanes.set(lane.nodeId, new Found(lane));
  }

  /** To be called before the block at that place is read. */
  reach(file: number, offset: number): void {
    const { tally } = this;
    if (this.#reached || tally === undefined) return;
    if (file < tally.file || (file === tally.file && offset < tally.offset)) return;
    this.#reached = true;
    for (const found of this.#lanes.values()) {
      if (found.tally === undefined) continue;
      const { nodeId, first, next, points } = found.tally;
      found.missing = points - this.lanes.find(nodeId).extents.live.countIn(first, next);
    }
  }

  /** Whether the tally counts the points at that place. */
  covers(file: number, offset: number): boolean {
    const { tally } = this;
    if (tally === undefined) return false;
    return file < tally.file || (file === tally.file && offset < tally.offset);
  }

  /** Bytes from that place on are damaged. `writtenNs`: when the file was last written. */
  gap(file: number, offset: number, writtenNs: bigint): void {
    this.#gaps += 1;
    if (writtenNs > this.#lastGapNs) this.#lastGapNs = writtenNs;
    if (this.covers(file, offset)) return;
    this.#unknown.widen(this.#latestNs, writtenNs);
    this.#isUnknownOpen = true;
  }

  /** Points were found. To be called before the lane gets them. */
  points(
    nodeId: string,
    next: number,
    positions: readonly (readonly [number, number])[],
    latestNs: bigint,
  ): void {
    const found = this.#found(nodeId);
    const first = positions[0]?.[0] ?? next;
    this.#accounted(found, nodeId, positions);
    const expected = found.next ?? found.tally?.first;
    if (expected !== undefined && first > expected) found.skipped.widen(found.latestNs, latestNs);
    if (found.gaps < this.#gaps) found.damaged.widen(found.latestNs, latestNs);
    found.gaps = this.#gaps;
    found.next = Math.max(found.next ?? 0, next);
    if (found.latestNs === undefined || latestNs > found.latestNs) found.latestNs = latestNs;
    if (this.#isUnknownOpen) this.#unknown.widen(this.#latestNs ?? undefined, latestNs);
    this.#isUnknownOpen = false;
    if (this.#latestNs === undefined || latestNs > this.#latestNs) this.#latestNs = latestNs;
  }

  /** Marks were found. To be called before the lane gets them. */
  settled(nodeId: string, from: number, to: number): void {
    this.#accounted(this.#found(nodeId), nodeId, [[from, to]]);
  }

  /** The losses, after all files were read. Keeps the positions of lost points from being used again. */
  losses(): Loss[] {
    const { tally } = this;
    this.reach(Number.POSITIVE_INFINITY, 0);
    const losses: Loss[] = [];
    for (const [nodeId, found] of this.#lanes) {
      if (found.tally === undefined) continue;
      this.lanes.find(nodeId).recoverSettled(found.tally.next, found.tally.next);
      const points = found.missing ?? 0;
      if (points <= 0 || tally === undefined) continue;
      const { latestNs, damaged, skipped } = found;
      const endNs = this.#lastGapNs > tally.timeNs ? this.#lastGapNs : tally.timeNs;
      if (found.gaps < this.#gaps) damaged.widen(latestNs, endNs);
      if (found.tally.next > (found.next ?? 0)) damaged.widen(latestNs, tally.timeNs);
      const { fromNs, toNs } = damaged.isAny ? damaged : skipped;
      losses.push({ nodeId, points, fromNs, toNs: toNs === 0n ? tally.timeNs : toNs });
    }
    const { isAny, fromNs, toNs } = this.#unknown;
    if (isAny) losses.push({ nodeId: undefined, points: 0, fromNs, toNs });
    return losses;
  }

  #accounted(found: Found, nodeId: string, ranges: readonly (readonly [number, number])[]): void {
    if (found.missing === undefined || found.tally === undefined) return;
    const { first, next } = found.tally;
    const { live } = this.lanes.find(nodeId).extents;
    for (const [from, to] of ranges) {
      const [low, high] = [Math.max(from, first), Math.min(to, next)];
      if (low < high) found.missing -= high - low - live.countIn(low, high);
    }
  }

  #found(nodeId: string): Found {
    let found = this.#lanes.get(nodeId);
    if (found === undefined) this.#lanes.set(nodeId, (found = new Found(undefined)));
    return found;
  }
}
