/**
 * The gateway and what it is compared with (the bare relay, the gateway of
 * another checkout) beside each other, each with as many devices, on one
 * nats-server, so that the same load can go through one after the other. A
 * target without load does nothing.
 *
 * ```
 *             ┌ PTY ══ siot-mcu run ┐
 *   devices ──┤                     ├── nats-server ── subscriber
 *             └ PTY ══ bare relay ──┘
 *   each a process of its own; CPU is that of the target, in the middle
 * ```
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NatsServer } from '../src/siot/connection/nats-server.js';
import { BenchError, Child, builtIn } from './child.js';
import { linkId, type Target } from './parts.js';
import type { Heard, LoadArgs, LoadResult } from './roles/device.js';
import type { RelayArgs } from './roles/relay.js';
import type { Usage } from './roles/serve.js';
import type { SettingsArgs } from './roles/subscriber.js';

/** One load through one target. */
export interface Sample {
  readonly packets: number;
  /** Packets without an ack, and points that did not reach the subscriber or came twice. */
  readonly lostPackets: number;
  readonly lostPoints: number;
  readonly ms: number;
  /** CPU of the process under test, all its threads. */
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** See LoadPlan; `ms`: length of the sample. */
interface LoadSpec {
  readonly points: number;
  readonly window: number;
  readonly ms: number;
}

/** Latency of each point, ms. */
export interface Latencies {
  readonly upMs: number[];
  readonly downMs: number[];
}

const ATTACHED_WITHIN_MS = 15_000;
const ARRIVED_WITHIN_MS = 3_000;
/** 100 points/s. */
const PACE_MS = 10;

/** What is started. */
interface StageOptions {
  readonly links: number;
  readonly targets: readonly Target[];
  /** Checkout of the target `baseline`. */
  readonly baseline?: string | undefined;
  /** Folder for CPU profiles of the targets, except `baseline`. */
  readonly profile?: string | undefined;
  /** More of the gateways' configuration. */
  readonly config?: object;
}

/** The processes of a measurement. */
export class Stage {
  readonly #ends: (() => unknown)[] = [];
  readonly #targets = new Map<Target, Child>();
  #device: Child | undefined;
  #subscriber: Child | undefined;

  constructor(private readonly options: StageOptions) {}

