import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Reply, Usage } from './roles/serve.js';

/** The bench cannot go on. For people. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}

/** How a process of the bench is started. */
interface ChildOptions {
  readonly args?: readonly string[];
  /** Loaded before the program. */
  readonly preload?: string;
  /** Folder for a CPU profile of this process. */
  readonly profile?: string | undefined;
}

const ANSWER_WITHIN_MS = 60_000;
const END_WITHIN_MS = 6_000;

/** URL of a file below `dist` of a built checkout. */
export const builtIn = (checkout: string, path: string): string =>
  pathToFileURL(join(checkout, 'dist', path)).href;

/** Path of a file of the built bench; `path` is relative to it, or a URL. */
const builtFile = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** A process of the bench that can be asked for things. It ends with this one. */
export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #ended: Promise<void>;
  #lastId = 0;
  #said = '';
  #stopping = false;

  /** `program`: a path relative to the built bench, or a URL. */
  constructor(
    private readonly program: string,
    { args = [], preload, profile }: ChildOptions = {},
  ) {
    const execArgv =
      preload === undefined ? [] : ['--import', new URL(preload, import.meta.url).href];
    if (profile !== undefined) execArgv.push('--cpu-prof', '--cpu-prof-dir', profile);
    const stdio = ['ignore', 'ignore', 'pipe', 'ipc'] as const;
    this.#process = fork(builtFile(program), args, { execArgv, stdio: [...stdio] });
    this.#process.stderr?.on('data', (text: Buffer) => {
      this.#said = (this.#said + text.toString('utf8')).slice(-2_000);
    });
    this.#process.on('message', (reply: Reply) => {
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
    this.#ended = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => {
        const why = `${program} ended (${String(code ?? signal)}) ${this.#said}`;
        for (const [id, answer] of this.#waiting) answer({ id, error: why });
        this.#waiting.clear();
        resolve();
      });
    });
  }

  /** The answer of the role's handler `verb`. Rejects with a {@link BenchError}. */
  async ask<T>(verb: string, args: object = {}): Promise<T> {
    const id = ++this.#lastId;
    const reply = await new Promise<Reply>((resolve) => {
      const timer = setTimeout(
        () => resolve({ id, error: `${this.program} does not answer ${verb}` }),
        ANSWER_WITHIN_MS,
      );
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.#process.send({ id, verb, args }, (error) => {
        if (error !== null) {
          this.#waiting.get(id)?.({ id, error: `${this.program} has ended. ${this.#said}` });
          this.#waiting.delete(id);
        }
      });
    });
    if (reply.error !== undefined) throw new BenchError(reply.error);
    return reply.result as T;
  }

  /** CPU and memory of the process so far. */
  usage(): Promise<Usage> {
    return this.ask('usage');
  }

  /** Ends it as a service manager would, and waits. Idempotent. */
  async stop(): Promise<void> {
    if (!this.#stopping) {
      this.#stopping = true;
      if (this.#process.exitCode === null) this.#process.kill('SIGTERM');
    }
    const late = setTimeout(() => this.#process.kill('SIGKILL'), END_WITHIN_MS);
    await this.#ended;
    clearTimeout(late);
  }
}
