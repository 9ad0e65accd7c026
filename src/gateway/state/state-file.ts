/** A small file that is written whole, such as the gateway's identity. */
import type { Log } from '../../point/log.js';
import { reasonOf, writeAtomically, type Disk } from './disk.js';

/** One file. Of several saves during a write only the latest is written. */
export class StateFile {
  #next: { content: object; done: (() => void)[] } | undefined;
  #writing = false;
  #problem: string | undefined;
  /** The text on disk. An equal text is not written again. */
  #written: string | undefined;

  constructor(
    private readonly path: string,
    private readonly disk: Disk,
    private readonly log: Log,
  ) {}

  /** Why the last write failed, with the file's path, for people. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /**
   * Resolves when this content, or a later one, is on disk. Resolves also when it
   * cannot be written: this is logged, and {@link problem} has the reason.
   */
  save(content: object): Promise<void> {
    return new Promise((resolve) => {
      this.#next = { content, done: [...(this.#next?.done ?? []), resolve] };
      if (!this.#writing) void this.#write();
    });
  }

  async #write(): Promise<void> {
    this.#writing = true;
    for (let next = this.#next; next !== undefined; next = this.#next) {
      this.#next = undefined;
      try {
        const text = textOf(next.content);
        if (text !== this.#written) await writeAtomically(this.disk, this.path, Buffer.from(text));
        this.#written = text;
        if (this.#problem !== undefined) sayWritable(this.log, this.path);
        this.#problem = undefined;
      } catch (error) {
        const reason = reasonOf(error);
        if (this.#problem === undefined) sayUnwritable(this.log, this.path, reason);
        this.#problem = `${reason} (${this.path})`;
      }
      for (const done of next.done) done();
    }
    this.#writing = false;
  }
}

/** Logs that a file of `stateDir` cannot be written. */
export function sayUnwritable(log: Log, path: string, reason: string): void {
  log.error(
    { path, reason },
    `state cannot be written to ${path} (${reason}): it would be lost in a restart of the gateway`,
  );
}

/** Logs that it can be written again. */
export function sayWritable(log: Log, path: string): void {
  log.info({ path }, `state can be written again to ${path}`);
}

/** JSON that people can read. */
export const textOf = (content: object): string => `${JSON.stringify(content, undefined, 1)}\n`;
