/** The last log lines of a device, on disk: what one wants to read after a restart of the gateway. */
import { z } from 'zod';
import type { Log } from '../../point/log.js';
import { LOG_LEVELS } from '../../session/node/log-level.js';
import type { LogLine } from '../../session/node/log-ring.js';
import { codeOf, reasonOf, type Disk } from './disk.js';
import { StateFile } from './state-file.js';

const content = z.object({
  lines: z.array(
    z.object({
      time: z.string().regex(/^\d{1,19}$/),
      level: z.enum(LOG_LEVELS).nullable(),
      text: z.string(),
    }),
  ),
});

/** The file of one node. */
export class LogFile {
  readonly #file: StateFile;

  constructor(
    private readonly path: string,
    private readonly disk: Disk,
    private readonly log: Log,
  ) {
    this.#file = new StateFile(path, disk, log);
  }

  /** None if there is no file, or if it cannot be read, which is logged. */
  async load(): Promise<LogLine[]> {
    try {
      const bytes = await this.disk.read(this.path);
      const { lines } = content.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
      return lines.map(({ time, level, text }) => ({
        ns: BigInt(time),
        level: level ?? undefined,
        text,
      }));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      const reason = codeOf(error) === undefined ? 'it is broken' : reasonOf(error);
      this.log.warn(
        { path: this.path, reason },
        'log lines of a device that were kept cannot be read: only new ones are shown',
      );
      return [];
    }
  }

  /** False: it cannot be written, which is logged. */
  async save(lines: readonly LogLine[]): Promise<boolean> {
    await this.#file.save({
      lines: lines.map(({ ns, level = null, text }) => ({ time: String(ns), level, text })),
    });
    return this.#file.problem === undefined;
  }
}
