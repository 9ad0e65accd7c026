import type { SegmentFile, SegmentFolder } from './segment-folder.js';
import { FILE_HEADER, fileHeader } from './block.js';
import type { Segment } from './extents.js';

const NAME = /^(\d{8,10})\.log$/;

/** Files have 32 bits for their number; no outbox ever comes this far. */
const LAST_NUMBER = 4_000_000_000;

/**
 * Number of the file of that name; `undefined`: it is not one of the outbox's.
 * `none`: it looks like one, and cannot be.
 */
export function numberOf(name: string): number | 'none' | undefined {
  const digits = NAME.exec(name)?.[1];
  if (digits === undefined) return undefined;
  return Number(digits) > LAST_NUMBER ? 'none' : Number(digits);
}

export const nameOf = (number: number): string => `${String(number).padStart(8, '0')}.log`;

/** Somebody has deleted files of the outbox that it still needs. */
export class DeletedError extends Error {
  override readonly name = 'DeletedError';
  constructor(readonly files: number) {
    super(`${String(files)} file(s) were deleted`);
  }
}

/**
 * The files of the outbox, of which the last is written to: begun when it is
 * needed, left when it is full, and deleted once it is the oldest and nothing
 * in it is unsettled.
 *
 * A file that somebody else deletes can still be read here, and is gone with the
 * process: nothing that is written to it is safe, and what lives in it has to be
 * written once more.
 */
export class OutboxLog {
  /** Oldest first. */
  readonly #segments: Segment[] = [];
  #current: Segment | undefined;
  /** Those that are known to have been deleted. */
  readonly #deleted = new Set<Segment>();
  #lastNumber = 0;
  /** Something was written to the current file without making it survive. */
  #unsynced = false;
  #synced = { file: 0, offset: 0 };

  constructor(
    private readonly folder: SegmentFolder,
    /** A file that has reached this is full. */
    private readonly segmentBytes: number,
    /** Before a file is deleted; `last`: there will be none then. */
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

  /** Before that place all is synced: number of a file, and offset in it. */
  get synced(): { readonly file: number; readonly offset: number } {
    return this.#synced;
  }

  /** Of the files that were deleted the oldest in which something lives. */
  get deleted(): Segment | undefined {
    for (const segment of this.#deleted) if (segment.live > 0) return segment;
    return undefined;
  }

  /** A file from before. */
  recovered(segment: Segment): void {
    this.#segments.push(segment);
    this.taken(segment.number);
    this.#synced = { file: segment.number, offset: segment.size };
  }

  /** That name is not free. */
  taken(number: number): void {
    this.#lastNumber = Math.max(this.#lastNumber, number);
  }

  /** The file that is written to, with room. Rejects as {@link append} does. */
  async ready(): Promise<Segment> {
    const current = this.#current;
    if (current !== undefined && current.size < this.segmentBytes) return current;
    if (this.#unsynced && current !== undefined) await this.append(current, NOTHING, true);
    this.#current = undefined;
    const deleted = await this.#findDeleted();
    if (deleted > 0) throw new DeletedError(deleted);
    const number = this.#lastNumber + 1;
    // The name is never used again, whatever becomes of this file.
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
   * Writes on at the end of the current file. Rejects with the system's error;
   * what came of it then is unknown, and the next file is begun. Rejects with a
   * {@link DeletedError} once when files turn out to be deleted.
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

  /** Deletes what is not needed any more, oldest first; all when nothing at all is. */
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
      // In this order, whatever happens: the next one may hold notes of what
      // is settled in this one.
      await this.folder.sync();
    }
  }

  async close(): Promise<void> {
    for (const { file } of this.#segments) await file.close();
    this.#segments.length = 0;
    this.#current = undefined;
  }

  /** Side by side, since looking costs nothing then. */
  async #sync(segment: Segment): Promise<void> {
    const [isThere] = await Promise.all([segment.file.isThere(), segment.file.sync()]);
    if (isThere) return;
    this.#deleted.add(segment);
    throw new DeletedError(1 + (await this.#findDeleted()));
  }

  /** How many files with something in it have been deleted that were not known to be. */
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

  /** Nothing more is written to it. What is in it beyond its size was never promised. */
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
      // The disk is not well, which is told by whoever wrote.
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
