/**
 * Files for the device of a link: taken in pieces from whoever sends one, kept on disk
 * until the device has acknowledged the end, and told as points of the node
 * (docs/contract.md, "Files to the device").
 *
 * ```
 *  begin ─► chunk … chunk ─► start ─► on disk ─► DeviceFiles ─► done, failed, aborted
 *                                         ▲
 *              after a kill of the gateway ┘
 * ```
 */
import { createHash } from 'node:crypto';
import { whyNotFileName } from '../../packet/file-block.js';
import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type {
  DeviceFiles,
  FileListener,
  FileProgress,
  Setbacks,
} from '../../session/files/file.js';
import type { FileRecord, FileToDevice } from '../state/file-to-device.js';
import { Upload } from './upload.js';

/** Most bytes of a file. */
export const MOST_FILE_BYTES = 64 * 1_048_576;
/** Points of a file that moves are published so often, ms. */
const TELL_EVERY_MS = 1_000;

/** What of a file is published. */
export interface FileGauge {
  /** 0 … 100, whole. */
  readonly percent: number;
  readonly state: FileProgress['state'];
  /** Blank: none. */
  readonly error: string;
}

/** What is done with the files of a link. */
export interface LinkFilesHost {
  /** {@link LinkFiles.gauge} has changed. */
  fileChanged(): void;
}

interface LinkFilesParts {
  /** `undefined`: the device takes none. */
  readonly device: DeviceFiles | undefined;
  readonly file: FileToDevice;
  readonly giveUpMs: () => number;
  readonly clock: Clock;
  readonly log: Log;
}

/** What was done; or why it was not, for people. */
export type FileOutcome =
  { readonly done: FileProgress | undefined } | { readonly refused: string };

/** The files of one link. Its methods never reject. */
export class LinkFiles implements FileListener {
  /** Resolves when it is known what an earlier life of the gateway had begun. */
  readonly ready: Promise<void>;
  #isReady: () => void = () => undefined;
  #upload: Upload | undefined;
  #uploads = 0;
  /** Of the last file, while the session has none: it ended before the gateway was started. */
  #before: FileRecord | undefined;
  /** Of the file that is being sent, as it is on disk; `undefined`: the session has none. */
  #sent: FileRecord | undefined;
  /** A file that was given whole is being brought to the disk. */
  #isStarting = false;
  #download: string | undefined;
  #gauge: FileGauge | undefined;
  #toldMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #stopped = false;
  /** What is done on the disk, one after the other. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly parts: LinkFilesParts,
    private readonly host: LinkFilesHost,
  ) {
    this.ready = new Promise((resolve) => (this.#isReady = resolve));
  }

  /** Goes on with what the gateway had begun when it was ended. */
  start(): void {
    void this.#serially(() => this.#resume()).finally(this.#isReady);
  }

  async #resume(): Promise<void> {
    const { file, log } = this.parts;
    const record = await file.load();
    if (record === undefined || this.#stopped) return;
    this.#before = record;
    this.#download = record.download;
    if (record.state !== 'sending') {
      this.#tell();
      return;
    }
    const { name } = record;
    log.info({ file: name }, 'the file that was being sent is sent again, from its beginning');
    const problem = await this.#send(record);
    if (problem !== undefined) await this.#fail(record, problem);
  }

