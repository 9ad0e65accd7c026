import type { Log } from '../point/log.js';

/** Logs once what is wrong with the outbox's folder, and when it works again. */
export class FolderReport {
  #isTold = false;

  constructor(
    private readonly log: Log,
    private readonly path: string,
    private readonly reasonOf: (error: unknown) => string,
  ) {}

  failed(error: unknown): void {
    this.#cannotBeWritten(this.reasonOf(error));
  }

  deleted(files: number): void {
    this.#isTold = true;
    this.log.error(
      { path: this.path, files },
      `somebody has deleted ${String(files)} file(s) of the outbox in ${this.path} while the gateway ` +
        'runs: what waits in them is written once more, and until then devices are acknowledged only ' +
        'when their points are delivered; stop the gateway first where stateDir is to be deleted or moved',
    );
  }

  hangs(): void {
    this.#cannotBeWritten('the disk does not answer');
  }

  /** A write has succeeded. */
  isWell(): void {
    if (!this.#isTold) return;
    this.#isTold = false;
    this.log.info({ path: this.path }, 'the outbox can be written again');
  }

  /** Points are lost. `error`: `undefined` if their bytes could be read, but are damaged. */
  lost(nodeId: string, count: number, error: unknown): void {
    const why = error === undefined ? 'they are damaged' : this.reasonOf(error);
    this.log.error(
      { nodeId, lost: count, path: this.path },
      `${count} point(s) in the outbox cannot be read (${why}) and are lost: check the disk`,
    );
  }

  #cannotBeWritten(reason: string): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.log.error(
      { path: this.path, reason },
      `the outbox cannot be written (${reason}): devices are acknowledged only when ` +
        'their points are delivered, until there is room on a disk that can be written',
    );
  }
}
