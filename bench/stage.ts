/**
 * The gateway and what it is compared with (the bare relay, the gateway of
 * another checkout, another program) beside each other, each with as many devices,
 * on one nats-server, so that the same load can go through one after the other. A
 * target without load does nothing.
 *
 * ```
 *             ┌ PTY ══ siot-mcu run ┐
 *   devices ──┤                     ├── nats-server ── subscriber (and a store)
 *             └ PTY ══ bare relay ──┘
 *   each a process of its own; CPU is that of the target, in the middle
 * ```
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NatsServer } from '../src/siot/connection/nats-server.js';
import { verbSubject } from '../src/gateway/control/nats/protocol.js';
import { pin, pinAway, unpin } from './affinity.js';
import { BenchError, Child, Program, builtFile, builtIn, type Subject } from './child.js';
import {
  makeFolder,
  removeFolder,
  stateOf,
  writtenBetween,
  type BenchFolder,
} from './disk-folder.js';
import { linkId, type Against, type Target } from './parts.js';
import type { FirstAckArgs, OpenedPort } from './roles/device.js';
import type { LoadResult } from './roles/load.js';
import type { RelayArgs, RelayExpects } from './roles/relay.js';
import { nowUs } from './roles/serve.js';
import type { SettingsArgs, SettingsResult } from './roles/settings.js';
import type { StreamArgs, StreamResult } from './roles/stream.js';
import { percentile } from './statistics.js';
import type { Usage } from './usage.js';

/** One load through one target. */
export interface Sample {
  readonly packets: number;
  /** Packets without an ack, and points that did not reach the subscriber or came twice. */
  readonly lostPackets: number;
  readonly lostPoints: number;
  readonly ms: number;
  /** From a packet to its ack. */
  readonly roundTripMs: { readonly p50: number; readonly p99: number };
  /** Of the process under test. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  /** Bytes written to disk. */
  readonly writtenBytes: number;
  /** Files of the outbox that were made or written to. */
  readonly outboxWrites: number;
  /** What 95 of 100 confirmations took at most, by the store or by nats-server; absent: not asked for. */
  readonly answerP95Ms?: number;
}

/** High-rate samples through one target. */
export interface StreamSample {
  readonly ms: number;
  /** Sent, and those of them that reached the subscriber. */
  readonly samples: number;
  readonly arrivedSamples: number;
  /** Of the process under test. */
  readonly cpuMs: number;
  /** Of points beside them, from packet to ack. */
  readonly tripP99Ms: number;
}

/** See LoadPlan; `ms`: length of the sample. */
export interface LoadSpec {
  readonly points: number;
  readonly window: number;
  readonly ms: number;
  readonly packetsPerSecond?: number | undefined;
  /** Whether it is measured how soon points are confirmed. */
  readonly withAnswers?: boolean | undefined;
}

/** Latency of each point, ms. */
export interface Latencies {
  readonly upMs: number[];
  readonly downMs: number[];
}

const ATTACHED_WITHIN_MS = 15_000;
/** An outbox in memory acknowledges more than a store takes: what waits is not part of the next sample. */
const ARRIVED_WITHIN_MS = 30_000;
/** Before the first sample of each target. */
const WARM = { points: 10, window: 4, ms: 400 };
/** 100 points/s. */
const PACE = { perSecond: 100, everyMs: 10 };
/** Of packets that keep a pace and are few: more than are ever on their way. */
const WIDE_WINDOW = 64;
const REPORTED_WITHIN_MS = 200;

/** What is started. */
interface StageOptions {
  readonly links: number;
  readonly targets: readonly Target[];
  /** One link more for each target, whose device is a process of its own. */
  readonly quiet?: boolean;
  /** A store that confirms points. */
  readonly store?: boolean;
  /** The targets share one core, where the computer can do that. */
  readonly pinned?: boolean;
  /** Checkout of the target `baseline`. */
  readonly baseline?: string | undefined;
  /** The target `against`. */
  readonly against?: Against | undefined;
  /** Folder for CPU profiles of the targets, except `baseline`. */
  readonly profile?: string | undefined;
  /** More of the gateways' configuration. */
  readonly config?: object;
}