  /** The gateway ends, or the link; the file goes on after the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.parts.device?.release();
    await this.#work;
    await this.parts.file.discard();
    await this.parts.file.close();
  }

  /** Of the file that is being sent, or of the last one. */
  get progress(): FileProgress | undefined {
    if (this.#sent !== undefined) return this.parts.device?.progress;
    if (this.#before === undefined) return undefined;
    const { name, size, state, error } = this.#before;
    return {
      name,
      bytes: state === 'done' ? size : 0,
      of: size,
      state,
      ...(error === undefined ? {} : { error }),
    };
  }

  /** As it is published; `undefined`: no file was ever sent. */
  get gauge(): FileGauge | undefined {
    return this.#gauge;
  }

  /** A file of so many bytes is going to be given. Returns what its pieces name, or why it is refused, for people. */
  async begin(
    name: string,
    size: number,
  ): Promise<{ readonly upload: string } | { readonly refused: string }> {
    await this.ready;
    const refused = this.#whyNot(name, size);
    if (refused !== undefined) return { refused };
    const { clock, file } = this.parts;
    const id = `${String((this.#uploads += 1))}-${clock.wallNs().toString()}`;
    this.#upload = new Upload(id, name, size, clock);
    const problem = await this.#try(() => file.begin());
    if (problem === undefined) return { upload: id };
    this.#upload = undefined;
    return { refused: `the gateway cannot keep the file: ${problem}` };
  }

  /** The piece at this offset, which is where the last one ended. Returns why it is refused, for people. */
  async chunk(id: string, at: number, bytes: Uint8Array): Promise<string | undefined> {
    const upload = this.#upload;
    if (upload?.id !== id) return GONE;
    const refused = upload.take(at, bytes);
    if (refused !== undefined) return refused;
    const problem = await this.#try(() => this.parts.file.write(bytes));
    if (problem === undefined) return undefined;
    await this.#discard(upload);
    return `the gateway cannot keep the file: ${problem}`;
  }

  /** The file is whole: it is sent when it is on disk. */
  async send(id: string, sha256: string, download?: string): Promise<FileOutcome> {
    const upload = this.#upload;
    if (upload?.id !== id) return { refused: GONE };
    this.#upload = undefined;
    this.#isStarting = true;
    try {
      return await this.#start(upload, sha256, download);
    } finally {
      this.#isStarting = false;
    }
  }

  async #start(upload: Upload, sha256: string, download?: string): Promise<FileOutcome> {
    // Another may have been asked for in SIOT while this one was given.
    if (this.#sent !== undefined)
      return { refused: `${this.progress?.name ?? 'a file'} is being sent` };
    const { name, size } = upload;
    if (!upload.isWhole(sha256)) {
      await this.#try(() => this.parts.file.discard());
      return { refused: 'the file has changed while it was given to the gateway: send it again' };
    }
    const record: FileRecord = {
      name,
      size,
      state: 'sending',
      ...(download === undefined ? {} : { download }),
    };
    const unkept = await this.#try(() => this.parts.file.commit(record));
    if (unkept !== undefined) return { refused: `the gateway cannot keep the file: ${unkept}` };
    const refused = await this.#serially(async () => {
      const problem = await this.#send(record);
      if (problem !== undefined) await this.#fail(record, problem);
      return problem;
    });
    return refused === undefined ? { done: this.progress } : { refused };
  }

  /**
   * Sends a file that the gateway has as a whole. `download`: see {@link FileRecord.download}.
   * Returns why it is refused, for people.
   */
  async give(name: string, bytes: Uint8Array, download: string): Promise<string | undefined> {
    const begun = await this.begin(name, bytes.length);
    if ('refused' in begun) return begun.refused;
    const refused = await this.chunk(begun.upload, 0, bytes);
    if (refused !== undefined) return refused;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const outcome = await this.send(begun.upload, sha256, download);
    return 'refused' in outcome ? outcome.refused : undefined;
  }

