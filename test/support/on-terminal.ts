import { resolve } from 'node:path';
import { spawn, type IPty } from '@lydell/node-pty';
import { onTestFinished } from 'vitest';

interface TerminalOptions {
  readonly rows: number;
  readonly cols: number;
  /** `TERM`. */
  readonly term: string;
  /** A shell script that runs the program as `"$@"`; otherwise it runs alone. */
  readonly script?: string;
}

/** The built `siot-mcu` on a terminal of its own, which is gone when the test has finished. */
export class OnTerminal {
  output = '';
  /** Exit status. */
  readonly ended: Promise<number>;
  readonly #pty: IPty;

  constructor(args: readonly string[], { rows, cols, term, script }: TerminalOptions) {
    const env = { ...process.env, TERM: term };
    const program = [process.execPath, resolve('dist/src/cli/main.js'), ...args];
    const [file = '', ...rest] =
      script === undefined ? program : ['/bin/sh', '-c', script, 'sh', ...program];
    this.#pty = spawn(file, rest, { rows, cols, env });
    this.#pty.onData((text) => (this.output += text));
    let isRunning = true;
    this.ended = new Promise((done) => {
      this.#pty.onExit(({ exitCode }) => {
        isRunning = false;
        done(exitCode);
      });
    });
    onTestFinished(async () => {
      if (isRunning) this.#pty.kill('SIGKILL');
      await this.ended;
    });
  }

  resize(cols: number, rows: number): void {
    this.#pty.resize(cols, rows);
  }

  type(text: string): void {
    this.#pty.write(text);
  }

  signal(name: string): void {
    this.#pty.kill(name);
  }
}
