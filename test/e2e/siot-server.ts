/**
 * SIOT's server for the end-to-end tests: the stand-in of test/siot-store on a
 * nats-server of its own, or the real program that SIOT_BIN names.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NatsServer } from '../../src/siot/connection/nats-server.js';
import { SiotStore } from '../siot-store/siot-store.js';
import type { Generation } from './points.js';
import { NatsClient } from './nats-client.js';
import { until } from '../support/until.js';

export const VERSIONS = ['0.18.5', '0.22.0', '0.25.0'] as const;
export type Version = (typeof VERSIONS)[number];

export const generationOf = (version: Version): Generation => (version === '0.18.5' ? 1 : 2);

/** The real program, if one was named. */
const BIN = process.env['SIOT_BIN'] ?? '';
const BIN_VERSION = BIN === '' ? '' : versionOf(BIN);

/** Why the cases of a version do not run; `undefined`: they do. */
export function whyNot(version: Version): string | undefined {
  if (BIN === '' || BIN_VERSION === version) return undefined;
  return `SIOT_BIN is version ${BIN_VERSION}`;
}

export const isReal = BIN !== '';

export interface SiotServer {
  readonly url: string;
  /** That NATS asks for. */
  readonly token: string;
  /** Where its own page is served; the stand-in has none. */
  readonly page?: string;
  /** SIOT dies at once, and with it a NATS that is its own; the data stays. */
  kill(): Promise<void>;
  /** Starts again on the same port, with the same data. */
  restart(): Promise<void>;
  /** Ends it, and the data. */
  stop(): Promise<void>;
}

/** A nats-server that is there already; SIOT brings its own otherwise. */
export interface SiotPlace {
  readonly nats: NatsServer;
  readonly token: string;
}

/** nats-server's arguments for a {@link SiotPlace}: a store of 0.23 and later keeps its points in it. */
export const natsArguments = (token: string, folder: string): readonly string[] => [
  '--auth',
  token,
  '-js',
  '-sd',
  folder,
];

export async function startSiot(version: Version, place?: SiotPlace): Promise<SiotServer> {
  const server = isReal ? new RealSiot(await freePorts(3), place) : new StandIn(version, place);
  await server.restart();
  return server;
}

class StandIn implements SiotServer {
  readonly token: string;
  #nats: NatsServer | undefined;
  #store: SiotStore | undefined;

  constructor(
    private readonly version: Version,
    private readonly place: SiotPlace | undefined,
  ) {
    this.token = place?.token ?? newToken();
    this.#nats = place?.nats;
  }

  get url(): string {
    return this.#nats?.url ?? '';
  }

  async kill(): Promise<void> {
    await this.#store?.leave();
    if (this.place === undefined) await this.#nats?.stop('SIGKILL');
  }

  async restart(): Promise<void> {
    const { token, version } = this;
    if (this.place === undefined) {
      const port = this.#nats === undefined ? {} : { port: this.#nats.port };
      this.#nats = await NatsServer.start({ ...port, args: ['--auth', token] });
    }
    // What is stored stays in memory: the stand-in outlives the server that it plays.
    this.#store ??= await SiotStore.start({ nats: this.url, token, version });
    // It may still be looking for its nats-server.
    await this.#store.comeBack().catch(() => undefined);
    await until(() => answers(this.url, token), 'the stand-in to answer nodes.root.all');
  }

  async stop(): Promise<void> {
    await this.#store?.stop();
    if (this.place === undefined) await this.#nats?.stop();
  }
}

class RealSiot implements SiotServer {
  readonly url: string;
  readonly token: string;
  readonly page: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'siot-mcu-siot-'));
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly ports: readonly number[],
    private readonly place: SiotPlace | undefined,
  ) {
    this.url = place?.nats.url ?? `nats://127.0.0.1:${String(ports[0])}`;
    this.token = place?.token ?? newToken();
    this.page = `http://127.0.0.1:${String(ports[1])}/`;
  }

  async restart(): Promise<void> {
    const [nats, http, monitoring] = this.ports.map(String);
    const child = spawn(BIN, ['serve', ...(this.place ? ['-natsDisableServer'] : [])], {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: this.#folder,
        SIOT_DATA: this.#folder,
        SIOT_NATS_SERVER: this.url,
        SIOT_NATS_PORT: nats,
        SIOT_HTTP_PORT: http,
        SIOT_NATS_HTTP_PORT: monitoring,
        SIOT_NATS_WS_PORT: '0',
        // It listens on all interfaces and cannot be told otherwise.
        SIOT_AUTH_TOKEN: this.token,
      },
    });
    const log = createWriteStream(join(this.#folder, 'log'), { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    let ended = false;
    this.#child = child;
    this.#ended = new Promise<void>((resolve) => {
      child.once('close', () => {
        ended = true;
        log.end(resolve);
      });
    });
    await until(
      () => {
        if (ended) throw new Error(`${BIN} has ended by itself`);
        return answers(this.url, this.token);
      },
      `${BIN} to answer nodes.root.all`,
      20_000,
    );
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  async stop(): Promise<void> {
    // Two of the three versions end with 1 on SIGTERM; that is theirs.
    this.#child?.kill('SIGTERM');
    const hard = setTimeout(() => this.#child?.kill('SIGKILL'), 5_000);
    await this.#ended;
    clearTimeout(hard);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const newToken = (): string => randomBytes(12).toString('hex');

async function answers(url: string, token: string): Promise<boolean> {
  let client: NatsClient;
  try {
    client = await NatsClient.connect(url, token);
  } catch {
    return false;
  }
  try {
    return (await client.request('nodes.root.all')).length > 0;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}

function versionOf(program: string): string {
  const said = execFileSync(program, ['-version'], { encoding: 'utf8', timeout: 10_000 });
  return /\d+\.\d+\.\d+/.exec(said)?.[0] ?? said.trim();
}

/** SIOT takes no port 0: these are free now, and taken a moment later. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => {
            const at = server.address();
            resolve(typeof at === 'object' && at !== null ? at.port : 0);
          });
        }),
    ),
  );
  await Promise.all(
    servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
  );
  return ports;
}
