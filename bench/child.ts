import { fork, spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Reply } from './roles/serve.js';
import { parseStat, treeOf, usageOfTree, type ProcessStat, type Usage } from './usage.js';

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
export const builtFile = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** A process that the bench has started. */
abstract class Started {
  protected said = '';
  protected readonly ended: Promise<string>;
  #stopping = false;

  constructor(protected readonly process: ChildProcess) {
    process.stderr?.on('data', (text: Buffer) => {
      this.said = (this.said + text.toString('utf8')).slice(-2_000);
    });
    this.ended = new Promise((resolve) => {
      process.once('error', (error) => resolve(error.message));
      process.once('exit', (code, signal) => resolve(String(code ?? signal)));
    });
  }

  /** What it has used so far. */
  abstract usage(): Promise<Usage>;

  /** All processes of it. */
  abstract pids(): number[];

  protected abstract kill(signal: NodeJS.Signals): void;

  /** Ends it as a service manager would, and waits. Idempotent. */
  async stop(): Promise<void> {
    if (!this.#stopping) {
      this.#stopping = true;
      if (this.process.exitCode === null) this.kill('SIGTERM');
    }
    const late = setTimeout(() => this.kill('SIGKILL'), END_WITHIN_MS);
    await this.ended;
    clearTimeout(late);
  }
}

/** What can stand between devices and NATS. */
export type Subject = Pick<Started, 'usage' | 'pids' | 'stop'>;

/** A process of the bench that can be asked for things. It ends with this one. */
export class Child extends Started {
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #lastId = 0;

  /** `program`: a path relative to the built bench, or a URL. */
  constructor(
    private readonly program: string,
    { args = [], preload, profile }: ChildOptions = {},
  ) {
    const execArgv =
      preload === undefined ? [] : ['--import', new URL(preload, import.meta.url).href];
    if (profile !== undefined) execArgv.push('--cpu-prof', '--cpu-prof-dir', profile);
    const stdio = ['ignore', 'ignore', 'pipe', 'ipc'] as const;
    super(fork(builtFile(program), args, { execArgv, stdio: [...stdio] }));
    this.process.on('message', (reply: Reply) => {
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
    void this.ended.then((status) => {
      const why = `${program} ended (${status}) ${this.said}`;
      for (const [id, answer] of this.#waiting) answer({ id, error: why });
      this.#waiting.clear();
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
      this.process.send({ id, verb, args }, (error) => {
        if (error !== null) {
          this.#waiting.get(id)?.({ id, error: `${this.program} has ended. ${this.said}` });
          this.#waiting.delete(id);
        }
      });
    });
    if (reply.error !== undefined) throw new BenchError(reply.error);
    return reply.result as T;
  }

  usage(): Promise<Usage> {
    return this.ask('usage');
  }

  pids(): number[] {
    return [this.process.pid ?? 0];
  }

  protected kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }
}

/** A program that knows nothing of the bench. It ends with this one, with all that it has started. */
export class Program extends Started {
  readonly #onExit = (): void => this.kill('SIGKILL');

  /** `file` and `args`: as for `spawn`. `env`: more of the environment. */
  constructor(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    super(
      spawn(file, args, {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'ignore', 'pipe'],
        // A process group of its own, so that all of it can be ended.
        detached: true,
      }),
    );
    process.once('exit', this.#onExit);
    void this.ended.then(() => process.off('exit', this.#onExit));
  }

  /** Rejects with a {@link BenchError} when it has ended. */
  async usage(): Promise<Usage> {
    if (this.process.exitCode !== null || this.process.pid === undefined) {
      const command = this.process.spawnargs.join(' ');
      throw new BenchError(`${command} ended (${await this.ended}) ${this.said}`);
    }
    return usageOfTree(this.process.pid, allProcesses());
  }

  pids(): number[] {
    return treeOf(this.process.pid ?? 0, allProcesses());
  }

  protected kill(signal: NodeJS.Signals): void {
    if (this.process.pid === undefined) return;
    try {
      process.kill(-this.process.pid, signal);
    } catch {
      // All of it has ended.
    }
  }
}

function allProcesses(): Map<number, ProcessStat> {
  const processes = new Map<number, ProcessStat>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      processes.set(Number(name), parseStat(readFileSync(`/proc/${name}/stat`, 'utf8')));
    } catch {
      // It has ended meanwhile.
    }
  }
  return processes;
}

/** One run of Node from its start to its end. */
export interface Run {
  readonly ms: number;
  readonly peakRssBytes: number;
}

const RUN_WITHIN_MS = 60_000;

/**
 * Runs Node with these arguments to its end. With `measureMemory` a small script is loaded
 * before, which takes time: then `ms` means less. Rejects with a {@link BenchError}.
 */
export function runNode(args: readonly string[], measureMemory: boolean): Promise<Run> {
  const preload = measureMemory ? ['--import', new URL('roles/peak.js', import.meta.url).href] : [];
  const startMs = performance.now();
  const child = spawn(process.execPath, [...preload, ...args], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    timeout: RUN_WITHIN_MS,
  });
  let told = '';
  child.stdio[3]?.on('data', (text: Buffer) => (told += text.toString('utf8')));
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new BenchError(error.message)));
    let ms = 0;
    child.once('exit', () => (ms = performance.now() - startMs));
    child.once('close', (code) => {
      if (code === 0) resolve({ ms, peakRssBytes: Number(told) });
      else reject(new BenchError(`node ${args.join(' ')} ended (${String(code)})`));
    });
  });
}
