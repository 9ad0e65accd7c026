import type { SegmentFile } from './segment-folder.js';
import { Ranges } from './ranges.js';

/** One file of the log. */
export interface Segment {
  readonly number: number;
  readonly name: string;
  readonly file: SegmentFile;
  /** Bytes that are written. They are synced, except for marks. */
  size: number;
  /** Points in it that are not settled. */
  live: number;
}

/**
 * A part of a file with points of one lane. It may also contain blocks of other lanes. All
 * unsettled points from `first` to `next` − 1 are in it.
 */
export interface Extent {
  readonly segment: Segment;
  readonly offset: number;
  end: number;
  first: number;
  next: number;
  /** Points in it that are not settled, and an estimate of their bytes. */
  live: number;
  bytes: number;
}

/** Maximum number of bytes of a file that one extent covers, unless a single block is larger. */
const EXTENT_BYTES = 64 * 1024;

/** Where the points of one lane are on disk, and which points of the lane are not settled. */
export class Extents {
  /** Positions that are not settled, on disk or not. */
  readonly live = new Ranges();
  /** In order of their positions. They do not overlap. */
  #list: Extent[] = [];
  #bytes = 0;

  /** Bytes on disk of points that are not settled. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The extent that contains a position. */
  find(position: number): Extent | undefined {
    const extent = this.#list[this.#endingAfter(position)];
    return extent !== undefined && extent.first <= position ? extent : undefined;
  }

  /** From now on, the unsettled points from `first` to `next` − 1 are read at that place. */
  place(segment: Segment, offset: number, end: number, first: number, next: number): void {
    let at = this.#endingAfter(first);
    if (at < this.#list.length) at = this.#giveUp(at, first, next);
    const live = this.live.countIn(first, next);
    if (live === 0) return;
    const bytes = end - offset;
    segment.live += live;
    this.#bytes += bytes;
    const before = this.#list[at - 1];
    if (
      at === this.#list.length &&
      before?.segment === segment &&
      end - before.offset <= EXTENT_BYTES
    ) {
      before.end = end;
      before.next = next;
      before.live += live;
      before.bytes += bytes;
      return;
    }
    this.#list.splice(at, 0, { segment, offset, end, first, next, live, bytes });
  }

  /** Removes positions from … to − 1: they are settled. */
  settle(from: number, to: number): void {
    let at = this.#endingAfter(from);
    for (let extent = this.#list[at]; extent !== undefined; extent = this.#list[at]) {
      if (extent.first >= to) break;
      const gone = this.live.remove(Math.max(from, extent.first), Math.min(to, extent.next));
      if (gone < extent.live) {
        this.#lessen(extent, gone);
        at += 1;
        continue;
      }
      this.#lessen(extent, gone);
      this.#list.splice(at, 1);
    }
    this.live.remove(from, to);
  }

  /**
   * Extents of the lane in a segment, in runs. No extent of another segment is between
   * those of a run. A run has `bytes` bytes at most, unless it is a single extent.
   */
  *runsIn(segment: Segment, bytes: number): Generator<readonly Extent[]> {
    let run: Extent[] = [];
    let length = 0;
    for (const extent of this.#list) {
      if (run.length > 0 && (extent.segment !== segment || length + extent.bytes > bytes)) {
        yield run;
        run = [];
        length = 0;
      }
      if (extent.segment !== segment) continue;
      run.push(extent);
      length += extent.bytes;
    }
    if (run.length > 0) yield run;
  }

  /**
   * Removes positions first … next − 1 from the extents, beginning at `index`. Returns the
   * index at which an extent for them belongs.
   */
  #giveUp(index: number, first: number, next: number): number {
    let at = index;
    let place = index;
    for (let extent = this.#list[at]; extent !== undefined; extent = this.#list[at]) {
      if (extent.first >= next) break;
      const low = Math.max(extent.first, first);
      const high = Math.min(extent.next, next);
      const before = this.live.countIn(extent.first, low);
      const after = this.live.countIn(high, extent.next);
      this.#lessen(extent, extent.live - before - after);
      const rest: Extent[] = [];
      const each = extent.live === 0 ? 0 : extent.bytes / extent.live;
      if (before > 0) rest.push({ ...extent, next: low, live: before, bytes: before * each });
      if (after > 0) rest.push({ ...extent, first: high, live: after, bytes: after * each });
      this.#list.splice(at, 1, ...rest);
      at += rest.length;
      place = before > 0 ? place + 1 : place;
      if (after > 0) break;
    }
    return place;
  }

  #lessen(extent: Extent, gone: number): void {
    if (gone === 0) return;
    const bytes = gone === extent.live ? extent.bytes : (extent.bytes * gone) / extent.live;
    extent.live -= gone;
    extent.bytes -= bytes;
    extent.segment.live -= gone;
    this.#bytes -= bytes;
  }

  #endingAfter(position: number): number {
    // Fast paths: most often it is the first extent, or none.
    const last = this.#list.at(-1);
    if (last === undefined || last.next <= position) return this.#list.length;
    if ((this.#list[0]?.next ?? 0) > position) return 0;
    let low = 0;
    let high = this.#list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#list[middle]?.next ?? 0) > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
