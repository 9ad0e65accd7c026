/**
 * Files about restarts of one link's device, in `stateDir/restarts/<link>`: the last ones
 * are kept.
 */
import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, writeAtomically, type Disk } from './disk.js';

/** Files of a link that are kept. */
const MOST_FILES = 20;
const ENDING = '.txt';
/** Our names: a person may put other files there. */
const OURS = /^\d{8}T\d{6}\.\d{3}Z-[A-Za-z]{1,20}\.txt$/;

/** A file about a restart. */
export interface RestartFile {
  /** Its path. */
  readonly path: string;
  readonly text: string;
}

/** The files of one link. */
export class RestartFiles {
  constructor(
    private readonly folder: string,
    private readonly disk: Disk,
  ) {}

  /**
   * Writes a file, whole or not at all, and removes the oldest of those that are too many.
   * Returns its name. `at`: ms since 1970; `sign`: a word. Rejects if it cannot be written.
   */
  async write(at: number, sign: string, text: string): Promise<string> {
    const name = `${new Date(at).toISOString().replaceAll(/[-:]/g, '')}-${sign}${ENDING}`;
    await writeAtomically(this.disk, join(this.folder, name), Buffer.from(text));
    const others = (await this.#names()).filter((one) => one !== name);
    const tooMany = others.slice(0, Math.max(0, others.length + 1 - MOST_FILES));
    // One that is left is removed the next time.
    for (const old of tooMany) await unlink(join(this.folder, old)).catch(() => undefined);
    return name;
  }

  /** The oldest first. Those that cannot be read are left out. */
  async all(): Promise<RestartFile[]> {
    const files: RestartFile[] = [];
    for (const name of (await this.#names()).slice(-MOST_FILES)) {
      const path = join(this.folder, name);
      const text = await readFile(path, 'utf8').catch(() => undefined);
      if (text !== undefined) files.push({ path, text });
    }
    return files;
  }

  async #names(): Promise<string[]> {
    try {
      return (await readdir(this.folder)).filter((name) => OURS.test(name)).sort();
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  }
}
