/** Measures the cases that are a load. */
import { RESIDENT, TIME_PER_POINT, compare, type Comparison, type Measure } from './comparison.js';
import { MB, type Target } from './parts.js';
import {
  LOAD_CASES,
  STAGES,
  inTurn,
  isWanted,
  latencyName,
  targetsBeside,
  type BenchOptions,
  type LoadCase,
} from './plan.js';
import { onWarmStage, type Latencies, type Sample, type Stage } from './stage.js';
import { median, pairedRatio, percentile } from './statistics.js';

/** Of a target under a load: medians of the samples, where nothing else is said. */
export interface TargetFigures {
  readonly pointsPerSecond: number;
  /** Of these, at the subscriber. */
  readonly arrivedPerSecond: number;
  readonly cpuUsPerPacket: number;
  readonly cpuUsPerPoint: number;
  /** Of one core. */
  readonly cpuShare: number;
  /** From a packet to its ack. */
  readonly roundTripP50Ms: number;
  readonly roundTripP99Ms: number;
  /** Of all samples. */
  readonly lostPackets: number;
  readonly lostPoints: number;
  /** Most memory that the process ever had. */
  readonly rssMb: number;
  readonly diskBytesPerPoint: number;
  readonly diskBytesPerSecond: number;
  /** Samples in which a file of the outbox was made or written to, by how soon points were confirmed. */
  readonly samplesWithOutbox: { readonly answeredInTime: number; readonly answeredLate: number };
  /** What 95 of 100 confirmations took at most; absent: not measured. */
  readonly answerP95Ms?: number;
}

/** An outbox that is on disk although points were confirmed so soon is one that need not be, ms. */
export const IN_TIME_MS = 5;

/** The gateway and what it is held against, under a load. */
export interface LoadFigures extends LoadCase {
  readonly gateway: TargetFigures;
  readonly relay?: TargetFigures;
  readonly memory?: TargetFigures;
  /** Null: it acknowledges nothing. */
  readonly against?: TargetFigures | null;
  /** Gateway to {@link LoadCase.beside}; medians of the pairs. */
  readonly cpuRatio: number;
  readonly pointsRatio: number;
  readonly p99Ratio: number;
  /** Gateway less what is beside it: median of the pairs. */
  readonly p50MoreMs: number;
  /** Whether bytes written to disk are counted on this computer. */
  readonly countsDisk: boolean;
}

/** Latency of single points, ms. */
export interface LatencyFigures {
  readonly upP50Ms: number;
  readonly upP99Ms: number;
  readonly downP50Ms: number;
  readonly downP99Ms: number;
}

/** Of the targets with so many links. */
export interface LatenciesFigures {
  readonly links: number;
  readonly gateway: LatencyFigures;
  readonly relay: LatencyFigures;
  readonly against?: LatencyFigures | null;
}

const CPU_PER_PACKET: Measure = { what: 'CPU, µs/packet', of: 'time' };
const ROUND_TRIP_P50: Measure = { what: 'round trip p50, ms', of: 'time' };
const ROUND_TRIP_P99: Measure = { what: 'round trip p99, ms', of: 'time' };
const LATENCY_UP: Measure = { what: 'up p50, ms', of: 'time' };
const LATENCY_DOWN: Measure = { what: 'down p50, ms', of: 'time' };

/** Measures what `options.only` names: each group of cases that run on one stage. */
export async function measureLoads(
  options: BenchOptions,
  comparisons: Comparison[],
): Promise<{ loads: LoadFigures[]; latencies: LatenciesFigures[] }> {
  const { only, baseline, against, profile, progress } = options;
  const loads: LoadFigures[] = [];
  const latencies: LatenciesFigures[] = [];
  for (const links of STAGES) {
    for (const store of [false, true]) {
      const cases = LOAD_CASES.filter(
        (each) => each.links === links && each.store === store && isWanted(each.name, only),
      );
      const withLatency = !store && isWanted(latencyName(links), only);
      if (cases.length === 0 && !withLatency) continue;
      progress(`starting ${String(links)} link(s)${store ? ' with a store' : ''}`);
      const beside = new Set([
        ...cases.map((each) => each.beside),
        ...(withLatency ? (['relay'] as const) : []),
      ]);
      const targets = targetsBeside(options, [...beside]);
      const given = { links, store, targets, baseline, against, profile };
      await onWarmStage(given, async (stage) => {
        for (const each of cases) loads.push(await measureLoad(stage, each, options, comparisons));
        if (!withLatency) return;
        progress(latencyName(links));
        latencies.push(await measureLatencies(stage, links, options, comparisons));
      });
    }
  }
  return { loads, latencies };
}

