import type { Clock, Timer } from '../point/clock.js';
import type { Log } from '../point/log.js';
import { BlockWriter, type Batch } from './block.js';
import { DiskLane, type DiskLaneHost, type Written } from './disk-lane.js';
import { FolderReport } from './folder-report.js';
import { Lanes, type LanesHost, type OutboxQuota } from './lanes.js';
import { DeliveredMarks } from './delivered-marks.js';
import type { LaneOptions, Outbox, OutboxLane } from './outbox.js';
import { DeletedError, OutboxLog } from './outbox-log.js';
import { recover } from './recovery.js';
import { RecoveryReport } from './recovery-report.js';
import type { SegmentFolder } from './segment-folder.js';
import { TallyKeeper } from './tally-keeper.js';
import { Compaction } from './compaction.js';

/** Where and how the outbox keeps its files. */
export interface DiskOutboxOptions {
  readonly folder: SegmentFolder;
  /**
   * Maximum number of bytes on disk; for a short time there may be one file more. Lanes share seven
   * eighths of it. The rest is for compaction.
   */
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Why the system refused, for people. */
  readonly reasonOf: (error: unknown) => string;
  /** Name of a node's link, for people; by default the node's ID. */
  readonly nameOf?: (nodeId: string) => string;
  /** Called when somebody has deleted files of the outbox. Already logged. */
  readonly onDeleted?: () => void;
}

/**
 * Points of a lane are not written while something of it is delivered within this time, ms: what
 * a NATS server or a store nearby takes, twice.
 */
const GRACE_MS = 12;
/** For no longer than this, ms: a device that waits so long does not send again yet. */
const LONGEST_GRACE_MS = 100;
/**
 * Further time in which the loop reads what has come, ms. After the process stood still, the
 * loop serves the timer first, although the confirmation may be there already.
 */
const READ_ON_MS = 1;
/** Marks of settled points wait this long for a write of points, ms. Then they are written alone. */
const MARKS_EVERY_MS = 1_000;
/** Bytes of points in one write. */
const COMMIT_BYTES = 256 * 1024;
const SEGMENT_BYTES = 4 * 1024 * 1024;
const SMALLEST_SEGMENT = 4096;
/** When nothing is unsettled, all files are deleted if they have more bytes than this. */
const IDLE_BYTES = 256 * 1024;
/** Memory for points of all lanes that are on disk already, and for those that are not. */
const WRITTEN_MEMORY = 256 * 1024;
const UNWRITTEN_MEMORY = 16 * 1024 * 1024;
/** A write that takes longer is logged, ms. */
const SLOW_MS = 10_000;
const RETRY = { firstMs: 100, maxMs: 10_000 };

/**
 * An outbox on disk. All lanes share one log (block.ts), so that one write and one sync
 * make the points of all lanes safe.
 *
 * ```
 *  put ──► in memory ──────► publisher ──► settled ─┐ delivered before it was
 *             │ after GRACE_MS, or at once           │ written: never on disk
 *             ▼ while delivery is slow               ▼
 *          commit: marks, copies, points ─ write, sync ─► safe
 *             ▲                    ▲
 *             └ settled on disk    └ unsettled points of the oldest file, when bytes get scarce,
 *                                    and of files that somebody has deleted
 * ```
 */
export class DiskOutbox implements Outbox, DiskLaneHost, LanesHost<DiskLane> {
  onPut: ((lane: OutboxLane) => void) | undefined;
  readonly clock: Clock;
  readonly quota: OutboxQuota;
  readonly memory = { written: WRITTEN_MEMORY, unwritten: UNWRITTEN_MEMORY };
  readonly #options: DiskOutboxOptions;
  readonly #log: OutboxLog;
  readonly #lanes: Lanes<DiskLane>;
  /** Next positions of forgotten lanes, since a position is never used twice. */
  readonly #forgotten = new Map<string, number>();
  readonly #marks = new DeliveredMarks();
  readonly #compaction: Compaction;
  readonly #report: FolderReport;
  readonly #recovery: RecoveryReport;
  readonly #tally: TallyKeeper;
  readonly #writer = new BlockWriter();
  #committing: Promise<void> | undefined;
  #asked = false;
  #timer: Timer | undefined;
  #marksTimer: Timer | undefined;
  #retryTimer: Timer | undefined;
  /** Number of failed writes since the last successful one. */
  #failures = 0;
  /** The last write failed because files had been deleted. */
  #foundDeleted = false;
  #closed = false;
  /** Upper bound of the unsettled bytes: those that were last counted, and all that were put in since. */
  #atMost = 0;

