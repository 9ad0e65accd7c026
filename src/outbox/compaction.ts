import { BLOCK_BYTES, type Batch, type BlockWriter } from './block.js';
import type { DiskLane } from './disk-lane.js';
import type { Segment } from './extents.js';
import type { OutboxLog } from './outbox-log.js';

type Put = (lane: DiskLane, batch: Batch) => void;

/** Bytes that one write copies from a deleted file. */
const COPY_BYTES = 256 * 1024;

/**
 * Frees disk space when it gets scarce: unsettled points of the oldest file are copied
 * to the end of the log, so that the file can be deleted. Otherwise one lane whose points
 * are not delivered would keep all files.
 */
export class Compaction {
  constructor(
    private readonly log: OutboxLog,
    private readonly lanes: Iterable<DiskLane>,
    private readonly maxBytes: number,
    private readonly segmentBytes: number,
  ) {}

  /** Whether bytes must be freed before new points are written, and can be freed. */
  get isFull(): boolean {
    const { bytes, oldest } = this.log;
    if (oldest === undefined || bytes <= this.maxBytes - this.segmentBytes) return false;
    let used = 0;
    for (const lane of this.lanes) used += lane.extents.bytes;
    return bytes - used >= this.segmentBytes;
  }

  /**
   * Copies points of the oldest file, if bytes get scarce. `put` appends a batch to the
   * blocks that are written next.
   */
  copyOldest(writer: BlockWriter, put: Put): void {
    const { oldest } = this.log;
    if (oldest === undefined || !this.#isScarce()) return;
    // Lanes may fill seven eighths of the bytes. In the worst case seven bytes have to be
    // copied to free one. Therefore a copy is 12 times as large as what is written.
    const bytes = this.isFull ? this.segmentBytes : Math.max(BLOCK_BYTES, 12 * writer.length);
    this.#copy(oldest, writer, writer.length + bytes, put);
  }

  /** The same for a file that somebody has deleted. Only this process can still read it. */
  copyDeleted(segment: Segment, writer: BlockWriter, put: Put): void {
    this.#copy(segment, writer, writer.length + COPY_BYTES, put);
  }

  #copy(segment: Segment, writer: BlockWriter, until: number, put: Put): void {
    for (const lane of this.lanes) {
      for (const run of lane.extents.runsIn(segment, BLOCK_BYTES)) {
        if (writer.length >= until) return;
        const copy = lane.copyOf(run);
        if (copy !== undefined) put(lane, copy);
      }
    }
  }

  #isScarce(): boolean {
    return (
      this.log.bytes > this.maxBytes - 2 * this.segmentBytes ||
      this.log.files > (2 * this.maxBytes) / this.segmentBytes
    );
  }
}
