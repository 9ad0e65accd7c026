/**
 * Files that somebody starts in SIOT: the point `download` of a link's node names a file
 * node below it (docs/contract.md, "Files to the device"; docs/siot.md, 2.6).
 */
import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { Point } from '../../point/point.js';
import { contentOfFileNode } from './file-node.js';
import type { LinkFiles } from './link-files.js';

/** `download` as somebody has written it last. */
export interface Download {
  /** Of the file; blank: none is wanted. */
  readonly name: string;
  /** Of the point, ns as decimal text: says which one it is. */
  readonly time: string;
}

/** What the downloads of a link need of its node. */
export interface DownloadsHost {
  /** As it stands. */
  readonly download: Download;
  /** The points of each live file node below the link's node; or why they cannot be read, for people. */
  fileNodes(): Promise<readonly (readonly Point[])[] | string>;
  /** The file has ended: `download` is to be emptied in SIOT. */
  downloadEnded(): void;
}

interface DownloadsParts {
  readonly files: Pick<LinkFiles, 'ready' | 'give' | 'refuse' | 'abort' | 'progress' | 'download'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** SIOT computes the hash of a file after it has stored the file. */
const AGAIN_MS = 1_000;
const MOST_READINGS = 4;

/** Reads the files of one link from SIOT. */
export class Downloads {
  /** Counts what was asked: what an earlier question brings is not used. */
  #turn = 0;
  #isReading = false;
  #timer: Timer | undefined;

  constructor(
    private readonly parts: DownloadsParts,
    private readonly host: DownloadsHost,
  ) {}

  /** Somebody has written `download`. */
  asked(): void {
    this.stop();
    const { name } = this.host.download;
    if (name !== '') void this.#read(this.#turn);
    else if (this.parts.files.abort()) this.parts.log.info({}, 'download was emptied in SIOT');
  }

  /** The node was read: goes on with what an earlier life of the gateway had begun. */
  async resume(): Promise<void> {
    const turn = this.#turn;
    const { files } = this.parts;
    await files.ready;
    const { name, time } = this.host.download;
    if (turn !== this.#turn || name === '' || this.#isReading) return;
    if (files.download !== time) void this.#read(this.#turn);
    else if (files.progress?.state !== 'sending') this.host.downloadEnded();
  }

  /** What is being read is not used. */
  stop(): void {
    this.#turn += 1;
    this.#isReading = false;
    this.#timer?.cancel();
  }

  async #read(turn: number): Promise<void> {
    this.#isReading = true;
    const { download } = this.host;
    for (let reading = 1; ; reading += 1) {
      const nodes = await this.host.fileNodes();
      if (turn !== this.#turn) return;
      const found =
        typeof nodes === 'string'
          ? { problem: nodes, again: true }
          : contentOfFileNode(nodes, download.name);
      if ('bytes' in found) {
        await this.#give(download, found.bytes);
        const { files } = this.parts;
        // It was emptied, or names another one, while the file was brought to the disk.
        if (turn !== this.#turn && files.download === download.time) files.abort();
        break;
      }
      if (!found.again || reading >= MOST_READINGS) {
        this.#fail(download, found.problem);
        break;
      }
      await new Promise<void>((resolve) => {
        this.#timer = this.parts.clock.setTimer(AGAIN_MS, resolve);
      });
    }
    if (turn === this.#turn) this.#isReading = false;
  }

  async #give(download: Download, bytes: Uint8Array): Promise<void> {
    const problem = await this.parts.files.give(download.name, bytes, download.time);
    if (problem !== undefined) this.#fail(download, problem);
  }

  #fail(download: Download, problem: string): void {
    const { files, log } = this.parts;
    log.warn({ file: download.name, reason: problem }, 'a download asked for in SIOT is refused');
    files.refuse(download.name, problem, download.time);
    this.host.downloadEnded();
  }
}
