/** Measures all wanted cases; the results are plain figures. */
import { measureInTurn, type CodecFigures } from './codec.js';
import {
  CPU_PER_PACKET,
  RESIDENT,
  TIME_PER_POINT,
  compare,
  type Comparison,
  type Measure,
} from './comparison.js';
import type { Target } from './parts.js';
import {
  CODEC,
  LOADS,
  NATS,
  STAGES,
  isWanted,
  gateways,
  inTurn,
  latencyName,
  loadName,
  type BenchOptions,
  type LoadPlan,
} from './plan.js';
import { measureOutbox, type OutboxFigures } from './outbox.js';
import { Stage, publishAlone, type Latencies, type Sample } from './stage.js';
import { median, pairedRatio, percentile } from './statistics.js';

/** Medians of a target under a load. */
interface TargetFigures {
  readonly pointsPerSecond: number;
  readonly cpuUsPerPacket: number;
  readonly cpuUsPerPoint: number;
  readonly lostPackets: number;
  readonly lostPoints: number;
  /** Largest seen after a measurement. */
  readonly rssMb: number;
}

/** The gateway and the relay under a load. */
interface LoadFigures extends LoadPlan {
  readonly name: string;
  readonly gateway: TargetFigures;
  readonly relay: TargetFigures;
  /** CPU per packet, gateway to relay: median of the pairs. */
  readonly cpuRatio: number;
}

/** Latency of single points, ms. */
interface LatencyFigures {
  readonly upP50Ms: number;
  readonly upP99Ms: number;
  readonly downP50Ms: number;
  readonly downP99Ms: number;
}

/** The result of the bench. */
export interface BenchFigures {
  readonly node: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly codecs: CodecFigures[];
  readonly nats?: { readonly messagesPerSecond: number; readonly cpuUsPerMessage: number };
  readonly loads: LoadFigures[];
  readonly latencies: {
    readonly links: number;
    readonly gateway: LatencyFigures;
    readonly relay: LatencyFigures;
  }[];
  /** Most resident memory of the gateway, by number of links. */
  readonly rssMb: Readonly<Record<string, number>>;
  readonly outbox: OutboxFigures;
  /** Only where a baseline was given. */
  readonly comparisons?: Comparison[];
}

const MB = 1024 * 1024;
const WARM = { points: 10, window: 4, ms: 400 };
const LATENCY_UP: Measure = { what: 'up p50, ms', of: 'time' };
const LATENCY_DOWN: Measure = { what: 'down p50, ms', of: 'time' };

/** Measures what `options.only` names. Rejects with a BenchError. */
export async function measure(options: BenchOptions): Promise<BenchFigures> {
  const { seconds, rounds, only, baseline, profile, progress } = options;
  const comparisons: Comparison[] = [];
  const targets: Target[] = [...gateways(options), 'relay'];
  const wanted = (name: string): boolean => isWanted(name, only);
  let codecs: CodecFigures[] = [];
  if (wanted(CODEC)) {
    progress('codecs');
    codecs = await measureInTurn(options, comparisons);
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
    const stage = new Stage({ links, targets, baseline, profile });
    try {
      await stage.start();
      for (const target of targets) await stage.load(target, WARM);
      for (const plan of plans) {
        progress(loadName(plan));
        loads.push(await measureLoad(stage, plan, options, targets, comparisons));
      }
      if (withLatency) {
        progress(latencyName(links));
        const figures = await measureLatencies(stage, links, options, targets, comparisons);
        latencies.push({ links, ...figures });
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
    outbox: await measureOutbox(options, comparisons),
    ...(baseline === undefined ? {} : { comparisons }),
  };
}

async function measureLoad(
  stage: Stage,
  plan: LoadPlan,
  { seconds, rounds }: BenchOptions,
  targets: readonly Target[],
  comparisons: Comparison[],
): Promise<LoadFigures> {
  const spec = { points: plan.points, window: plan.window, ms: seconds * 1000 };
  const samples = await inTurn(targets, rounds, (target) => stage.load(target, spec));
  const { gateway, baseline, relay } = samples;
  const name = loadName(plan);
  if (baseline.length > 0) {
    const usPerPoint = ({ ms, packets }: Sample): number => (ms / packets / plan.points) * 1000;
    const rssMb = ({ rssBytes }: Sample): number => rssBytes / MB;
    for (const [measure, of] of [
      [CPU_PER_PACKET, cpuUsPerPacket],
      [TIME_PER_POINT, usPerPoint],
      [RESIDENT, rssMb],
    ] as const) {
      comparisons.push(compare(name, measure, gateway.map(of), baseline.map(of)));
    }
  }
  return {
    name,
    ...plan,
    gateway: figuresOf(gateway, plan.points),
    relay: figuresOf(relay, plan.points),
    cpuRatio: pairedRatio(gateway.map(cpuUsPerPacket), relay.map(cpuUsPerPacket)),
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

async function measureLatencies(
  stage: Stage,
  links: number,
  { seconds, rounds }: BenchOptions,
  targets: readonly Target[],
  comparisons: Comparison[],
): Promise<{ gateway: LatencyFigures; relay: LatencyFigures }> {
  const samples = await inTurn(targets, rounds, (target) => stage.latency(target, seconds));
  const { gateway, baseline, relay } = samples;
  if (baseline.length > 0) {
    for (const [measure, of] of [
      [LATENCY_UP, ({ upMs }: Latencies) => median(upMs)],
      [LATENCY_DOWN, ({ downMs }: Latencies) => median(downMs)],
    ] as const) {
      comparisons.push(compare(latencyName(links), measure, gateway.map(of), baseline.map(of)));
    }
  }
  return { gateway: latencyFigures(gateway), relay: latencyFigures(relay) };
}

function latencyFigures(samples: readonly Latencies[]): LatencyFigures {
  const upMs = samples.flatMap((sample) => sample.upMs);
  const downMs = samples.flatMap((sample) => sample.downMs);
  return {
    upP50Ms: percentile(upMs, 0.5),
    upP99Ms: percentile(upMs, 0.99),
    downP50Ms: percentile(downMs, 0.5),
    downP99Ms: percentile(downMs, 0.99),
  };
}