/** A target and its devices. */
interface Side {
  subject: Subject;
  /** As a user starts it. */
  readonly start: () => Subject;
  readonly device: Child;
  /** Numbers of its devices. */
  readonly ports: readonly number[];
  /** Number of its quiet device, in a process of its own. */
  readonly quietPort: number | undefined;
}

/** The processes of a measurement. */
export class Stage {
  readonly #ends: (() => unknown)[] = [];
  readonly #sides = new Map<Target, Side>();
  #device: Child | undefined;
  #quietDevice: Child | undefined;
  #subscriber: Child | undefined;
  #server: NatsServer | undefined;
  #folder: BenchFolder | undefined;
  #isPinned = false;

  constructor(private readonly options: StageOptions) {}

  /** Starts all, and waits until each target has opened its ports. Rejects with a BenchError. */
  async start(): Promise<void> {
    const { targets, store = false, pinned = false, quiet = false } = this.options;
    // What is started runs on the same cores as this process.
    const isApart = pinned && pinAway([process.pid]);
    if (isApart) this.#ends.push(() => unpin([process.pid]));
    const folder = makeFolder();
    this.#folder = folder;
    this.#ends.push(() => removeFolder(folder.path));
    const server = await NatsServer.start();
    this.#server = server;
    this.#ends.push(() => server.stop());
    const others: Child[] = [];
    if (store) others.push(this.#child('roles/siot.js', [server.url]));
    this.#subscriber = this.#child('roles/subscriber.js', [server.url]);
    this.#device = this.#child('roles/device.js', []);
    if (quiet) this.#quietDevice = this.#child('roles/device.js', []);
    others.push(this.#subscriber, this.#device);
    for (const other of others) await other.usage();
    for (const target of targets) this.#sides.set(target, await this.#open(target));
    await this.#attached();
    this.#isPinned =
      isApart && [...this.#sides.values()].every(({ subject }) => pin(subject.pids()));
  }

  /** Ends all that was started, newest first. */
  async stop(): Promise<void> {
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) await end();
  }

  /** Whether bytes written to disk are counted where the gateways keep their state. */
  get countsDisk(): boolean {
    return this.#folder?.isOnDisk ?? false;
  }

  /** What the target has used so far. */
  usage(target: Target): Promise<Usage> {
    return this.#side(target).subject.usage();
  }

  /** Whether the targets share one core, and all others do without it. */
  get isPinned(): boolean {
    return this.#isPinned;
  }

  /** Packets through one target, until all are acknowledged and their points have arrived. */
  async load(
    target: Target,
    { points, window, ms, packetsPerSecond, withAnswers = false }: LoadSpec,
    arrivedWithinMs = ARRIVED_WITHIN_MS,
  ): Promise<Sample> {
    const { subject, device, ports } = this.#side(target);
    await this.#tellRelay(target, { points });
    const counted = await this.#ask<number>('count');
    const outbox = this.#outboxOf(target);
    const outboxBefore = stateOf(outbox);
    const before = await subject.usage();
    const load = { ports, points, window, ms, packetsPerSecond };
    const { store = false } = this.options;
    const [result, answersMs] = await Promise.all([
      device.ask<LoadResult>('load', load),
      withAnswers ? this.#ask<number[]>('answers', { ms, store }) : [],
    ]);
    const expected = counted + result.packets * points;
    // Who acknowledges nothing mostly publishes nothing.
    const withinMs = result.lost < result.packets ? arrivedWithinMs : 0;
    const arrived = await this.#ask<number>('reach', { count: expected, withinMs });
    if (store) await this.#ask('settled');
    const after = await subject.usage();
    return {
      packets: result.packets,
      lostPackets: result.lost,
      lostPoints: Math.abs(expected - arrived),
      ms: result.ms,
      roundTripMs: result.roundTripMs,
      cpuMs: after.cpuMs - before.cpuMs,
      rssBytes: after.rssBytes,
      peakRssBytes: after.peakRssBytes,
      writtenBytes: after.writtenBytes - before.writtenBytes,
      outboxWrites: writtenBetween(outboxBefore, stateOf(outbox)),
      ...(withAnswers ? { answerP95Ms: percentile(answersMs, 0.95) } : {}),
    };
  }

  /** Packets through a gateway whose points go nowhere yet. */
  async fill(
    target: Target,
    { points, window, ms }: LoadSpec,
  ): Promise<{ packets: number; rssBytes: number }> {
    const { subject, device, ports } = this.#side(target);
    const { packets } = await device.ask<LoadResult>('load', { ports, points, window, ms });
    return { packets, rssBytes: (await subject.usage()).rssBytes };
  }

  /** Single packets of the quiet device at 100/s: from packet to ack. */
  async quietly(target: Target, ms: number): Promise<LoadResult> {
    const { quietPort } = this.#side(target);
    if (quietPort === undefined || this.#quietDevice === undefined) {
      throw new BenchError('there is no quiet device');
    }
    return this.#quietDevice.ask<LoadResult>('load', {
      ports: [quietPort],
      points: 1,
      window: WIDE_WINDOW,
      ms,
      packetsPerSecond: PACE.perSecond,
    });
  }