  private constructor(options: DiskOutboxOptions) {
    const { folder, maxBytes, clock, log, reasonOf } = options;
    this.clock = clock;
    this.#options = options;
    const segmentBytes = Math.max(SMALLEST_SEGMENT, Math.min(SEGMENT_BYTES, maxBytes / 32));
    this.#log = new OutboxLog(folder, segmentBytes, (last) => this.#tally.beforeRemoving(last));
    this.#report = new FolderReport(log, folder.path, reasonOf);
    this.#recovery = new RecoveryReport(log, folder.path, options.nameOf ?? ((id) => `node ${id}`));
    this.#lanes = new Lanes((maxBytes / 8) * 7, this);
    this.#tally = new TallyKeeper(folder, clock, this.#lanes, this.#log);
    this.quota = this.#lanes.quota;
    this.#compaction = new Compaction(this.#log, this.#lanes, maxBytes, segmentBytes);
  }

  /**
   * Opens the outbox with the points of earlier runs. Rejects with an `OutboxError` for
   * files that this version cannot read, and with errors of the system.
   */
  static async open(options: DiskOutboxOptions): Promise<DiskOutbox> {
    const outbox = new DiskOutbox(options);
    await outbox.#recover();
    return outbox;
  }

  lane(nodeId: string, options?: LaneOptions): OutboxLane {
    const lane = this.#lanes.get(nodeId);
    if (options !== undefined) lane.configure(options);
    return lane;
  }

  lanes(): Iterable<OutboxLane> {
    return this.#lanes;
  }

  release(nodeId: string): void {
    this.#lanes.release(nodeId);
  }

  adviceFor(nodeId: string): readonly string[] {
    return this.#recovery.adviceFor(nodeId);
  }

  /** Size of all files, bytes. */
  get bytesOnDisk(): number {
    return this.#log.bytes;
  }

