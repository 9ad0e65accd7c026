import type { SegmentFile, SegmentFolder } from './segment-folder.js';
import { FILE_HEADER, fileHeader } from './block.js';
import type { Segment } from './extents.js';

const NAME = /^(\d{8,10})\.log$/;

/** Largest number of a file: files have 32 bits for it. No outbox ever needs so many. */
const LAST_NUMBER = 4_000_000_000;

/**
 * Number of the file with that name. `undefined`: it is not a file of the outbox. `none`:
 * it looks like one, but its number is too large.
 */
export function numberOf(name: string): number | 'none' | undefined {
  const digits = NAME.exec(name)?.[1];
  if (digits === undefined) return undefined;
  return Number(digits) > LAST_NUMBER ? 'none' : Number(digits);
}

/** Name of the file with that number. */
export const nameOf = (number: number): string => `${String(number).padStart(8, '0')}.log`;

/** Somebody has deleted files of the outbox that it still needs. */
export class DeletedError extends Error {
  override readonly name = 'DeletedError';
  constructor(readonly files: number) {
    super(`${String(files)} file(s) were deleted`);
  }
}

/**
 * The files of the outbox. New blocks are written to the last one. When it is full, the
 * next one is created. The oldest file is deleted when it has no unsettled points.
 *
 * A file that somebody else deletes can still be read here, until the process ends. What
 * is written to it is not safe, and its unsettled points are written once more.
 */
export class OutboxLog {
  /** Oldest first. */
  readonly #segments: Segment[] = [];
  #current: Segment | undefined;
  /** Files that somebody else has deleted, as far as known. */
  readonly #deleted = new Set<Segment>();
  #lastNumber = 0;
  /** Whether something was written to the current file and not synced. */
  #unsynced = false;
  #synced = { file: 0, offset: 0 };

  constructor(
    private readonly folder: SegmentFolder,
    /** A file with so many bytes is full. */
    private readonly segmentBytes: number,
    /** Called before a file is deleted. `last`: no file is left then. */
    private readonly beforeRemoving: (last: boolean) => Promise<void>,
  ) {}

  get bytes(): number {
    let bytes = 0;
    for (const { size } of this.#segments) bytes += size;
    return bytes;
  }

  get files(): number {
    return this.#segments.length;
  }

  /** The oldest file, unless it is the one that is written to. */
  get oldest(): Segment | undefined {
    const [oldest] = this.#segments;
    return oldest === this.#current ? undefined : oldest;
  }

  /** Everything before that place is synced. `file`: number of a file; `offset`: in it. */
  get synced(): { readonly file: number; readonly offset: number } {
    return this.#synced;
  }

  /** The first deleted file that has unsettled points. */
  get deleted(): Segment | undefined {
    for (const segment of this.#deleted) if (segment.live > 0) return segment;
    return undefined;
  }

  /** Adds a file of an earlier run. */
  recovered(segment: Segment): void {
    this.#segments.push(segment);
    this.taken(segment.number);
    this.#synced = { file: segment.number, offset: segment.size };
  }

  /** The name with that number is in use: it will not be given to a new file. */
  taken(number: number): void {
    this.#lastNumber = Math.max(this.#lastNumber, number);
  }

  /** The file to write to. Creates one if the last is full. Rejects as {@link append} does. */
  async ready(): Promise<Segment> {
    const current = this.#current;
    if (current !== undefined && current.size < this.segmentBytes) return current;
    if (this.#unsynced && current !== undefined) await this.append(current, NOTHING, true);
    this.#current = undefined;
    const deleted = await this.#findDeleted();
    if (deleted > 0) throw new DeletedError(deleted);
    const number = this.#lastNumber + 1;
    // Even if creating fails, this name is not tried again.
    this.#lastNumber = number;
    const name = nameOf(number);
    const file = await this.folder.create(name);
    const segment: Segment = { number, name, file, size: FILE_HEADER, live: 0 };
    this.#segments.push(segment);
    try {
      await file.write(fileHeader(number), 0);
      await this.folder.sync();
    } catch (error) {
      await this.#abandon(segment);
      throw error;
    }
    this.#current = segment;
    return segment;
  }

  /**
   * Writes at the end of the current file. Rejects with the system's error: then the
   * content of the file is unknown, and the next file is begun. Rejects with a
   * {@link DeletedError}, once, when files were found deleted.
   */
  async append(segment: Segment, bytes: Uint8Array, sync: boolean): Promise<void> {
    try {
      if (bytes.length > 0) await segment.file.write(bytes, segment.size);
      if (sync) await this.#sync(segment);
      this.#unsynced = !sync;
    } catch (error) {
      await this.#abandon(segment);
      throw error;
    }
    segment.size += bytes.length;
    if (sync) this.#synced = { file: segment.number, offset: segment.size };
  }

  /**
   * Deletes files that are not needed any more, oldest first. `all`: the current file too,
   * if it has no unsettled points.
   */
  async trim(all: boolean): Promise<void> {
    for (;;) {
      const [segment] = this.#segments;
      if (segment === undefined || segment.live > 0) return;
      if (segment === this.#current) {
        if (!all) return;
        this.#current = undefined;
        this.#unsynced = false;
      }
      await this.beforeRemoving(this.#segments.length === 1);
      await this.folder.remove(segment.name);
      this.#segments.shift();
      this.#deleted.delete(segment);
      await segment.file.close();
      // Sync after each file, so that they disappear in order: the next file may have marks for points of this one.
      await this.folder.sync();
    }
  }

  async close(): Promise<void> {
    for (const { file } of this.#segments) await file.close();
    this.#segments.length = 0;
    this.#current = undefined;
  }

  /** Syncs the file. Rejects with a {@link DeletedError} if it was deleted. */
  async #sync(segment: Segment): Promise<void> {
    const [isThere] = await Promise.all([segment.file.isThere(), segment.file.sync()]);
    if (isThere) return;
    this.#deleted.add(segment);
    throw new DeletedError(1 + (await this.#findDeleted()));
  }

  /** Finds more deleted files with unsettled points. Returns their number. */
  async #findDeleted(): Promise<number> {
    let found = 0;
    for (const segment of this.#segments) {
      if (segment.live === 0 || this.#deleted.has(segment)) continue;
      if (await segment.file.isThere()) continue;
      this.#deleted.add(segment);
      found += 1;
    }
    return found;
  }

  /** Ends writing to a file, and removes bytes beyond its size, which were not synced. */
  async #abandon(segment: Segment): Promise<void> {
    if (this.#current === segment) this.#current = undefined;
    this.#unsynced = false;
    const { file, size } = segment;
    const isEmpty = size === FILE_HEADER;
    try {
      if (!isEmpty) {
        await file.truncate(size);
        return;
      }
      await this.folder.remove(segment.name);
    } catch {
      // Ignored: the failed write reports the disk's error.
      if (isEmpty) return;
    }
    if (!isEmpty) return;
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    this.#deleted.delete(segment);
    await closed(file);
  }
}

const NOTHING = new Uint8Array();

const closed = (file: SegmentFile): Promise<void> => file.close().catch(() => undefined);