  /** High-rate packets of the device of the first link, with points beside them. */
  async stream(target: Target, args: StreamArgs, arrivedWithinMs: number): Promise<StreamSample> {
    const { subject, device, ports } = this.#side(target);
    await this.#tellRelay(target, { samples: args.samples });
    const counted = await this.#ask<number>('streamed', { count: 0, withinMs: 0 });
    const before = await subject.usage();
    const result = await device.ask<StreamResult>('stream', { port: ports[0]!, ...args });
    const { cpuMs } = await subject.usage();
    const arrived = await this.#ask<number>('streamed', {
      count: counted + result.packets,
      withinMs: arrivedWithinMs,
    });
    return {
      ms: result.ms,
      samples: result.packets * args.samples,
      arrivedSamples: (arrived - counted) * args.samples,
      cpuMs: cpuMs - before.cpuMs,
      tripP99Ms: result.tripP99Ms,
    };
  }

  /** How long single points take at 100/s, from the device to the subscriber and back. */
  async latency(target: Target, seconds: number): Promise<Latencies> {
    const { device, ports } = this.#side(target);
    await this.#tellRelay(target, { points: 1 });
    const counted = await this.#ask<number>('count');
    await this.#ask('record', { on: true });
    const { packets, sentUs } = await device.ask<LoadResult>('load', {
      ports: ports.slice(0, 1),
      points: 1,
      window: WIDE_WINDOW,
      ms: Math.max(100, seconds * 1000),
      packetsPerSecond: PACE.perSecond,
    });
    await this.#ask('reach', { count: counted + packets, withinMs: ARRIVED_WITHIN_MS });
    const arrived = await this.#ask<number[]>('record', { on: false });
    if (arrived.length !== packets) {
      // It cannot do this.
      if (target === 'against') return { upMs: [], downMs: [] };
      throw new BenchError(`${target}: ${arrived.length} of ${packets} points arrived`);
    }
    const { tripsMs } = await this.settings(target, { known: 1, ms: seconds * 1000, paced: true });
    return { upMs: arrived.map((us, i) => (us - sentUs[i]!) / 1000), downMs: [...tripsMs] };
  }

  /** The device of the first link reports so many settings, so that they are known. */
  async reportSettings(target: Target, known: number): Promise<void> {
    const { device, ports } = this.#side(target);
    await this.#tellRelay(target, { points: 1 });
    const withinMs = REPORTED_WITHIN_MS;
    await device.ask('report', { port: ports[0]!, settings: known, withinMs });
  }

  /** Settings of points of the first link: each as soon as the device has the one before, or at 100/s. */
  async settings(
    target: Target,
    { known, ms, paced }: { known: number; ms: number; paced: boolean },
  ): Promise<SettingsResult> {
    const { device, ports } = this.#side(target);
    const args: SettingsArgs = {
      port: ports[0]!,
      server: this.#server?.url ?? '',
      id: linkId(target, 0),
      known,
      ms,
      ...(paced ? { everyMs: PACE.everyMs } : {}),
      isAlwaysSame: target === 'relay',
    };
    await this.#tellRelay(target, { areAcks: true });
    return device.ask<SettingsResult>('settings', args);
  }

  /** Number of links that the gateway slowed down so far, since they wanted more than their share. */
  async slowedLinks(target: Target): Promise<number> {
    const record = readFileSync(join(this.#stateDir(target), 'gateway.json'), 'utf8');
    const { id } = JSON.parse(record) as { id: string };
    const { links } = await this.#ask<{
      links: { counters: Readonly<Record<string, number>> }[];
    }>('request', { subject: verbSubject(id, 'status'), payload: '' });
    return links.filter(({ counters }) => (counters['slowedInput'] ?? 0) > 0).length;
  }

  /** Ends the target and starts it again. Returns how long after that its first packet was acknowledged, ms. */
  async firstAck(target: Target, withinMs: number): Promise<number | undefined> {
    const side = this.#side(target);
    await side.subject.stop();
    const startUs = nowUs();
    side.subject = side.start();
    const args: FirstAckArgs = { port: side.ports[0]!, withinMs };
    const ackedUs = await side.device.ask<number | undefined>('firstAck', args);
    return ackedUs === undefined ? undefined : (ackedUs - startUs) / 1000;
  }

  #side(target: Target): Side {
    const side = this.#sides.get(target);
    if (side === undefined) throw new BenchError('not started');
    return side;
  }

  async #ask<T>(verb: string, args: object = {}): Promise<T> {
    if (this.#subscriber === undefined) throw new BenchError('not started');
    return this.#subscriber.ask<T>(verb, args);
  }

  /** The relay looks into no packet. */
  async #tellRelay(
    target: Target,
    { points = 1, areAcks = false, samples = 0 }: Partial<RelayExpects>,
  ): Promise<void> {
    const { subject } = this.#side(target);
    if (target !== 'relay' || !(subject instanceof Child)) return;
    const expects: RelayExpects = { points, areAcks, samples };
    await subject.ask('expect', expects);
  }

  #stateDir(target: Target): string {
    return join(this.#folder?.path ?? '', target);
  }

  #outboxOf(target: Target): string {
    return join(this.#stateDir(target), 'outbox');
  }

  /** Makes the devices of a target, and starts it. */
  async #open(target: Target): Promise<Side> {
    const { links, against } = this.options;
    const device = this.#device!;
    const protocol = target === 'against' && against !== undefined ? against.protocol : 'compact';
    const open = (of: Child, count: number): Promise<OpenedPort[]> =>
      of.ask('open', { count, protocol });
    const opened = await open(device, links);
    const [quiet] = this.#quietDevice === undefined ? [] : await open(this.#quietDevice, 1);
    const all = [...opened, ...(quiet === undefined ? [] : [quiet])];
    const args: RelayArgs = {
      server: this.#server?.url ?? '',
      links: all.map(({ path }, i) => ({ id: linkId(target, i), path })),
    };
    return {
      subject: this.#start(target, args),
      start: () => this.#start(target, args, true),
      device,
      ports: opened.map(({ port }) => port),
      quietPort: quiet?.port,
    };
  }

  async #attached(): Promise<void> {
    const late = new Promise<never>((_, reject) => {
      const timer = setTimeout(
        () => reject(new BenchError('the ports were not opened in time')),
        ATTACHED_WITHIN_MS,
      );
      this.#ends.push(() => clearTimeout(timer));
    });
    const ports = (which: (side: Side) => readonly number[]): number[] =>
      [...this.#sides]
        // A program that says nothing of itself is heard when it acknowledges.
        .filter(([target]) => target !== 'against')
        .flatMap(([, side]) => which(side));
    await Promise.race([
      Promise.all([
        this.#device?.ask('attached', { ports: ports((side) => side.ports) }),
        this.#quietDevice?.ask('attached', {
          ports: ports(({ quietPort }) => (quietPort === undefined ? [] : [quietPort])),
        }),
      ]),
      late,
    ]);
  }

  /** `isPlain`: what the bench measures in a gateway is not loaded into it, since that takes time. */
  #start(target: Target, args: RelayArgs, isPlain = false): Subject {
    const { baseline, profile, config, against } = this.options;
    if (target === 'relay') {
      return this.#child('roles/relay.js', [JSON.stringify(args)], { profile });
    }
    const stateDir = this.#stateDir(target);
    if (target === 'against' && against !== undefined) {
      mkdirSync(stateDir, { recursive: true });
      return this.#program(
        '/bin/sh',
        ['-c', against.command],
        environmentOf(args, against, stateDir),
      );
    }
    const file = `${stateDir}.yaml`;
    const outbox = target === 'memory' ? { outbox: { durability: 'memory' } } : {};
    writeFileSync(file, gatewayConfig(args, stateDir, { ...config, ...outbox }));
    const ofBaseline = target === 'baseline' && baseline !== undefined;
    const program = ofBaseline ? builtIn(baseline, 'src/cli/main.js') : '../src/cli/main.js';
    if (isPlain) {
      return this.#program(process.execPath, [builtFile(program), 'run', '-c', file]);
    }
    return this.#child(program, ['run', '-c', file], {
      preload: './roles/leash.js',
      profile: ofBaseline ? undefined : profile,
    });
  }

  #program(file: string, args: readonly string[], env?: Readonly<Record<string, string>>): Program {
    const program = new Program(file, args, env);
    this.#ends.push(() => program.stop());
    return program;
  }

  #child(
    program: string,
    args: readonly string[],
    more: { readonly preload?: string; readonly profile?: string | undefined } = {},
  ): Child {
    const child = new Child(program, { args, ...more });
    this.#ends.push(() => child.stop());
    return child;
  }
}

