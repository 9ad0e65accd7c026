import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** The nats-server could not be started. The message is for people. */
export class NatsServerError extends Error {
  override readonly name: string = 'NatsServerError';
}

/** The loopback port for the server is not free. */
export class PortInUseError extends NatsServerError {
  constructor(
    readonly port: number,
    advice = 'end that program, or take another port',
    options?: ErrorOptions,
  ) {
    super(`port ${String(port)} is in use by another program: ${advice}`, options);
  }
}

/** How a {@link NatsServer} is started. */
export interface NatsServerOptions {
  /** Program to start; found on PATH unless it has a slash. */
  readonly program?: string;
  /** Loopback port; a free one unless given. */
  readonly port?: number;
  /** More arguments of nats-server, such as `--auth TOKEN` or `-c FILE`. */
  readonly args?: readonly string[];
}

// The server has to end when the process that started it ends, even if that is killed. So
// a watcher waits for the end of a pipe that only the starting process holds open. After
// `exec` the server has the process ID of the shell.
const WATCHED = 'exec 3<&0; (cat <&3 >/dev/null; kill $$) 2>/dev/null & exec "$0" "$@" 3<&-';

const STARTED_WITHIN_MS = 10_000;

/** A private nats-server on a loopback port: for `nats.embedded`, the demo and the tests. */
export class NatsServer {
  /** Such as `nats://127.0.0.1:40123`. */
  readonly url: string;
  /** Resolves when the server has ended, for any reason. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;

  private constructor(
    child: ChildProcess,
    ended: Promise<void>,
    readonly port: number,
  ) {
    this.#child = child;
    this.ended = ended;
    this.url = `nats://127.0.0.1:${String(port)}`;
  }

  /** Resolves when the server accepts connections, within 10 s. Rejects with a {@link NatsServerError}. */
  static start(options: NatsServerOptions = {}): Promise<NatsServer> {
    const program = options.program ?? 'nats-server';
    const args = ['-a', '127.0.0.1', '-p', String(options.port ?? -1), ...(options.args ?? [])];
    const child = spawn('/bin/sh', ['-c', WATCHED, program, ...args], {
      stdio: ['pipe', 'ignore', 'pipe'],
      // A process group of its own: Ctrl-C on the terminal is for the program that started it.
      detached: true,
    });
    const ended = new Promise<void>((resolve) => {
      child.once('error', () => resolve());
      child.once('exit', () => {
        child.stdin.destroy();
        resolve();
      });
    });
    child.stdin.on('error', () => undefined);

    return new Promise((resolve, reject) => {
      let said = '';
      let port = 0;
      const fail = (why: string): void => {
        clearTimeout(timer);
        child.stdin.destroy();
        const inUse = options.port !== undefined && said.includes('address already in use');
        reject(
          inUse
            ? new PortInUseError(options.port)
            : new NatsServerError(`${program} did not start: ${why}`),
        );
      };
      const timer = setTimeout(
        () => fail(`no answer within 10 s${said && `; it said: ${said}`}`),
        STARTED_WITHIN_MS,
      );
      void ended.then(() => fail(said === '' ? 'it ended at once' : `it said: ${said}`));
      createInterface({ input: child.stderr }).on('line', (line) => {
        port ||= Number(/Listening for client connections on \S*:(\d+)/.exec(line)?.[1] ?? 0);
        if (/\[(ERR|FTL)\]|not found|denied|No such/.test(line)) said = line;
        if (port !== 0 && line.includes('Server is ready')) {
          clearTimeout(timer);
          resolve(new NatsServer(child, ended, port));
        }
      });
    });
  }

  /** Sends the signal, and resolves when the server has ended. Idempotent. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    await this.ended;
  }

  /** For tests: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}
