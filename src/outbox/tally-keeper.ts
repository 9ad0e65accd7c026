import type { Clock, Timer } from '../point/clock.js';
import type { DiskLane } from './disk-lane.js';
import type { OutboxLog } from './outbox-log.js';
import type { SegmentFolder } from './segment-folder.js';
import { TallyFile, type LaneTally, type Tally } from './tally.js';

/** Time from a change until the tally is written, ms. */
const AFTER_MS = 1_000;

/** Updates the tally after changes of the outbox, one write at a time. */
export class TallyKeeper {
  readonly #file: TallyFile;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    folder: SegmentFolder,
    private readonly clock: Clock,
    private readonly lanes: Iterable<DiskLane>,
    private readonly log: OutboxLog,
  ) {
    this.#file = new TallyFile(folder);
  }

  /** The tally of an earlier run; `undefined`: it is missing or cannot be read. */
  read(): Promise<Tally | undefined> {
    return this.#file.read().catch(() => undefined);
  }

  /** Writes the tally soon, without a sync: no device waits for it. */
  changed(): void {
    this.#timer ??= this.clock.setTimer(AFTER_MS, () => {
      this.#timer = undefined;
      void this.write(false).catch(() => undefined);
    });
  }

  /** Writes the tally now. Rejects with the system's error. */
  write(sync: boolean): Promise<void> {
    const done = this.#writing.then(async () => {
      const lanes: LaneTally[] = [];
      for (const lane of this.lanes) {
        const tally = lane.tally();
        if (tally.points > 0) lanes.push(tally);
      }
      // Nothing waits and there is no tally: nothing to write.
      if (lanes.length === 0 && !this.#file.isThere) return;
      const timeNs = this.clock.wallNs();
      await this.#file.write({ timeNs, ...this.log.synced, lanes }, sync);
    });
    this.#writing = done.catch(() => undefined);
    return done;
  }

  /**
   * Updates the tally before a file is deleted. After a power failure, an old tally would
   * report the file's points as lost. `last`: no file is left.
   */
  async beforeRemoving(last: boolean): Promise<void> {
    await this.#writing;
    if (!this.#file.isThere) return;
    if (last) await this.#file.remove();
    // No tally is better than a wrong one.
    else await this.write(true).catch(() => this.#file.remove());
  }

  /** Writes the tally a last time. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.write(true).catch(() => undefined);
    await this.#file.close();
  }
}