/** Starts a stage, does something on it, and stops it. Rejects with a BenchError. */
export async function onStage<T>(
  options: StageOptions,
  act: (stage: Stage) => Promise<T>,
): Promise<T> {
  const stage = new Stage(options);
  try {
    await stage.start();
    return await act(stage);
  } finally {
    await stage.stop();
  }
}

/** As {@link onStage}, when each target has worked for a while. */
export const onWarmStage = <T>(
  options: StageOptions,
  act: (stage: Stage) => Promise<T>,
): Promise<T> =>
  onStage(options, async (stage) => {
    for (const target of options.targets) await stage.load(target, WARM);
    return act(stage);
  });

/** What a program gets that `--against` names. */
function environmentOf(
  { server, links }: RelayArgs,
  { protocol }: Against,
  stateDir: string,
): Record<string, string> {
  return {
    NATS_URL: server,
    PORTS: links.map(({ path }) => path).join(' '),
    NODE_IDS: links.map(({ id }) => id).join(' '),
    PROTOCOL: protocol,
    STATE_DIR: stateDir,
  };
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

/** What the NATS client publishes by itself, `burst` messages between two confirmations; CPU of its process. */
export async function publishAlone(
  seconds: number,
  rounds: number,
  burst: number,
): Promise<{ messages: number; ms: number; cpuMs: number }[]> {
  const server = await NatsServer.start();
  // Somebody listens there, as in all other measurements.
  const subscriber = new Child('roles/subscriber.js', { args: [server.url] });
  const publisher = new Child('roles/publisher.js', { args: [server.url] });
  try {
    await subscriber.ask('count');
    const samples = [];
    await publisher.ask('publish', { ms: 300, burst });
    for (let round = 0; round < rounds; round++) {
      const before = await publisher.usage();
      const { messages, ms } = await publisher.ask<{ messages: number; ms: number }>('publish', {
        ms: seconds * 1000,
        burst,
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
