import type { Point } from '../point/point.js';
import { findBlock, readBlock, readBody, readPoints } from './block.js';
import type { Extent } from './extents.js';
import type { Ranges } from './ranges.js';

/** Number of extents in memory: the one that the publisher reads, and the one that it reads again. */
const KEPT = 2;

interface Loaded {
  readonly extent: Extent;
  readonly end: number;
  readonly points: Map<number, Point>;
  /** Why points may be missing: the error of reading. */
  readonly error: unknown;
}

/** Reads points from disk, one extent at a time, and keeps the last two in memory. */
export class ExtentCache {
  /** In order of their last use, the latest at the end. */
  #loaded: Loaded[] = [];

  constructor(
    private readonly nodeId: string,
    private readonly live: Ranges,
  ) {}

  /** The points of an extent that were not settled when it was read, by position. */
  load(extent: Extent): Loaded {
    const last = this.#loaded.at(-1);
    if (last?.extent === extent) return last;
    const loaded = this.#loaded.find((one) => one.extent === extent) ?? this.#read(extent);
    this.#loaded = [...this.#loaded.filter((one) => one !== loaded).slice(1 - KEPT), loaded];
    return loaded;
  }

  /** After a write: forgets extents that have grown, and those without unsettled points. */
  drop(): void {
    this.#loaded = this.#loaded.filter(({ extent, end }) => extent.live > 0 && extent.end === end);
  }

  #read(extent: Extent): Loaded {
    const points = new Map<number, Point>();
    const loaded = { extent, end: extent.end, points };
    try {
      this.#readInto(points, extent);
      return { ...loaded, error: undefined };
    } catch (error) {
      return { ...loaded, error };
    }
  }

  #readInto(points: Map<number, Point>, { segment, offset, end, first, next }: Extent): void {
    const bytes = Buffer.allocUnsafeSlow(end - offset);
    const length = segment.file.read(bytes, offset);
    let at = 0;
    while (at < length) {
      const body = readBlock(bytes, at, segment.number, offset);
      if (body === undefined) {
        // Damaged bytes are skipped. They were reported when the outbox was opened.
        at = findBlock(bytes, at + 1, segment.number, offset) ?? length;
        continue;
      }
      const block = readBody(bytes, body);
      if (block?.kind === 'points' && block.nodeId === this.nodeId) {
        readPoints(bytes, block, (position, point) => {
          if (position >= first && position < next && this.live.has(position)) {
            points.set(position, point);
          }
        });
      }
      at = body.end;
    }
  }
}
