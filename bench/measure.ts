/** All that is wanted, measured, as plain figures. */
import { measureCodecs, type CodecFigures } from './codec.js';
import type { Target } from './parts.js';
import {
  CODEC,
  LOADS,
  NATS,
  STAGES,
  isWanted,
  latencyName,
  loadName,
  type BenchOptions,
  type LoadPlan,
} from './plan.js';
import { measureOutbox, type OutboxFigures } from './outbox.js';
import { Stage, publishAlone, type Sample } from './stage.js';
import { median, pairedRatio, percentile } from './statistics.js';

export interface TargetFigures {
  readonly pointsPerSecond: number;
  readonly cpuUsPerPacket: number;
  readonly cpuUsPerPoint: number;
  readonly lostPackets: number;
  readonly lostPoints: number;
  /** Largest seen after a measurement. */
  readonly rssMb: number;
}

export interface LoadFigures extends LoadPlan {
  readonly name: string;
  readonly gateway: TargetFigures;
  readonly relay: TargetFigures;
  /** CPU per packet, gateway to relay: median of the pairs. */
  readonly cpuRatio: number;
}

export interface LatencyFigures {
  readonly upP50Ms: number;
  readonly upP99Ms: number;
  readonly downP50Ms: number;
  readonly downP99Ms: number;
}

export interface BenchFigures {
  readonly node: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly codecs: CodecFigures[];
  readonly nats?: { readonly messagesPerSecond: number; readonly cpuUsPerMessage: number };
  readonly loads: LoadFigures[];
  readonly latencies: ({ readonly links: number } & Readonly<Record<Target, LatencyFigures>>)[];
  /** Most resident memory of the gateway, by number of links. */
  readonly rssMb: Readonly<Record<string, number>>;
  readonly outbox: OutboxFigures;
}

const MB = 1024 * 1024;
const WARM = { points: 10, window: 4, ms: 400 };

export async function measure(options: BenchOptions): Promise<BenchFigures> {
  const { seconds, rounds, only, progress } = options;
  const wanted = (name: string): boolean => isWanted(name, only);
  let codecs: CodecFigures[] = [];
  if (wanted(CODEC)) {
    progress('codecs');
    codecs = measureCodecs(seconds / 2, rounds);
  }
  let nats: BenchFigures['nats'];
  if (wanted(NATS)) {
    progress('the NATS client alone');
    const samples = await publishAlone(seconds, rounds);
    nats = {
      messagesPerSecond: median(samples.map(({ messages, ms }) => (messages / ms) * 1000)),
      cpuUsPerMessage: median(samples.map(({ messages, cpuMs }) => (cpuMs / messages) * 1000)),
    };
  }
  const loads: LoadFigures[] = [];
  const latencies: BenchFigures['latencies'][number][] = [];
  for (const links of STAGES) {
    const plans = LOADS.filter((plan) => plan.links === links && wanted(loadName(plan)));
    const withLatency = wanted(latencyName(links));
    if (plans.length === 0 && !withLatency) continue;
    progress(`starting ${String(links)} link(s)`);
    const stage = new Stage(links, options.profile);
    try {
      await stage.start();
      for (const target of ['gateway', 'relay'] as const) await stage.load(target, WARM);
      for (const plan of plans) {
        progress(loadName(plan));
        loads.push(await measureLoad(stage, plan, options));
      }
      if (withLatency) {
        progress(latencyName(links));
        latencies.push({
          links,
          gateway: await measureLatency(stage, 'gateway', seconds * rounds),
          relay: await measureLatency(stage, 'relay', seconds * rounds),
        });
      }
    } finally {
      await stage.stop();
    }
  }
  const rssMb = Object.fromEntries(
    STAGES.map((links): [string, number] => [
      String(links),
      Math.max(
        0,
        ...loads.filter((load) => load.links === links).map(({ gateway }) => gateway.rssMb),
      ),
    ]).filter(([, mb]) => mb > 0),
  );
  return {
    node: process.version,
    seconds,
    rounds,
    codecs,
    ...(nats === undefined ? {} : { nats }),
    loads,
    latencies,
    rssMb,
    outbox: await measureOutbox(options),
  };
}

async function measureLoad(
  stage: Stage,
  plan: LoadPlan,
  { seconds, rounds }: BenchOptions,
): Promise<LoadFigures> {
  const samples: Record<Target, Sample[]> = { gateway: [], relay: [] };
  const spec = { points: plan.points, window: plan.window, ms: seconds * 1000 };
  for (let round = 0; round < rounds; round++) {
    samples.gateway.push(await stage.load('gateway', spec));
    samples.relay.push(await stage.load('relay', spec));
  }
  return {
    name: loadName(plan),
    ...plan,
    gateway: figuresOf(samples.gateway, plan.points),
    relay: figuresOf(samples.relay, plan.points),
    cpuRatio: pairedRatio(samples.gateway.map(cpuUsPerPacket), samples.relay.map(cpuUsPerPacket)),
  };
}

const cpuUsPerPacket = ({ cpuMs, packets }: Sample): number => (cpuMs / packets) * 1000;

function figuresOf(samples: readonly Sample[], points: number): TargetFigures {
  const perPacket = median(samples.map(cpuUsPerPacket));
  const sum = (of: (sample: Sample) => number): number =>
    samples.reduce((total, sample) => total + of(sample), 0);
  return {
    pointsPerSecond: median(samples.map(({ packets, ms }) => ((packets * points) / ms) * 1000)),
    cpuUsPerPacket: perPacket,
    cpuUsPerPoint: perPacket / points,
    lostPackets: sum(({ lostPackets }) => lostPackets),
    lostPoints: sum(({ lostPoints }) => lostPoints),
    rssMb: Math.max(...samples.map(({ rssBytes }) => rssBytes)) / MB,
  };
}

async function measureLatency(
  stage: Stage,
  target: Target,
  seconds: number,
): Promise<LatencyFigures> {
  const { upMs, downMs } = await stage.latency(target, seconds);
  return {
    upP50Ms: percentile(upMs, 0.5),
    upP99Ms: percentile(upMs, 0.99),
    downP50Ms: percentile(downMs, 0.5),
    downP99Ms: percentile(downMs, 0.99),
  };
}
