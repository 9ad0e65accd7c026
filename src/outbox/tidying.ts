import { BLOCK_BYTES, type Batch, type BlockWriter } from './block.js';
import type { DiskLane } from './disk-lane.js';
import type { OutboxLog } from './outbox-log.js';

/**
 * Makes room in the log when it gets scarce: what is not settled in the oldest
 * file goes once more to the end, so that one lane that does not move cannot
 * keep the disk.
 */
export class Tidying {
  constructor(
    private readonly log: OutboxLog,
    private readonly lanes: Iterable<DiskLane>,
    private readonly maxBytes: number,
    private readonly segmentBytes: number,
  ) {}

  /** Room must be made, and can be. */
  get isFull(): boolean {
    const { bytes, oldest } = this.log;
    if (oldest === undefined || bytes <= this.maxBytes - this.segmentBytes) return false;
    let used = 0;
    for (const lane of this.lanes) used += lane.extents.bytes;
    return bytes - used >= this.segmentBytes;
  }

  /** `put`: the batch is to be written, and is there from then on. */
  copyOldest(writer: BlockWriter, put: (lane: DiskLane, batch: Batch) => void): void {
    const { oldest } = this.log;
    if (oldest === undefined || !this.#isScarce()) return;
    // Of what lanes may have at most seven eighths are unsettled: so much must
    // be copied for what is written, and a little more.
    const bytes = this.isFull ? this.segmentBytes : Math.max(BLOCK_BYTES, 12 * writer.length);
    const until = writer.length + bytes;
    for (const lane of this.lanes) {
      for (const run of lane.extents.runsIn(oldest, BLOCK_BYTES)) {
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
