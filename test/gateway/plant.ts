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
import type { VerbName } from '../../src/gateway/control/nats/verbs.js';
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
    resolve: (path) => path,
    secret: () => '',
    database: (path) => readFileSync(path),
  });
}

export class GatewayUnderTest {
  readonly said: Said[] = [];
  /** Of the gateway and those that follow it. */
  clock: Clock;
  /** Where its USB devices are. */
  readonly usbRoot: string | undefined;
  gateway: Gateway;

  /** `document`: as in gateway.yaml. */
  constructor(
    readonly folder: string,
    public document: object,
    {
      clock = new SystemClock(),
      usbRoot,
    }: { readonly clock?: Clock; readonly usbRoot?: string } = {},
  ) {
    this.clock = clock;
    this.usbRoot = usbRoot;
    this.gateway = this.#make();
    onTestFinished(() => this.gateway.stop());
  }

  #make(): Gateway {
    return new Gateway(this.#config(), {
      clock: this.clock,
      random: Math.random,
      log: recordingLog(this.said),
      version: '1.2.3',
      ...(this.usbRoot === undefined ? {} : { usbRoot: { root: this.usbRoot } }),
    });
  }

  #config(): GatewayConfig {
    return configOf({ stateDir: join(this.folder, 'state'), ...this.document });
  }

  async start(): Promise<this> {
    await this.gateway.start();
    return this;
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

  /** Stops it and starts another on the same folder. */
  async restart(): Promise<void> {
    await this.gateway.stop();
    this.gateway = this.#make();
    await this.gateway.start();
  }

  get id(): string {
    return this.gateway.control.status().gateway.id;
  }

  nodeId(name: string): string {
    const link = this.#config().links.find((one) => one.name === name);
    if (link === undefined) throw new Error(`no link ${name}`);
    return nodeIdOf(link, this.id);
  }

  link(name: string): LinkStatus {
    const link = this.gateway.control.status().links.find((one) => one.name === name);
    if (link === undefined) throw new Error(`no link ${name}`);
    return link;
  }

  async ready(...names: string[]): Promise<void> {
    await until(
      () =>
        names.every((name) => this.link(name).port === 'open' && this.link(name).node === 'alive'),
      () => `${names.join()} to be ready: ${JSON.stringify(this.gateway.control.status())}`,
    );
  }
}

/** Somebody who asks the running gateway. */
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
