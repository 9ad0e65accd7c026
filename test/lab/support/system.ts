/** The guest's own programs and kernel, for set-up and as independent peers. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Runs a program of the system; its output. What it complained of is in the error. */
export function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status === 0) return stdout;
  throw new Error(
    `${program} ${args.join(' ')} (exit status ${status ?? 'none'}): ${stderr}${stdout}`,
  );
}

/** Runs the commands of `ip`, in one process: each would cost time where the processor is emulated. */
export function ip(...commands: readonly string[]): void {
  execFileSync('ip', ['-batch', '-'], {
    input: commands.join('\n'),
    stdio: ['pipe', 'ignore', 'pipe'],
  });
}

/** Loads kernel modules; those that are there already stay as they are. */
export function loadModules(...names: readonly string[]): void {
  run('modprobe', '--all', ...names);
}

/** A program of the system that runs beside the test, such as `candump`. */
export class Peer {
  stdout = '';
  stderr = '';
  /** Exit status; null after a signal. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #running = true;

  constructor(program: string, ...args: readonly string[]) {
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#look();
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (status) => {
        this.#running = false;
        this.#look();
        resolve(status);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits until all output so far matches; rejects if the program ends without. */
  said(pattern: RegExp): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this.stdout);
        if (match === null && this.#running) return;
        this.#waiting.delete(look);
        if (match !== null) resolve(match);
        else {
          const all = `${this.stdout}${this.stderr}`;
          reject(new Error(`ended without ${String(pattern)}; it said: ${all}`));
        }
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** To its standard input; without a text it ends. */
  write(text?: string): void {
    if (text === undefined) this.#child.stdin?.end();
    else this.#child.stdin?.write(text);
  }

  async stop(): Promise<void> {
    if (!this.#running) return;
    this.#child.kill('SIGTERM');
    await once(this.#child, 'close');
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }
}
