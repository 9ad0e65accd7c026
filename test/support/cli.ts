import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { onTestFinished } from 'vitest';

let main = resolve('dist/src/cli/main.js');

/** What is started from now on, where it is no other program: the same in another form. */
export function useMain(path: string): void {
  main = resolve(path);
}

export interface CliOptions {
  /** Another built program than `siot-mcu`. */
  readonly program?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Only for root: runs as this user. */
  readonly uid?: number;
  /** The same, of this group and no other. */
  readonly gid?: number;
  /** What it reads; otherwise nothing. */
  readonly stdin?: string;
}

/** The built `siot-mcu` as a child process, which is gone when the test has finished. */
export class Cli {
  stdout = '';
  stderr = '';
  /** Exit status; null after a signal. */
  readonly ended: Promise<number | null>;
  readonly child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #running = true;

  constructor(
    args: readonly string[],
    { program = main, cwd, env, uid, gid, stdin }: CliOptions = {},
  ) {
    if (!existsSync(program)) throw new Error('build first: npm run build');
    this.child = spawn(process.execPath, [program, ...args], {
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    });
    this.child.stdin?.end(stdin);
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#look();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#look();
    });
    this.ended = new Promise((done) => {
      this.child.once('close', (status) => {
        this.#running = false;
        this.#look();
        done(status);
      });
    });
    onTestFinished(async () => {
      this.child.kill('SIGKILL');
      await this.ended;
    });
  }

  /** Waits until all output so far matches; rejects if the program ends without. */
  said(pattern: RegExp, stream: 'stdout' | 'stderr' = 'stderr'): Promise<RegExpMatchArray> {
    return new Promise((done, fail) => {
      const look = (): void => {
        const match = pattern.exec(this[stream]);
        if (match === null && this.#running) return;
        this.#waiting.delete(look);
        if (match !== null) done(match);
        else
          fail(
            new Error(`ended without ${String(pattern)}; it said: ${this.stdout}${this.stderr}`),
          );
      };
      this.#waiting.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }
}

/** Runs `siot-mcu` to its end. */
export async function runCli(
  args: readonly string[],
  options?: CliOptions,
): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }> {
  const cli = new Cli(args, options);
  const status = await cli.ended;
  return { status, stdout: cli.stdout, stderr: cli.stderr };
}
