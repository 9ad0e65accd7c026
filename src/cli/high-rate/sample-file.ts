import { closeSync, openSync, writeSync } from 'node:fs';
import { codeOf, reasonOf } from '../../gateway/state/disk.js';
import { CliError, EXIT_FAILED } from '../errors.js';

/** Samples of a channel that go into a file. */
export interface SampleFile {
  readonly path: string;
  /** It has the time of each sample: others than before need no file of their own. */
  readonly hasTimes: boolean;
  /** Samples that follow those before. `startNs`: of the first. Throws a {@link CliError}. */
  write(startNs: bigint, periodNs: number, samples: Float32Array): void;
  /** So many samples are missing here. False: the next samples belong into another file. */
  gap(fromNs: bigint, periodNs: number, missing: number): boolean;
  /** There is no room for so many more samples. */
  isFull(samples: number): boolean;
  /** What was written so far is whole on disk, as far as the system has it. */
  flush(): void;
  /** Flushes, and closes it also where that fails. Throws a {@link CliError}. */
  close(): void;
}

const CHUNK_BYTES = 65_536;
/** There is no room on the disk, or none for this user. */
const FULL = new Set<string | undefined>(['ENOSPC', 'EDQUOT']);

/** A file that is written in chunks, whose beginning can be written again. Errors are {@link CliError}s. */
export class ChunkFile {
  readonly #fd: number;
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;
  #bytes = 0;

  constructor(readonly path: string) {
    this.#fd = this.#tried(() => openSync(path, 'w'));
  }

  /** Bytes so far. */
  get length(): number {
    return this.#bytes + this.#used;
  }

  write(bytes: Uint8Array): void {
    if (this.#used + bytes.length > CHUNK_BYTES) this.flush();
    if (bytes.length > CHUNK_BYTES) {
      this.#append(bytes);
      return;
    }
    this.#chunk.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  flush(): void {
    if (this.#used > 0) this.#append(this.#chunk.subarray(0, this.#used));
    this.#used = 0;
  }

  /** Writes over what is there. */
  patch(at: number, bytes: Uint8Array): void {
    this.#tried(() => writeSync(this.#fd, bytes, 0, bytes.length, at));
  }

  /** Also where what is left cannot be written: then it throws. */
  close(): void {
    try {
      this.flush();
    } finally {
      closeSync(this.#fd);
    }
  }

  #append(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      at += this.#tried(() => writeSync(this.#fd, bytes, at, bytes.length - at, this.#bytes + at));
    }
    this.#bytes += bytes.length;
  }

  #tried<T>(what: () => T): T {
    try {
      return what();
    } catch (cause) {
      const isFull = FULL.has(codeOf(cause));
      const advice = isFull ? '; make room there, or give a file on another disk' : '';
      const kept = this.#bytes > 0 ? ' (the samples before are in it)' : '';
      const text = `${this.path} cannot be written: ${reasonOf(cause)}${advice}${kept}`;
      throw new CliError(text, EXIT_FAILED, { cause });
    }
  }
}
