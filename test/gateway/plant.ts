/** A whole gateway with real parts around it: nats-server, a stand-in for SIOT, devices on PTYs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { PtyPipe, SimulatedMcu, machineClock, type McuOptions } from '../../firmware-sim/index.js';
import { configSchema } from '../../src/gateway/config/schema.js';
import { nodeIdOf, resolveConfig, type GatewayConfig } from '../../src/gateway/config/config.js';
import { Gateway } from '../../src/gateway/gateway.js';
import type { SetReply } from '../../src/gateway/control/control.js';
import { verbSubject } from '../../src/gateway/control/nats/protocol.js';
import type { VerbName } from '../../src/gateway/control/verbs/verbs.js';
import { SystemClock, type Clock } from '../../src/point/clock.js';
import type { NatsOfFile } from '../support/nats.js';
import { SLOWNESS } from '../support/slowness.js';
import { SiotStore } from '../siot-store/siot-store.js';
import type { Version } from '../siot-store/dialect.js';
import type { LinkStatus } from '../../src/gateway/link/status.js';
import { recordingLog, type Said } from '../support/recording-log.js';
import { until } from '../support/until.js';

export interface Device {
  readonly mcu: SimulatedMcu;
  readonly pipe: PtyPipe;
  readonly transport: object;
  /** How often somebody has opened its port. */
  readonly openings: () => number;
  report(type: string, value: number, key?: string): Promise<void>;
}

export async function openDevice(
  options: Partial<McuOptions> = {},
  linkPath?: string,
): Promise<Device> {
  const pipe = await PtyPipe.open(linkPath === undefined ? {} : { linkPath });
  let openings = 0;
  pipe.onPeer = (present) => {
    if (present) openings += 1;
  };
  const mcu = new SimulatedMcu(pipe, { clock: machineClock, protocol: 'compact', ...options });
  onTestFinished(() => mcu.close());
  const clock = new SystemClock();
  return {
    mcu,
    pipe,
    transport: { type: 'serial', path: pipe.path },
    openings: () => openings,
    report: async (type, number, key = '') => {
      const time = clock.wallNs();
      const { outcome } = await mcu.sendPoints([{ type, key, value: number, time }]);
      if (outcome !== 'acknowledged') throw new Error(`${type} ended as ${outcome}`);
    },
  };
}

export async function startStore(
  nats: NatsOfFile,
  version: Version = '0.25.0',
): Promise<SiotStore> {
  const store = await SiotStore.start({ nats: nats.url, version });
  onTestFinished(() => store.stop());
  return store;
}

export function configOf(document: object): GatewayConfig {
  return resolveConfig(configSchema.parse(document), {
    folders: { stateDir: './state' },
    resolve: (path) => path,
    secret: () => '',
    database: (path) => readFileSync(path),
  });
}

export interface GatewayUnderTestOptions {
  /** Of the gateway and those that follow it. */
  readonly clock?: Clock;
  /** Where its USB devices are. */
  readonly usbRoot?: string;
  /** Takes what ends the gateway; by default it ends with the running test. */
  readonly atEnd?: (end: () => Promise<void>) => void;
}

/** The gateway in this process: the one way in which tests start it, but for the built program (support/cli.ts). */
export class GatewayUnderTest {
  readonly said: Said[] = [];
  clock: Clock;
  readonly #usbRoot: string | undefined;
  #stopped = false;
  gateway: Gateway;

  /** `document`: as in gateway.yaml; `stateDir` is in the folder unless the document names it. */
  constructor(
    readonly folder: string,
    public document: object,
    { clock = new SystemClock(), usbRoot, atEnd = onTestFinished }: GatewayUnderTestOptions = {},
  ) {
    this.clock = clock;
    this.#usbRoot = usbRoot;
    this.gateway = this.#make();
    atEnd(() => this.gateway.stop());
  }

  #make(): Gateway {
    this.#stopped = false;
    return new Gateway(this.#config(), {
      clock: this.clock,
      random: Math.random,
      log: recordingLog(this.said),
      version: '1.2.3',
      hostName: 'cellar-pi',
      ...(this.#usbRoot === undefined ? {} : { usbRoot: { root: this.#usbRoot } }),
    });
  }

  #config(): GatewayConfig {
    return configOf({ stateDir: join(this.folder, 'state'), ...this.document });
  }

  /** Also after {@link stop}: another gateway on the same folder. */
  async start(): Promise<this> {
    if (this.#stopped) this.gateway = this.#make();
    await this.gateway.start();
    return this;
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    this.#stopped = true;
  }

  /** Stops it and starts another on the same folder. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** SIGHUP with another configuration. */
  async reload(document: object): Promise<void> {
    const before = this.document;
    this.document = document;
    try {
      await this.gateway.reload(this.#config());
    } catch (error) {
      this.document = before;
      throw error;
    }
  }

  get id(): string {
    return this.gateway.control.status().gateway.id;
  }

  /** Of the link of this name, or in this place of the configuration. */
  nodeId(which: string | number = 0): string {
    return nodeIdOf(linkIn(this.#config().links, which), this.id);
  }

  link(which: string | number = 0): LinkStatus {
    return linkIn(this.gateway.control.status().links, which);
  }

  counter(name: string, which: string | number = 0): number {
    return this.link(which).counters[name] ?? 0;
  }

  /** Until the port of each link is open. */
  async opened(): Promise<void> {
    await until(
      () => this.gateway.control.status().links.every(({ port }) => port === 'open'),
      () => `the ports to be open: ${JSON.stringify(this.gateway.control.status())}`,
    );
  }

  /** Until the ports of these links, or of all, are open, and their nodes in SIOT. */
  async ready(...names: string[]): Promise<void> {
    const links = (): readonly LinkStatus[] =>
      names.length > 0 ? names.map((name) => this.link(name)) : this.gateway.control.status().links;
    await until(
      () => links().every(({ port, node }) => port === 'open' && node === 'alive'),
      () => `${names.join()} to be ready: ${JSON.stringify(this.gateway.control.status())}`,
    );
  }
}

function linkIn<Link extends { readonly name: string }>(
  links: readonly Link[],
  which: string | number,
): Link {
  const link = typeof which === 'number' ? links[which] : links.find(({ name }) => name === which);
  if (link === undefined) throw new Error(`no link ${which}`);
  return link;
}

/** A client that asks the running gateway. */
export async function asker(nats: NatsOfFile, gatewayId: string) {
  const client = await nats.connect();
  const request = async (verb: VerbName, payload = ''): Promise<unknown> =>
    (
      await client.request(verbSubject(gatewayId, verb), payload, { timeout: 5_000 * SLOWNESS })
    ).json();
  /** All replies to a `set`, as they come. */
  const set = (
    link: string,
    type: string,
    value: unknown,
    key = '',
  ): { replies: SetReply[]; states: () => string[]; last: () => SetReply | undefined } => {
    const replies: SetReply[] = [];
    const inbox = `_INBOX.test.${String((inboxes += 1))}.${gatewayId}`;
    client.subscribe(inbox, {
      callback: (_error, message) => void replies.push(message.json<SetReply>()),
    });
    const payload = typeof value === 'string' ? value : JSON.stringify({ link, type, key, value });
    client.publish(verbSubject(gatewayId, 'set'), payload, { reply: inbox });
    return {
      replies,
      states: () => replies.map(({ state }) => state),
      last: () => replies.at(-1),
    };
  };
  return { client, request, set };
}
let inboxes = 0;

export const float = (number: number) => ({ kind: 'float', number });