/** One case on a stage that runs. */
export async function measureLoad(
  stage: Stage,
  each: LoadCase,
  options: BenchOptions,
  comparisons: Comparison[],
  arrivedWithinMs?: number,
): Promise<LoadFigures> {
  const { name, points, window, packetsPerSecond, beside, withAnswers } = each;
  options.progress(name);
  const spec = { points, window, packetsPerSecond, withAnswers, ms: options.seconds * 1000 };
  const targets = targetsBeside(options, [beside]);
  const samples = await inTurn(targets, options.rounds, (target) =>
    stage.load(target, spec, arrivedWithinMs),
  );
  const { gateway, baseline } = samples;
  if (baseline.length > 0) {
    const usPerPoint = ({ ms, packets }: Sample): number => (ms / packets / points) * 1000;
    const rssMb = ({ peakRssBytes }: Sample): number => peakRssBytes / MB;
    for (const [measure, of] of [
      [CPU_PER_PACKET, cpuUsPerPacket],
      [TIME_PER_POINT, usPerPoint],
      [ROUND_TRIP_P50, p50],
      [ROUND_TRIP_P99, p99],
      [RESIDENT, rssMb],
    ] as const) {
      comparisons.push(compare(name, measure, gateway.map(of), baseline.map(of)));
    }
  }
  const figures = (target: Target): TargetFigures => figuresOf(samples[target], points);
  const others = samples[beside];
  const perSecond = (sample: Sample): number => pointsPerSecond(sample, points);
  return {
    ...each,
    gateway: figures('gateway'),
    [beside]: figures(beside),
    ...(samples.against.length === 0
      ? {}
      : { against: samples.against.some(isAcknowledged) ? figures('against') : null }),
    cpuRatio: pairedRatio(gateway.map(cpuUsPerPacket), others.map(cpuUsPerPacket)),
    pointsRatio: pairedRatio(gateway.map(perSecond), others.map(perSecond)),
    p99Ratio: pairedRatio(gateway.map(p99), others.map(p99)),
    p50MoreMs: median(gateway.map((sample, i) => p50(sample) - p50(others[i] ?? sample))),
    countsDisk: stage.countsDisk,
  };
}

const isAcknowledged = ({ packets, lostPackets }: Sample): boolean => lostPackets < packets;
const cpuUsPerPacket = ({ cpuMs, packets }: Sample): number => (cpuMs / packets) * 1000;
const p50 = ({ roundTripMs }: Sample): number => roundTripMs.p50;
const p99 = ({ roundTripMs }: Sample): number => roundTripMs.p99;
const pointsPerSecond = ({ packets, ms }: Sample, points: number): number =>
  ((packets * points) / ms) * 1000;

function figuresOf(samples: readonly Sample[], points: number): TargetFigures {
  const perPacket = median(samples.map(cpuUsPerPacket));
  const onDisk = samples.filter(({ outboxWrites }) => outboxWrites > 0);
  const isLate = ({ answerP95Ms = 0 }: Sample): boolean => answerP95Ms > IN_TIME_MS;
  const answersMs = samples.flatMap(({ answerP95Ms = [] }) => answerP95Ms);
  const sum = (of: (sample: Sample) => number): number =>
    samples.reduce((total, sample) => total + of(sample), 0);
  return {
    pointsPerSecond: median(samples.map((sample) => pointsPerSecond(sample, points))),
    arrivedPerSecond: median(
      samples.map(({ packets, lostPoints, ms }) => ((packets * points - lostPoints) / ms) * 1000),
    ),
    cpuUsPerPacket: perPacket,
    cpuUsPerPoint: perPacket / points,
    cpuShare: median(samples.map(({ cpuMs, ms }) => cpuMs / ms)),
    roundTripP50Ms: median(samples.map(p50)),
    roundTripP99Ms: median(samples.map(p99)),
    lostPackets: sum(({ lostPackets }) => lostPackets),
    lostPoints: sum(({ lostPoints }) => lostPoints),
    rssMb: Math.max(...samples.map(({ peakRssBytes }) => peakRssBytes)) / MB,
    diskBytesPerPoint: median(
      samples.map(({ writtenBytes, packets }) => writtenBytes / packets / points),
    ),
    diskBytesPerSecond: median(samples.map(({ writtenBytes, ms }) => (writtenBytes / ms) * 1000)),
    samplesWithOutbox: {
      answeredInTime: onDisk.filter((sample) => !isLate(sample)).length,
      answeredLate: onDisk.filter(isLate).length,
    },
    ...(answersMs.length === 0 ? {} : { answerP95Ms: median(answersMs) }),
  };
}

async function measureLatencies(
  stage: Stage,
  links: number,
  options: BenchOptions,
  comparisons: Comparison[],
): Promise<LatenciesFigures> {
  const { seconds, rounds } = options;
  const targets = targetsBeside(options, ['relay']);
  const samples = await inTurn(targets, rounds, (target) => stage.latency(target, seconds));
  const { gateway, baseline, relay, against } = samples;
  if (baseline.length > 0) {
    for (const [measure, of] of [
      [LATENCY_UP, ({ upMs }: Latencies) => median(upMs)],
      [LATENCY_DOWN, ({ downMs }: Latencies) => median(downMs)],
    ] as const) {
      comparisons.push(compare(latencyName(links), measure, gateway.map(of), baseline.map(of)));
    }
  }
  return {
    links,
    gateway: latencyFigures(gateway),
    relay: latencyFigures(relay),
    ...(against.length === 0
      ? {}
      : { against: against.some(({ upMs }) => upMs.length > 0) ? latencyFigures(against) : null }),
  };
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