  /** A file that somebody wants is not sent at all. `why`: for people. */
  refuse(name: string, why: string, download: string): void {
    // What is known of the one that is being sent stays.
    if (this.#sent !== undefined || this.#isStarting) return;
    const record: FileRecord = { name, size: 0, state: 'failed', error: why, download };
    this.#before = record;
    this.#download = download;
    this.#tell();
    void this.#serially(() => this.#keepEnd(record));
  }

  /** By which point `download` the last file was started; `undefined`: by none. */
  get download(): string | undefined {
    return this.#download;
  }

  /** Ends the file that is being sent. False: none is. */
  abort(): boolean {
    return this.#sent !== undefined && this.parts.device?.abort() === true;
  }

  /** Forgets what was given of a file that is not whole. False: it is not known, or whole. */
  async forget(id: string): Promise<boolean> {
    const upload = this.#upload;
    if (upload?.id !== id) return false;
    await this.#discard(upload);
    return true;
  }

  // What the session tells of the file.

  fileMoved(): void {
    const progress = this.progress;
    if (progress !== undefined && progress.state !== 'sending') {
      this.#sent = undefined;
      const { name, of, state, error } = progress;
      const record: FileRecord = {
        name,
        size: of,
        state,
        ...(error === undefined ? {} : { error }),
        ...(this.#download === undefined ? {} : { download: this.#download }),
      };
      this.#before = record;
      void this.#serially(() => this.#keepEnd(record));
      this.#tell();
      return;
    }
    const { clock } = this.parts;
    const waitMs = this.#toldMs + TELL_EVERY_MS - clock.monotonicMs();
    if (waitMs <= 0) this.#tell();
    else this.#timer ??= clock.setTimer(waitMs, () => this.#tell());
  }

  fileSetBack(setbacks: Setbacks): void {
    if (this.#sent === undefined) return;
    const record = { ...this.#sent, setbacks };
    this.#sent = record;
    // Where it cannot be kept, the gateway counts anew after its next start.
    void this.#try(() => this.parts.file.update(record));
  }

  #whyNot(name: string, size: number): string | undefined {
    const { device } = this.parts;
    if (device === undefined) return 'this link takes no files: it has no packets for them';
    const refused = whyNotFileName(name);
    if (refused !== undefined) return refused;
    if (size > MOST_FILE_BYTES) {
      return `the file has ${String(size)} bytes: at most ${String(MOST_FILE_BYTES)} (64 MiB) can be sent`;
    }
    if (this.#sent !== undefined || this.#isStarting) {
      return `${this.progress?.name ?? 'a file'} is being sent: wait for its end, or end it by --abort`;
    }
    return this.#upload === undefined || this.#upload.isAbandoned()
      ? undefined
      : 'somebody else is giving a file to the gateway: try again';
  }

  /** Returns why it cannot be sent, for people. */
  async #send(record: FileRecord): Promise<string | undefined> {
    const { device, file, giveUpMs } = this.parts;
    if (this.#stopped) return undefined;
    this.#download = record.download;
    if (device === undefined) return 'this link takes no files now';
    try {
      const opened = await file.open(record);
      this.#sent = record;
      const refused = device.send(opened, giveUpMs(), this);
      if (refused === undefined) this.#tell();
      else this.#sent = undefined;
      return refused;
    } catch (error) {
      return messageOf(error);
    }
  }

  async #fail(record: FileRecord, error: string): Promise<void> {
    this.#sent = undefined;
    this.#before = { ...record, state: 'failed', error };
    this.parts.log.warn({ file: record.name, reason: error }, 'a file was not sent to the device');
    this.#tell();
    await this.#keepEnd(this.#before);
  }

  async #keepEnd(record: FileRecord): Promise<void> {
    try {
      await this.parts.file.ended(record);
    } catch (error) {
      // It would be sent again after the next start.
      this.parts.log.error(
        { file: record.name, reason: messageOf(error) },
        'the end of a file cannot be kept: it is sent again when the gateway is started again',
      );
    }
  }

  async #discard(upload: Upload): Promise<void> {
    if (this.#upload === upload) this.#upload = undefined;
    await this.#try(() => this.parts.file.discard());
  }

  #tell(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#toldMs = this.parts.clock.monotonicMs();
    const progress = this.progress;
    if (progress === undefined) return;
    const { bytes, of, state, error = '' } = progress;
    const percent = state === 'done' ? 100 : of === 0 ? 0 : Math.floor((100 * bytes) / of);
    this.#gauge = { percent, state, error };
    this.host.fileChanged();
  }

  /** Returns why it failed, for people. */
  async #try(act: () => Promise<void>): Promise<string | undefined> {
    let problem: string | undefined;
    await this.#serially(() => act().catch((error: unknown) => void (problem = messageOf(error))));
    return problem;
  }

  #serially<T>(act: () => Promise<T>): Promise<T> {
    const work = this.#work.then(act);
    this.#work = work.catch(() => undefined);
    return work;
  }
}

const GONE = 'the gateway does not know this file any more: send it again';

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