  /** Resolves when all points and marks are on disk; rejects when they cannot be written. */
  async flush(): Promise<void> {
    while (this.#committing !== undefined) await this.#committing;
    while (this.#isDirty()) {
      this.#retryTimer?.cancel();
      this.#retryTimer = undefined;
      const failures = this.#failures;
      await this.#commit([...this.#lanes], true);
      if (this.#failures <= failures) continue;
      // If files had been deleted, one more try writes everything to a new file.
      if (failures > 0 || !this.#foundDeleted) throw new Error('the outbox cannot be written');
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#committing;
    if (this.#isEmpty()) await this.#trim(true).catch(() => undefined);
    await this.flush().catch(() => undefined);
    this.#timer?.cancel();
    this.#marksTimer?.cancel();
    this.#retryTimer?.cancel();
    await this.#tally.close();
    await this.#log.close();
  }

  async #recover(): Promise<void> {
    const { folder, clock, log, reasonOf } = this.#options;
    const startMs = clock.monotonicMs();
    const losses = await recover({
      folder,
      log: this.#log,
      lanes: this.#lanes,
      tally: await this.#tally.read(),
      report: this.#recovery,
      logger: log,
      reasonOf,
    });
    let points = 0;
    for (const lane of [...this.#lanes]) {
      points += lane.length;
      // Links get their lanes later. A lane that no link asks for is forgotten when it is empty.
      this.#lanes.release(lane.nodeId);
    }
    await this.#log.trim(points === 0).catch(() => undefined);
    // A new tally, so that a loss is reported only once.
    if (losses.length > 0) await this.#tally.write(true).catch(() => undefined);
    if (points === 0) return;
    log.info(
      { points, bytes: this.#log.bytes, ms: Math.round(clock.monotonicMs() - startMs) },
      `${points} point(s) from before wait in the outbox`,
    );
  }

  // What lanes ask for ----------------------------------------------------------

  makeLane(nodeId: string): DiskLane {
    return new DiskLane(nodeId, this, this.#forgotten.get(nodeId) ?? 0);
  }

  lanesCounted(lanes: number): void {
    this.memory.written = WRITTEN_MEMORY / lanes;
    this.memory.unwritten = UNWRITTEN_MEMORY / lanes;
  }

  laneForgotten({ nodeId, next }: DiskLane): void {
    this.#forgotten.set(nodeId, next);
  }

  emptied(lane: DiskLane): void {
    this.#lanes.emptied(lane);
  }

  lost(nodeId: string, count: number, error: unknown): void {
    this.#report.lost(nodeId, count, error);
  }

  settled(nodeId: string, from: number, to: number): void {
    this.#marks.add(nodeId, from, to);
    this.#marksTimer ??= this.clock.setTimer(MARKS_EVERY_MS, () => {
      this.#marksTimer = undefined;
      if (this.#committing === undefined && this.#retryTimer === undefined && !this.#closed) {
        void this.#commit([], false);
        // The present write, or the one that is tried again, does not contain these marks: wait once more.
      } else this.settled(nodeId, from, from);
    });
  }

  hasRoom(bytes: number): boolean {
    this.#atMost += bytes;
    if (this.#atMost <= this.#lanes.maxBytes) return true;
    // #atMost is too high if points were settled since: count. The lanes' quotas are not
    // enough: when lanes are added, some may have more than their quota.
    let used = 0;
    for (const lane of this.#lanes) used += lane.bytes;
    const hasRoom = used + bytes <= this.#lanes.maxBytes;
    this.#atMost = hasRoom ? used + bytes : used;
    return hasRoom;
  }

  writeSoon(lane: DiskLane): void {
    if (!lane.writeDelay.isOff(this.clock.monotonicMs())) {
      this.#timer ??= this.clock.setTimer(GRACE_MS, () => this.#readOn());
      return;
    }
    if (this.#committing !== undefined || this.#asked) return;
    this.#asked = true;
    // One write for all lanes that get points in this turn of the loop.
    queueMicrotask(() => {
      this.#asked = false;
      this.#look();
    });
  }

  /** Looks for points that have waited long enough by now, once the loop has read what has come. */
  #readOn(): void {
    // 0.5: a timer may fire a little early.
    const latestMs = this.clock.monotonicMs() - GRACE_MS + 0.5;
    this.#timer = this.clock.setTimer(READ_ON_MS, () => this.#look(latestMs));
  }

  /** Writes the points of lanes that wait since `latestMs` or longer, or that write at once. */
  #look(latestMs = Number.NEGATIVE_INFINITY): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#committing !== undefined || this.#retryTimer !== undefined || this.#closed) return;
    const nowMs = this.clock.monotonicMs();
    const unwritten = [...this.#lanes].filter((lane) => lane.hasUnwritten);
    // One sync serves all: where one lane is written, those that have waited go with it. And
    // a lane that is written again and again must not put off the others' time for ever.
    const isWriting = unwritten.some((lane) => lane.writeDelay.isOff(nowMs));
    const lateMs = isWriting ? nowMs - GRACE_MS : latestMs;
    const due: DiskLane[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const lane of unwritten) {
      const awaitedMs = lane.awaitedSinceMs ?? nowMs;
      const longestMs = awaitedMs + LONGEST_GRACE_MS - GRACE_MS;
      const sinceMs = Math.min(Math.max(awaitedMs, lane.deliveredMs), longestMs);
      const isOff = lane.writeDelay.isOff(nowMs);
      const isLate = sinceMs <= lateMs;
      if (isLate && !isOff) lane.writeDelay.failed(nowMs);
      if (isLate || isOff) due.push(lane);
      else nextMs = Math.min(nextMs, Math.max(0, sinceMs + GRACE_MS - nowMs));
    }
    if (due.length > 0 || this.#log.deleted !== undefined) void this.#commit(due, false);
    else if (nextMs < Number.POSITIVE_INFINITY) {
      this.#timer = this.clock.setTimer(nextMs, () => this.#readOn());
    }
  }

  /** Starts a write of the points of these lanes, of marks and of copies. Never rejects. */
  #commit(lanes: readonly DiskLane[], all: boolean): Promise<void> {
    const { clock } = this.#options;
    const slow = clock.setTimer(SLOW_MS, () => this.#report.hangs());
    const done = this.#write(lanes, all).then(
      () => this.#succeeded(),
      (error: unknown) => this.#failed(error),
    );
    this.#committing = done.then(() => {
      slow.cancel();
      this.#committing = undefined;
      if (!all) this.#look();
    });
    return this.#committing;
  }

  async #write(lanes: readonly DiskLane[], all: boolean): Promise<void> {
    // If deleting fails here, points are written nevertheless; the trim after the write reports it.
    await this.#trim(this.#isEmpty() && this.#log.bytes > IDLE_BYTES).catch(() => undefined);
    const { deleted } = this.#log;
    const isDue = this.#marks.areDue || deleted !== undefined;
    if (!all && !isDue && lanes.every((lane) => !lane.hasUnwritten)) return;
    const segment = await this.#log.ready();
    // Synchronous from here to the write.
    const writer = this.#writer;
    writer.start(segment.number, segment.size);
    this.#marksTimer?.cancel();
    this.#marksTimer = undefined;
    this.#marks.write(writer);
    const written: { lane: DiskLane; place: Written }[] = [];
    const put = (lane: DiskLane, batch: Batch): void => {
      const offset = segment.size + writer.length;
      writer.points(batch);
      const first = batch.positions[0] ?? 0;
      const next = (batch.positions.at(-1) ?? first) + 1;
      const end = segment.size + writer.length;
      written.push({ lane, place: { segment, offset, end, first, next } });
    };
    // New points wait while compaction must free bytes. They also wait while points of a
    // deleted file, which were safe before, are written once more.
    const most = this.#compaction.isFull || deleted !== undefined ? 0 : COMMIT_BYTES;
    for (const lane of lanes) {
      if (writer.length >= most) break;
      for (const batch of lane.unwritten(most - writer.length)) put(lane, batch);
    }
    if (deleted === undefined) this.#compaction.copyOldest(writer, put);
    else this.#compaction.copyDeleted(deleted, writer, put);
    const sync = written.length > 0 || all;
    await this.#log.append(segment, writer.bytes, sync);
    if (sync) this.#marks.synced();
    for (const { lane, place } of written) lane.written(place);
    this.#tally.changed();
    await this.#log.trim(false);
  }

  /** `all`: nothing is unsettled. */
  async #trim(all: boolean): Promise<void> {
    await this.#log.trim(all);
    if (!all) return;
    this.#marks.clear();
  }

  #succeeded(): void {
    this.#failures = 0;
    if (this.#log.deleted === undefined) this.#report.isWell();
  }

  #failed(error: unknown): void {
    this.#foundDeleted = error instanceof DeletedError;
    if (error instanceof DeletedError) {
      this.#report.deleted(error.files);
      this.#options.onDeleted?.();
    } else this.#report.failed(error);
    this.#failures += 1;
    this.#marks.failed();
    if (this.#closed) return;
    const waitMs = Math.min(RETRY.maxMs, RETRY.firstMs * 2 ** (this.#failures - 1));
    this.#retryTimer = this.clock.setTimer(waitMs, () => {
      this.#retryTimer = undefined;
      if (this.#committing === undefined) void this.#commit([...this.#lanes], false);
    });
  }

  #isEmpty(): boolean {
    for (const lane of this.#lanes) if (lane.length > 0) return false;
    return true;
  }

  #isDirty(): boolean {
    if (!this.#marks.areKept || this.#log.deleted !== undefined) return true;
    for (const lane of this.#lanes) if (lane.hasUnwritten) return true;
    return false;
  }
}
