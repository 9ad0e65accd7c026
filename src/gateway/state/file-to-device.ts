/**
 * A file on its way to the device of a link, on disk: it survives a kill of the gateway.
 *
 * ```
 *  sending/<node ID>.upload   as far as somebody has given it to the gateway
 *  sending/<node ID>.data     whole, while it is sent
 *  sending/<node ID>.json     its name and how it has ended, or that it is being sent
 * ```
 *
 * One file at a time. `.data` without a record of a file that is being sent is the rest of
 * one that was begun or ended when the gateway was killed: it is removed.
 */
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { FileProgress, OutgoingFile, Setbacks } from '../../session/files/file.js';
import { codeOf, reasonOf, writeAtomically, type Disk } from './disk.js';
import { textOf } from './state-file.js';

/** What is kept of the last file. */
export interface FileRecord {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly state: FileProgress['state'];
  readonly error?: string;
  /** Time of the point `download` that has started it, ns as decimal text; absent: `send-file` has. */
  readonly download?: string;
  /** Absent: none, or it has ended. */
  readonly setbacks?: Setbacks;
}

const count = z.int().min(0);

const fileRecord = z.object({
  name: z.string(),
  size: count,
  state: z.enum(['sending', 'done', 'failed', 'aborted']),
  error: z.string().optional(),
  download: z.string().optional(),
  setbacks: z.object({ furthest: count, inRow: count, ends: count, stalls: count }).optional(),
});

/** The file of one link. Its methods reject with an error whose message is for people. */
export class FileToDevice {
  #upload: FileHandle | undefined;
  #data: FileHandle | undefined;

  constructor(
    /** Path of the files without their endings. */
    private readonly path: string,
    private readonly disk: Disk,
  ) {}

  /** After the gateway was started: the last file, as it was kept; `undefined`: there was none. */
  async load(): Promise<FileRecord | undefined> {
    const record = await this.#record();
    if (record?.state !== 'sending') await this.#remove('data');
    await this.#remove('upload');
    return record;
  }

  /** Begins to take a file, in place of one that is not whole yet. */
  async begin(): Promise<void> {
    await this.#upload?.close();
    await this.#try(async () => {
      await this.disk.makeFolder(dirname(this.path));
      this.#upload = await open(`${this.path}.upload`, 'w', 0o600);
    });
  }

  /** The next bytes of the file. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#try(async () => this.#upload?.writeFile(bytes));
  }

  /** The file is whole, and survives a loss of power from now on. */
  async commit(record: FileRecord): Promise<void> {
    await this.#try(async () => {
      await this.#upload?.sync();
      await this.#upload?.close();
      this.#upload = undefined;
      await rename(`${this.path}.upload`, `${this.path}.data`);
      await this.#keep(record);
    });
  }

  /** More is known of the file that is being sent. */
  async update(record: FileRecord): Promise<void> {
    await this.#try(() => this.#keep(record));
  }

  /** Forgets a file that is not whole. */
  async discard(): Promise<void> {
    await this.#upload?.close();
    this.#upload = undefined;
    await this.#remove('upload');
  }

  /** To be read while it is sent. */
  async open({ name, size, setbacks }: FileRecord): Promise<OutgoingFile> {
    await this.close();
    const data = await this.#try(async () => {
      const path = `${this.path}.data`;
      if ((await stat(path)).size !== size) throw new Error('it is not whole on disk any more');
      return open(path, 'r');
    });
    this.#data = data;
    return {
      name,
      size,
      ...(setbacks === undefined ? {} : { setbacks }),
      read: async (at, length) => {
        const bytes = Buffer.alloc(length);
        const { bytesRead } = await this.#try(() => data.read(bytes, 0, length, at));
        return bytes.subarray(0, bytesRead);
      },
    };
  }

  /** The file has ended; it is removed. */
  async ended(record: FileRecord): Promise<void> {
    await this.close();
    await this.#try(() => this.#keep(record));
    await this.#remove('data');
  }

  /** What is on disk stays. */
  async close(): Promise<void> {
    await this.#data?.close();
    this.#data = undefined;
  }

  #keep(record: FileRecord): Promise<void> {
    return writeAtomically(this.disk, `${this.path}.json`, Buffer.from(textOf(record)));
  }

  async #record(): Promise<FileRecord | undefined> {
    try {
      const text = Buffer.from(await this.disk.read(`${this.path}.json`)).toString();
      const { error, download, setbacks, ...record } = fileRecord.parse(JSON.parse(text));
      return {
        ...record,
        ...(error === undefined ? {} : { error }),
        ...(download === undefined ? {} : { download }),
        ...(setbacks === undefined ? {} : { setbacks }),
      };
    } catch {
      // A file whose record is broken is not sent: nobody knows what it is.
      return undefined;
    }
  }

  async #remove(ending: string): Promise<void> {
    await rm(`${this.path}.${ending}`, { force: true }).catch(() => undefined);
  }

  async #try<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      const reason =
        codeOf(error) === undefined && error instanceof Error ? error.message : reasonOf(error);
      throw new Error(`${reason} (${this.path})`, { cause: error });
    }
  }
}
