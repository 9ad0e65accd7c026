/**
 * The private nats-server of `nats.embedded`: restarted when it ends by itself.
 *
 * Any user of the machine can connect to loopback, so the server requires a token.
 * The token is new at each start: another program that listened on the port in
 * between, and was sent the old one, cannot use it. The server gets the token in a
 * file, since `ps` shows arguments to all users.
 */
import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../point/clock.js';
import type { Log } from '../point/log.js';
import type { NatsSettings } from '../siot/connection/nats-settings.js';
import { NatsServer, PortInUseError } from '../siot/connection/nats-server.js';
import type { RuntimeDir } from './state/runtime-dir.js';

const RESTART_MS = 1_000;
const TOKEN_BYTES = 24;

/** What the private server needs. */
interface EmbeddedNatsOptions {
  /** Where the other commands find address and token. */
  readonly runtime: RuntimeDir;
  /** On loopback; any that is free unless given. */
  readonly port: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

interface Running {
  readonly server: NatsServer;
  readonly token: string;
}

/** A private server that runs, until {@link stop}. */
export class EmbeddedNats {
  #running: Running;
  #stopping = false;
  #timer: Timer | undefined;
  #restarting: Promise<void> = Promise.resolve();
  #said = '';

  private constructor(
    running: Running,
    private readonly options: EmbeddedNatsOptions,
  ) {
    this.#running = running;
    this.#watch();
  }

  /** Throws a `NatsServerError` or a `StateError`, both for people. */
  static async start(options: EmbeddedNatsOptions): Promise<EmbeddedNats> {
    const running = await launch(options.runtime, options.port);
    options.log.info({ url: running.server.url }, 'private nats-server is running');
    return new EmbeddedNats(running, options);
  }

  get url(): string {
    return this.#running.server.url;
  }

  get port(): number {
    return this.#running.server.port;
  }

  /** How to connect to it now; the token differs after each of its starts, and the port may. */
  settings(): NatsSettings {
    return { servers: [this.url], auth: { kind: 'private', token: this.#running.token } };
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#timer?.cancel();
    await this.#restarting;
    await this.#running.server.stop();
  }

  #watch(): void {
    void this.#running.server.ended.then(() => {
      if (this.#stopping) return;
      this.options.log.error({}, 'the private nats-server has ended; starting it again');
      this.#restartLater();
    });
  }

  #restartLater(): void {
    this.#timer = this.options.clock.setTimer(RESTART_MS, () => {
      this.#restarting = this.#restart();
    });
  }

  async #restart(): Promise<void> {
    const { runtime, port, log } = this.options;
    try {
      // On the same port where it is free: other clients reconnect to it.
      this.#running = await launch(runtime, this.port).catch((error: unknown) => {
        if (!(error instanceof PortInUseError) || port !== undefined) throw error;
        return launch(runtime, undefined);
      });
      log.info({ url: this.url }, 'private nats-server is running again');
      this.#said = '';
      this.#watch();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== this.#said) log.error({ reason }, 'it did not start; trying again');
      this.#said = reason;
      if (!this.#stopping) this.#restartLater();
    }
  }
}

async function launch(runtime: RuntimeDir, port: number | undefined): Promise<Running> {
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  const configuration = `authorization { token: "${token}" }\n`;
  const server = await runtime.withPrivateFile('nats-server.conf', configuration, (file) =>
    startOn(port, file),
  );
  try {
    await runtime.saveNats({ url: server.url, token });
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { server, token };
}

async function startOn(port: number | undefined, file: string): Promise<NatsServer> {
  try {
    return await NatsServer.start({ ...(port === undefined ? {} : { port }), args: ['-c', file] });
  } catch (error) {
    if (!(error instanceof PortInUseError)) throw error;
    throw new PortInUseError(error.port, EMBEDDED_ADVICE, { cause: error });
  }
}

const EMBEDDED_ADVICE =
  'end that program, or give nats.embedded another port; a nats-server that runs there ' +
  'already can be named in nats.servers instead';
