/**
 * Files about restarts of one link's device, in `stateDir/restarts/<link>`: the last ones
 * are kept.
 */
import { open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, FRESH_ENDING, writeAtomically, type Disk } from './disk.js';

/** Files of a link that are kept. */
const MOST_FILES = 20;
const ENDING = '.txt';
/** Our names, also of files that are not whole: a person may put other files there. */
const OURS = /^\d{8}T\d{6}\.\d{3}Z-[A-Za-z]{1,20}\.txt(?:\.new)?$/;

/** Of a file that is listed; its first lines are shorter. */
const HEAD_BYTES = 4_096;

/** A file about a restart. */
export interface RestartFile {
  /** Its path. */
  readonly path: string;
  /** Its first characters. */
  readonly head: string;
}

/** The files of one link. */
export class RestartFiles {
  constructor(
    private readonly folder: string,
    private readonly disk: Disk,
  ) {}

  /**
   * Removes the oldest of those that are too many, and writes a file, whole or not at all.
   * Returns its name. `at`: ms since 1970; `sign`: a word. Rejects if it cannot be written.
   */
  async write(at: number, sign: string, text: string): Promise<string> {
    const name = `${new Date(at).toISOString().replaceAll(/[-:]/g, '')}-${sign}${ENDING}`;
    await this.#makeRoom(name);
    const path = join(this.folder, name);
    try {
      await writeAtomically(this.disk, path, Buffer.from(text));
    } catch (error) {
      await remove(path + FRESH_ENDING);
      throw error;
    }
    return name;
  }

  /** The oldest first. Those that cannot be read are left out. */
  async all(): Promise<RestartFile[]> {
    const files: RestartFile[] = [];
    for (const name of (await this.#names()).filter(isWhole).slice(-MOST_FILES)) {
      const path = join(this.folder, name);
      const head = await beginningOf(path).catch(() => undefined);
      if (head !== undefined) files.push({ path, head });
    }
    return files;
  }

  /** For a file of this name. Before it is written, since the disk may be full. */
  async #makeRoom(name: string): Promise<void> {
    const names = await this.#names();
    const others = names.filter((one) => isWhole(one) && one !== name);
    const tooMany = others.slice(0, Math.max(0, others.length + 1 - MOST_FILES));
    // A gateway that was killed has left those that are not whole.
    const begun = names.filter((one) => !isWhole(one));
    for (const old of [...begun, ...tooMany]) await remove(join(this.folder, old));
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

async function beginningOf(path: string): Promise<string> {
  const file = await open(path);
  try {
    const bytes = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await file.read(bytes, 0, HEAD_BYTES, 0);
    return bytes.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

const isWhole = (name: string): boolean => !name.endsWith(FRESH_ENDING);

/** One that is left is removed the next time. */
const remove = (path: string): Promise<void> => unlink(path).catch(() => undefined);