  /** Starts all, and waits until each gateway has opened its ports. Rejects with a BenchError. */
  async start(): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'siot-mcu-bench-'));
    const remove = (): void => rmSync(folder, { recursive: true, force: true });
    this.#ends.push(remove);
    // Also when a signal ends this process.
    process.once('exit', remove);
    const server = await NatsServer.start();
    this.#ends.push(() => server.stop());
    const subscriber = this.#child('roles/subscriber.js', { args: [server.url] });
    const device = this.#child('roles/device.js', {});
    const { links, targets } = this.options;
    const paths = await device.ask<string[]>('open', { count: targets.length * links });
    for (const target of targets) {
      const ports = this.#ports(target).map((port, i) => ({
        id: linkId(target, i),
        path: paths[port]!,
      }));
      this.#targets.set(target, this.#start(target, folder, { server: server.url, links: ports }));
    }
    this.#device = device;
    this.#subscriber = subscriber;
    const late = new Promise<never>((_, reject) => {
      const timer = setTimeout(
        () => reject(new BenchError('the ports were not opened in time')),
        ATTACHED_WITHIN_MS,
      );
      this.#ends.push(() => clearTimeout(timer));
    });
    await Promise.race([device.ask('attached'), late]);
    await subscriber.ask('count');
  }

  /** Ends all that was started, newest first. */
  async stop(): Promise<void> {
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) await end();
  }

  /** Packets through one target, until all are acknowledged and their points have arrived. */
  async load(target: Target, { points, window, ms }: LoadSpec): Promise<Sample> {
    const { child, device, subscriber } = this.#parts(target);
    if (target === 'relay') await child.ask('points', { points });
    const counted = await subscriber.ask<number>('count');
    const ports = this.#ports(target);
    const before = await child.usage();
    const load: LoadArgs = { ports, points, window, ms };
    const result = await device.ask<LoadResult>('load', load);
    const expected = counted + result.packets * points;
    const arrived = await subscriber.ask<number>('reach', {
      count: expected,
      withinMs: ARRIVED_WITHIN_MS,
    });
    const after: Usage = await child.usage();
    return {
      packets: result.packets,
      lostPackets: result.lost,
      lostPoints: Math.abs(expected - arrived),
      ms: result.ms,
      cpuMs: after.cpuMs - before.cpuMs,
      rssBytes: after.rssBytes,
    };
  }

  /** Packets through a gateway whose points go nowhere yet. */
  async fill(
    target: Target,
    { points, window, ms }: LoadSpec,
  ): Promise<{ packets: number; rssBytes: number }> {
    const { child, device } = this.#parts(target);
    const ports = this.#ports(target);
    const { packets } = await device.ask<LoadResult>('load', { ports, points, window, ms });
    return { packets, rssBytes: (await child.usage()).rssBytes };
  }

  /** How long single points take at 100/s, from the device to the subscriber and back. */
  async latency(target: Target, seconds: number): Promise<Latencies> {
    const { child, device, subscriber } = this.#parts(target);
    if (target === 'relay') await child.ask('points', { points: 1 });
    const count = Math.max(10, Math.round((seconds * 1000) / PACE_MS));
    const port = this.#ports(target)[0]!;

    const counted = await subscriber.ask<number>('count');
    await subscriber.ask('record', { on: true });
    const sent = await device.ask<number[]>('paced', { port, count, everyMs: PACE_MS });
    await subscriber.ask('reach', { count: counted + count, withinMs: ARRIVED_WITHIN_MS });
    const arrived = await subscriber.ask<number[]>('record', { on: false });
    if (arrived.length !== count) {
      throw new BenchError(`${target}: ${arrived.length} of ${count} points arrived`);
    }

    // The relay does not know an ack from a packet with points.
    const acknowledges = target !== 'relay';
    await device.ask('takeHeard', { port, acknowledges });
    const settings: SettingsArgs = { id: linkId(target, 0), count, everyMs: PACE_MS };
    const set = await subscriber.ask<number[]>('settings', settings);
    const heard = await device.ask<Heard[]>('takeHeard', { port, acknowledges });
    return {
      upMs: arrived.map((us, i) => (us - sent[i]!) / 1000),
      // What is sent again counts when it came first; what a newer one replaced never comes.
      downMs: set.flatMap((us, i) => {
        const first = acknowledges ? heard.find(({ value }) => value === i) : heard[i];
        return first === undefined ? [] : [(first.us - us) / 1000];
      }),
    };
  }

  #parts(target: Target): { child: Child; device: Child; subscriber: Child } {
    const child = this.#targets.get(target);
    if (!child || !this.#device || !this.#subscriber) throw new BenchError('not started');
    return { child, device: this.#device, subscriber: this.#subscriber };
  }

  /** Numbers of its devices. */
  #ports(target: Target): number[] {
    const { links, targets } = this.options;
    return Array.from({ length: links }, (_, i) => targets.indexOf(target) * links + i);
  }

  #start(target: Target, folder: string, args: RelayArgs): Child {
    const { baseline, profile, config } = this.options;
    if (target === 'relay') {
      return this.#child('roles/relay.js', { args: [JSON.stringify(args)], profile });
    }
    const file = join(folder, `${target}.yaml`);
    const outbox = target === 'memory' ? { outbox: { durability: 'memory' } } : {};
    writeFileSync(file, gatewayConfig(args, join(folder, target), { ...config, ...outbox }));
    const ofBaseline = target === 'baseline' && baseline !== undefined;
    return this.#child(ofBaseline ? builtIn(baseline, 'src/cli/main.js') : '../src/cli/main.js', {
      args: ['run', '-c', file],
      preload: './roles/leash.js',
      profile: ofBaseline ? undefined : profile,
    });
  }

  #child(...[program, options]: ConstructorParameters<typeof Child>): Child {
    const child = new Child(program, options);
    this.#ends.push(() => child.stop());
    return child;
  }
}

function gatewayConfig({ server, links }: RelayArgs, stateDir: string, more: object): string {
  // JSON is YAML.
  return JSON.stringify({
    ...more,
    nats: { servers: server },
    stateDir,
    log: { level: 'error' },
    links: links.map(({ id, path }, i) => ({
      name: `link-${String(i)}`,
      transport: { type: 'serial', path },
      protocol: 'compact',
      node: { id },
    })),
  });
}

/** What the NATS client publishes by itself; CPU of its process. */
export async function publishAlone(
  seconds: number,
  rounds: number,
): Promise<{ messages: number; ms: number; cpuMs: number }[]> {
  const server = await NatsServer.start();
  // Somebody listens there, as in all other measurements.
  const subscriber = new Child('roles/subscriber.js', { args: [server.url] });
  const publisher = new Child('roles/publisher.js', { args: [server.url] });
  try {
    await subscriber.ask('count');
    const samples = [];
    await publisher.ask('publish', { ms: 300 });
    for (let round = 0; round < rounds; round++) {
      const before = await publisher.usage();
      const { messages, ms } = await publisher.ask<{ messages: number; ms: number }>('publish', {
        ms: seconds * 1000,
      });
      const after = await publisher.usage();
      samples.push({ messages, ms, cpuMs: after.cpuMs - before.cpuMs });
    }
    return samples;
  } finally {
    await publisher.stop();
    await subscriber.stop();
    await server.stop();
  }
}
