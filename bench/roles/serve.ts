/** The child's end of {@link Child}: answers what the bench asks, and ends with it. */
import { memoryAndDiskOf, type Usage } from '../usage.js';

/** A request of the bench. */
interface Ask {
  readonly id: number;
  readonly verb: string;
  readonly args: unknown;
}

/** The answer to the request with this `id`. */
export interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** What a role can be asked for. Arguments and results are JSON. */
type Handlers = Readonly<Record<string, (args: never) => unknown>>;

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1000, ...memoryAndDiskOf('self') };
}

/** Answers requests by `handlers`, and ends with the bench. */
export function serve(handlers: Handlers): void {
  const all: Handlers = { usage, ...handlers };
  process.on('message', (ask: Ask) => {
    const handler = all[ask.verb];
    void Promise.resolve()
      .then(() => handler?.(ask.args as never))
      .then(
        (result): Reply => ({ id: ask.id, result }),
        (error: unknown): Reply => ({ id: ask.id, error: String(error) }),
      )
      .then((reply) => process.send?.(reply));
  });
  // Nothing is left running, however the bench ends.
  process.on('disconnect', () => process.exit(0));
}

/** µs since an arbitrary start, the same for all processes of the computer. */
export const nowUs = (): number => Number(process.hrtime.bigint()) / 1000;

/** Resolves after this time. */
export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));
