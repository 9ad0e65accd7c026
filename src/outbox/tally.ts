import { crc32 } from 'node:zlib';
import type { SegmentFile, SegmentFolder } from './segment-folder.js';

/** How many points of one lane waited on disk, at positions from `first` to `next` − 1. */
export interface LaneTally {
  readonly nodeId: string;
  readonly first: number;
  readonly next: number;
  /** Not settled, on disk, and synced. */
  readonly points: number;
}

/** Which points waited in the outbox at one moment. The next start compares this with the points that it finds. */
export interface Tally {
  /** The moment, ns. */
  readonly timeNs: bigint;
  /** All counted points are before that place: number of a file, and offset in it. */
  readonly file: number;
  readonly offset: number;
  readonly lanes: readonly LaneTally[];
}

const NAME = 'tally';
/** Bytes of each of the two slots. */
const SLOT_BYTES = 64 * 1024;
/** So many lanes fit into one slot: node IDs have 255 bytes at most. */
const MOST_LANES = 200;

/**
 * A small file with the number of points that wait in the outbox's files. It shows whether
 * one of these was truncated or deleted. It is written after changes, and most often not
 * synced, so that it costs little. It is true for the moment at which it was written.
 *
 * It has two slots. After a sync the other slot is written, so that the last synced slot
 * is never overwritten.
 */
export class TallyFile {
  #file: SegmentFile | undefined;
  #slot = 0;
  #turn = 0;

  constructor(private readonly folder: SegmentFolder) {}

  /** The tally of an earlier run; `undefined`: it is missing or cannot be read. */
  async read(): Promise<Tally | undefined> {
    if (!(await this.folder.list()).includes(NAME)) return undefined;
    this.#file = await this.folder.open(NAME);
    const bytes = Buffer.alloc(2 * SLOT_BYTES);
    const length = this.#file?.read(bytes, 0) ?? 0;
    let newest: Tally | undefined;
    for (const slot of [0, 1]) {
      const found = parse(
        bytes.subarray(slot * SLOT_BYTES, Math.min(length, (slot + 1) * SLOT_BYTES)),
      );
      if (found === undefined || found.turn < this.#turn) continue;
      newest = found.tally;
      this.#turn = found.turn;
      this.#slot = 1 - slot;
    }
    return newest;
  }

  get isThere(): boolean {
    return this.#file !== undefined;
  }

  /** Writes a slot. Rejects with the system's error. */
  async write(tally: Tally, sync: boolean): Promise<void> {
    if (this.#file !== undefined && !(await this.#file.isThere())) await this.close();
    if (this.#file === undefined) {
      await this.folder.remove(NAME);
      this.#file = await this.folder.create(NAME);
      await this.folder.sync();
    }
    this.#turn += 1;
    await this.#file.write(format(tally, this.#turn), this.#slot * SLOT_BYTES);
    if (!sync) return;
    await this.#file.sync();
    this.#slot = 1 - this.#slot;
  }

  /** Deletes the file, since it is not true any more. */
  async remove(): Promise<void> {
    if (this.#file === undefined) return;
    await this.folder.remove(NAME);
    await this.folder.sync();
    await this.close();
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

interface Written {
  readonly turn: number;
  readonly timeNs: string;
  readonly file: number;
  readonly offset: number;
  readonly lanes: readonly LaneTally[];
}

function format({ timeNs, file, offset, lanes }: Tally, turn: number): Buffer {
  // A slot has no room for more lanes. Losses of lanes that are left out are not noticed.
  const most = [...lanes].sort((a, b) => b.points - a.points).slice(0, MOST_LANES);
  const written: Written = { turn, timeNs: String(timeNs), file, offset, lanes: most };
  const body = Buffer.from(JSON.stringify(written));
  const head = crc32(body).toString(16).padStart(8, '0');
  return Buffer.concat([Buffer.from(`${head} `), body, Buffer.from('\n')]);
}

function parse(bytes: Buffer): { readonly turn: number; readonly tally: Tally } | undefined {
  const end = bytes.indexOf('\n');
  if (end < 9) return undefined;
  if (crc32(bytes.subarray(9, end)) !== Number.parseInt(bytes.toString('latin1', 0, 8), 16))
    return undefined;
  try {
    // The cast is safe: a text with a correct CRC was written by this program.
    const { turn, timeNs, ...rest } = JSON.parse(bytes.toString('utf8', 9, end)) as Written;
    return { turn, tally: { timeNs: BigInt(timeNs), ...rest } };
  } catch {
    return undefined;
  }
}
