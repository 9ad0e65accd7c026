/** `siot-mcu run` as a process of its own, to be killed. It ends with this one, whatever ends it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

// Found from the sources and from dist/ alike.
const ROOT = dirname(createRequire(import.meta.url).resolve('#package.json'));
const PROGRAM = join(ROOT, 'dist', 'src', 'cli', 'main.js');

// A watcher waits for the end of a pipe that only this process holds. After
// `exec` the shell's process ID is the gateway's.
const WATCHED =
  'exec 3<&0; (cat <&3 >/dev/null; kill -KILL $$) 2>/dev/null & exec "$0" "$@" 3<&- </dev/null';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class GatewayProcess {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;

  constructor(configFile: string, heard: (line: string) => void) {
    const args = [
      '-c',
      WATCHED,
      process.execPath,
      PROGRAM,
      'run',
      '-c',
      configFile,
      '--log-format',
      'json',
    ];
    const child = spawn('/bin/sh', args, {
      stdio: ['pipe', 'ignore', 'pipe'],
      // A Ctrl-C on the terminal is for the soak.
      detached: true,
    });
    this.#child = child;
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stderr }).on('line', heard);
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        child.stdin.destroy();
        resolve({ code, signal });
      });
    });
  }

  async stop(signal: NodeJS.Signals): Promise<Ended> {
    this.#child.kill(signal);
    return this.ended;
  }

  /** What it holds now; `undefined`: it has ended. */
  usage(): { readonly rssMb: number; readonly files: number } | undefined {
    const folder = `/proc/${String(this.#child.pid)}`;
    try {
      const [, kilobytes] =
        /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`${folder}/status`, 'utf8')) ?? [];
      return { rssMb: Number(kilobytes) / 1024, files: readdirSync(`${folder}/fd`).length };
    } catch {
      return undefined;
    }
  }
}
