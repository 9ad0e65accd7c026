/** The names of the files of one recording. */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import { codeOf, reasonOf } from '../../gateway/state/disk.js';
import { CliError, EXIT_WRONG } from '../errors.js';

/** `NAME.wav`, then `NAME-2.wav` and so on; files that may not be replaced are left as they are. */
export class OutputFiles {
  #number = 0;

  constructor(
    private readonly output: string,
    private readonly mayReplace: boolean,
  ) {}

  /**
   * Refuses a first file that has something in it, and one that cannot be made: nobody
   * should wait for samples to hear it. Throws a {@link CliError}.
   */
  check(): void {
    const { output } = this;
    const found = this.#tried(() => statOf(output));
    if (found?.isDirectory() === true) {
      throw new CliError(`${output} is a folder: give the name of a file`, EXIT_WRONG);
    }
    if (!this.mayReplace && !isFree(output)) {
      throw new CliError(`${output} is there already: give another name, or --force`, EXIT_WRONG);
    }
    this.#tried(() => {
      if (found !== undefined) accessSync(output, constants.W_OK);
      // With the point, what is no folder is told as that.
      else accessSync(`${dirname(output)}/.`, constants.W_OK | constants.X_OK);
    });
  }

  /** The name of the next file. Numbers that are taken are left out. */
  next(): string {
    const { output } = this;
    const stem = output.slice(0, output.length - extname(output).length);
    for (;;) {
      this.#number += 1;
      if (this.#number === 1) return output;
      const path = `${stem}-${this.#number}${extname(output)}`;
      if (this.mayReplace || isFree(path)) return path;
    }
  }

  #tried<T>(what: () => T): T {
    try {
      return what();
    } catch (cause) {
      const { output } = this;
      const advice =
        codeOf(cause) === 'ENOENT'
          ? `make the folder ${dirname(output)}, or give another`
          : 'give a file in another folder';
      const text = `${output} cannot be written: ${reasonOf(cause)}; ${advice}`;
      throw new CliError(text, EXIT_WRONG, { cause });
    }
  }
}

const statOf = (path: string): ReturnType<typeof statSync> =>
  statSync(path, { throwIfNoEntry: false });

/** Whether nothing is lost if a file of this name is written. */
function isFree(path: string): boolean {
  const found = statOf(path);
  return found === undefined || (!found.isDirectory() && found.size === 0);
}
