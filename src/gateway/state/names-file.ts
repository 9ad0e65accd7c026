/**
 * Three things on disk. First, the distinct points that SIOT has of a link's node: the
 * quota (src/session/node/point-quota.ts) counts them after a restart. Second, the kind
 * of value that the device reports of each (src/session/node/reported-kinds.ts). Third,
 * what the device announces of them (src/session/node/point-infos.ts).
 */
import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { KnownNames } from '../../session/node-state.js';
import { codeOf, reasonOf, type Disk } from './disk.js';
import { StateFile } from './state-file.js';

/** New names are collected for this time before a write. A crash loses them. */
const SAVE_AFTER_MS = 1_000;

/** The file of one node. */
export class NamesFile {
  readonly #file: StateFile;
  #timer: Timer | undefined;

  constructor(
    private readonly path: string,
    private readonly disk: Disk,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    this.#file = new StateFile(path, disk, log);
  }

  /** Why the names are not saved, for people. */
  get problem(): string | undefined {
    const { problem } = this.#file;
    return problem === undefined
      ? undefined
      : `the names of points given to SIOT cannot be saved: ${problem}; they would be counted anew after a restart of the gateway`;
  }

  /**
   * Reads the file; blank if there is none. A broken file is logged: the names then come
   * from SIOT, when the node is read.
   */
  async load(): Promise<KnownNames> {
    try {
      const text = Buffer.from(await this.disk.read(this.path)).toString('utf8');
      const { names, kinds, announced } = JSON.parse(text) as Partial<
        Record<keyof KnownNames, unknown>
      >;
      if (typeof names === 'string') {
        const known = typeof kinds === 'string' ? kinds : '';
        return { names, kinds: known, announced: textsOf(announced) };
      }
      throw new Error('it holds something else');
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') {
        this.log.warn(
          { path: this.path, reason: reasonOf(error) },
          'the names of points given to SIOT before cannot be read: they count only once SIOT was read',
        );
      }
      return { names: '', kinds: '', announced: {} };
    }
  }

  /** Saves the result of `record` within a second. */
  changed(record: () => KnownNames): void {
    this.#timer ??= this.clock.setTimer(SAVE_AFTER_MS, () => void this.save(record));
  }

  /** Saves now. */
  async save(record: () => KnownNames): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#file.save(record());
  }
}

/** The texts in a group of texts; an earlier version kept none. */
function textsOf(group: unknown): Readonly<Record<string, string>> {
  if (typeof group !== 'object' || group === null) return {};
  const entries: [string, unknown][] = Object.entries(group);
  return Object.fromEntries(
    entries.flatMap(([name, text]) => (typeof text === 'string' ? [[name, text] as const] : [])),
  );
}
