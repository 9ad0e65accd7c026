import type { Log } from '../point/log.js';
import {
  BLOCK_HEADER,
  FILE_HEADER,
  findBlock,
  readBlock,
  readBody,
  readFileHeader,
  readPoints,
  type PointsHead,
} from './block.js';
import type { SegmentFile, SegmentFolder } from './segment-folder.js';
import type { DiskLane } from './disk-lane.js';
import type { Segment } from './extents.js';
import type { Lanes } from './lanes.js';
import { LossFinder, type Loss } from './losses.js';
import { numberOf, type OutboxLog } from './outbox-log.js';
import type { RecoveryReport } from './recovery-report.js';
import type { Tally } from './tally.js';

/** The outbox on disk cannot be used; the message says what to do. */
export class OutboxError extends Error {
  override readonly name = 'OutboxError';
}

interface RecoveryHost {
  readonly folder: SegmentFolder;
  readonly log: OutboxLog;
  readonly lanes: Lanes<DiskLane>;
  /** The tally of the earlier run, if it can be read. */
  readonly tally: Tally | undefined;
  readonly report: RecoveryReport;
  readonly logger: Log;
  /** Why the system refused, for people. */
  readonly reasonOf: (error: unknown) => string;
}

/**
 * Reads the files of earlier runs, oldest first. Blocks of points add points; marks settle
 * points that were read before. Damaged bytes are reported and skipped. Resolves to the
 * losses. Rejects with an {@link OutboxError}.
 */
export async function recover(host: RecoveryHost): Promise<Loss[]> {
  const finder = new LossFinder(host.tally, host.lanes);
  const files = await openAll(host);
  const last = files.at(-1)?.number;
  let bytes = Buffer.alloc(0);
  let written: SegmentFile | undefined;
  for (const { name, number, file } of files) {
    const size = await file.size();
    if (bytes.length < size) bytes = Buffer.allocUnsafeSlow(size);
    const content = bytes.subarray(0, size);
    await readable(host, name, () => file.read(content, 0));
    const header = readFileHeader(content, number);
    if (typeof header === 'object') {
      throw new OutboxError(
        `${host.folder.path}/${name} is of another version (${header.version}) of this program: ` +
          'let that one empty it, or move the file away, which loses the points in it',
      );
    }
    const segment: Segment = { number, name, file, size, live: 0 };
    const start = header === 'broken' ? 0 : FILE_HEADER;
    segment.size = await new Scan(host, finder, segment, content, start, number === last).run();
    host.log.recovered(segment);
    written = file;
  }
  // Data that a killed process has written may only be in the page cache. It is synced,
  // since it counts as safe from now on. If syncing fails, the first write fails too.
  await written?.sync().catch(() => undefined);
  const losses = finder.losses();
  host.report.lost(losses);
  return losses;
}

interface Found {
  readonly name: string;
  readonly number: number;
  readonly file: SegmentFile;
}

/** Opens the files of the outbox. Oldest first. */
async function openAll(host: RecoveryHost): Promise<Found[]> {
  const files: Found[] = [];
  for (const name of await host.folder.list()) {
    const number = numberOf(name);
    if (number === undefined) continue;
    const file =
      number === 'none' ? undefined : await readable(host, name, () => host.folder.open(name));
    if (number !== 'none' && file !== undefined) {
      files.push({ name, number, file });
      continue;
    }
    if (number !== 'none') host.log.taken(number);
    const path = `${host.folder.path}/${name}`;
    host.logger.warn(
      { path },
      `${path} is none of the outbox’s files and is left alone: move it away`,
    );
  }
  return files.sort((a, b) => a.number - b.number);
}

async function readable<T>(
  host: RecoveryHost,
  name: string,
  act: () => T | Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new OutboxError(
      `${host.folder.path}/${name} cannot be read (${host.reasonOf(error)}): ` +
        'mend that, or move it away, which loses the points in it',
      { cause: error },
    );
  }
}

/** Reads one file from its beginning to its end. */
class Scan {
  #at: number;

  constructor(
    private readonly host: RecoveryHost,
    private readonly finder: LossFinder,
    private readonly segment: Segment,
    private readonly bytes: Buffer,
    start: number,
    /** The file that was written to last. */
    private readonly isLast: boolean,
  ) {
    this.#at = start;
  }

  /** Resolves to the length of the file, which may have been truncated. */
  async run(): Promise<number> {
    const { bytes, segment } = this;
    while (this.#at < bytes.length) {
      this.finder.reach(segment.number, this.#at);
      const body = readBlock(bytes, this.#at, segment.number);
      const block = body && readBody(bytes, body);
      if (body === undefined || block === undefined) {
        const next = findBlock(bytes, this.#at + 1, segment.number);
        if (next === undefined) return this.#cutOff();
        await this.#passOver(next);
        continue;
      }
      if (block.kind === 'points') this.#points(block, body.end);
      else {
        for (const { nodeId, ranges } of block.lanes) {
          const lane = this.host.lanes.find(nodeId);
          for (const [from, to] of ranges) {
            this.finder.settled(nodeId, from, to);
            lane.recoverSettled(from, to);
          }
        }
      }
      this.#at = body.end;
    }
    return bytes.length;
  }

  #points(block: PointsHead, end: number): void {
    const { first, next, count, latestNs } = block;
    const positions: [number, number][] = [];
    if (count === next - first) positions.push([first, next]);
    else readPoints(this.bytes, block, (position) => void positions.push([position, position + 1]));
    this.finder.points(block.nodeId, next, positions, latestNs);
    const written = { segment: this.segment, offset: this.#at, end, first, next };
    this.host.lanes.find(block.nodeId).recoverPoints(written, positions, latestNs);
  }

  async #cutOff(): Promise<number> {
    const { bytes, segment, isLast } = this;
    const at = this.#at;
    await this.#passOver(bytes.length);
    if (!isLast) return bytes.length;
    // If truncating fails, these bytes are skipped again at the next start.
    await segment.file.truncate(at).catch(() => undefined);
    return at;
  }

  /** The head of a damaged block, which may be wrong. */
  #head(): PointsHead | undefined {
    const { bytes } = this;
    const head = readBody(bytes, { at: this.#at + BLOCK_HEADER, end: bytes.length });
    // A point has some 8 bytes at least: a count above the number of bytes is wrong.
    const isLikely = head?.kind === 'points' && head.count <= bytes.length;
    return isLikely ? head : undefined;
  }

  /**
   * Reports damaged bytes, and continues behind them. A write that a power failure
   * interrupted was not acknowledged. It may have damaged bytes before whole blocks.
   * Acknowledged points that were damaged later look the same, if the tally does not
   * count them.
   */
  async #passOver(next: number): Promise<void> {
    const { segment, host, finder } = this;
    const { name, number, file } = segment;
    const length = next - this.#at;
    const writtenNs = await file.writtenNs();
    if (this.isLast && !finder.covers(number, this.#at)) {
      const isEnd = next === this.bytes.length;
      host.report.torn({ file: name, bytes: length, isEnd, writtenNs, head: this.#head() });
    } else {
      finder.gap(number, this.#at, writtenNs);
      host.report.damaged(name, this.#at, length);
    }
    this.#at = next;
  }
}
