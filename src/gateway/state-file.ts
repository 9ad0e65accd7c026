/** A small file that is written whole, such as the gateway's identity. */
import type { Log } from '../point/log.js';
import { reasonOf, writeAtomically, type Disk } from './disk.js';

/** One file; of several savings at once only the latest is written. */
export class StateFile {
  #next: { content: object; done: (() => void)[] } | undefined;
  #writing = false;
  #failed = false;
  /** On disk now, so that the same is not written again. */
  #written: string | undefined;

  constructor(
    private readonly path: string,
    private readonly disk: Disk,
    private readonly log: Log,
  ) {}

  /**
   * Resolves when this content, or a later one, is on disk; also when it cannot
   * be written, which is logged: the gateway goes on without.
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
        if (this.#failed) this.log.info({ path: this.path }, 'state can be written again');
        this.#failed = false;
      } catch (error) {
        if (!this.#failed) {
          this.log.error(
            { path: this.path, reason: reasonOf(error) },
            'state cannot be written: it would be lost in a restart of the gateway',
          );
        }
        this.#failed = true;
      }
      for (const done of next.done) done();
    }
    this.#writing = false;
  }
}

/** JSON that people can read. */
export const textOf = (content: object): string => `${JSON.stringify(content, undefined, 1)}\n`;
