/** What is aimed at, and whether the figures reach it. Pure functions: they measure nothing. */
import { IN_TIME_MS, type LoadFigures, type TargetFigures } from './loads.js';
import type { BenchFigures } from './measure.js';
import {
  DISK,
  DURABLE,
  FIRST_ACK,
  HELP,
  HIGH_RATE,
  OUTBOX,
  QUIET,
  SETTINGS,
  latencyName,
} from './plan.js';
import { percent, show, signed } from './table.js';

export type Verdict = 'met' | 'MISSED' | 'not judged';

/** A goal beside what was seen. */
export interface Judgement {
  /** Of the case, or what several cases have in common. */
  readonly name: string;
  readonly goal: string;
  readonly verdict: Verdict;
  /** For people: what was seen, and why nothing is judged. */
  readonly seen: string;
}

/** A goal of some cases: no judgement of what was not measured. */
type Goal = (figures: BenchFigures) => Judgement[];

/** The numbers of all goals. */
export const LIMITS = {
  /** One in flight: CPU of a packet, to that of the bare relay. */
  relayCpu: 1.6,
  latencyMs: 0.3,
  /** Throughput of an outbox on disk, to that of one in memory. */
  diskShare: 0.6,
  /** Beside `durability: memory`, one in flight. */
  durable: { cpu: 1.3, p50MoreMs: 0.05, p99: 2 },
  /** The record of a link, with what the file system writes for it. */
  recordBytesPerSecond: 64 * 1024,
  fairP99: 3,
  quietP50: 2,
  settingsPerSecond: 8_000,
  /** Of the settings that the relay brings down, one at a time too: as fast as the device acknowledges. */
  settingsShare: 0.5,
  /** MB, by number of links. */
  rssMb: { 1: 80, 16: 95 } as Readonly<Record<string, number>>,
  outboxRssMb: 120,
  help: { ms: 150, rssMb: 55 },
  firstAckMs: 250,
  /** Bare Node starts in this time on the machine that the times of starts are meant for. */
  nodeMs: 40,
  /** CPU of 250,000 samples/s: of a core, and to that of a program that only reads and publishes. */
  highRate: { cpuShare: 0.15, relayCpu: 1.5, p99: 2 },
  /** All, but for what is on its way at the end. */
  arrived: 0.99,
} as const;

/** All goals, in the order in which they are printed. */
const GOALS: readonly Goal[] = [
  relayCpu,
  lost,
  latency,
  durable,
  noOutboxOnDisk,
  fair,
  quiet,
  settings,
  memory,
  help,
  firstAck,
  usb,
  highRate,
  outboxShare,
  outboxMemory,
];

/** All goals of what was measured. */
export const judge = (figures: BenchFigures): Judgement[] => GOALS.flatMap((goal) => goal(figures));

const verdict = (met: boolean): Verdict => (met ? 'met' : 'MISSED');

const within = (loads: readonly LoadFigures[], group: string): LoadFigures[] =>
  loads.filter(({ name }) => name.startsWith(`${group}/`));

/** The one of all with the largest value. */
function worstOf<T>(all: readonly T[], value: (each: T) => number): T | undefined {
  return all.toSorted((a, b) => value(b) - value(a))[0];
}

function relayCpu({ loads }: BenchFigures): Judgement[] {
  const oneInFlight = loads.filter(({ window, beside }) => window === 1 && beside === 'relay');
  const worst = worstOf(oneInFlight, ({ cpuRatio }) => cpuRatio);
  if (worst === undefined) return [];
  return [
    {
      name: 'one in flight',
      goal: `CPU of a packet at most ${LIMITS.relayCpu} times the bare relay's`,
      verdict: verdict(worst.cpuRatio <= LIMITS.relayCpu),
      seen: `${worst.cpuRatio.toFixed(2)} (${worst.name})`,
    },
  ];
}

function lost({ loads, fair: { load } }: BenchFigures): Judgement[] {
  const all = [...loads, ...(load === undefined ? [] : [load])];
  if (all.length === 0) return [];
  const sum = all.reduce(
    (total, { gateway }) => total + gateway.lostPackets + gateway.lostPoints,
    0,
  );
  return [
    { name: 'all loads', goal: 'nothing lost', verdict: verdict(sum === 0), seen: show(sum) },
  ];
}

function latency({ latencies }: BenchFigures): Judgement[] {
  return latencies.map(({ links, gateway, relay }) => {
    const [worst, ofRelay] = [gateway, relay].map(({ upP50Ms, downP50Ms }) =>
      Math.max(upP50Ms, downP50Ms),
    ) as [number, number];
    return {
      name: latencyName(links),
      goal: `p50 below ${LIMITS.latencyMs} ms each way, where the relay has that`,
      verdict: ofRelay < LIMITS.latencyMs ? verdict(worst < LIMITS.latencyMs) : 'not judged',
      seen: `${worst.toFixed(2)} ms (relay ${ofRelay.toFixed(2)} ms)`,
    };
  });
}

function durable({ loads, waiting }: BenchFigures): Judgement[] {
  const { cpu, p50MoreMs, p99 } = LIMITS.durable;
  const least =
    waiting === undefined
      ? ''
      : `; bare sockets ${signed(waiting.p50MoreMs)} ms, +${show(waiting.cpuMoreUs)} µs of CPU`;
  return within(loads, DURABLE).map((load) => ({
    name: load.name,
    goal: `CPU ≤ ${cpu} × memory's, p50 ≤ ${p50MoreMs} ms above it, p99 < ${p99} ×`,
    verdict: verdict(load.cpuRatio <= cpu && load.p50MoreMs <= p50MoreMs && load.p99Ratio < p99),
    seen:
      `${load.cpuRatio.toFixed(2)} ×, ${signed(load.p50MoreMs)} ms, ` +
      `${load.p99Ratio.toFixed(2)} ×${load.store ? '' : least}`,
  }));
}

function noOutboxOnDisk({ loads, rounds }: BenchFigures): Judgement[] {
  return within(loads, DISK).map(({ name, gateway, countsDisk }) => {
    const goal = `no byte of the outbox on disk (confirmed within ${IN_TIME_MS} ms)`;
    const { answeredInTime, answeredLate } = gateway.samplesWithOutbox;
    const written = answeredInTime + answeredLate;
    const few = gateway.diskBytesPerSecond <= LIMITS.recordBytesPerSecond;
    const seen =
      `${show(gateway.diskBytesPerPoint)} B/point, of the outbox in ${written} of ${rounds} samples; ` +
      `confirmed within ${show(gateway.answerP95Ms ?? Number.NaN)} ms`;
    if (!countsDisk) {
      return { name, goal, verdict: 'not judged', seen: `${seen}; no folder here is on a disk` };
    }
    if (2 * written <= rounds) return { name, goal, verdict: verdict(few), seen };
    if (2 * answeredInTime > rounds) return { name, goal, verdict: 'MISSED', seen };
    return { name, goal, verdict: 'not judged', seen: `${seen}, which is late` };
  });
}

function fair({ fair: { load, limitedLinks } }: BenchFigures): Judgement[] {
  if (load === undefined) return [];
  const { name, gateway } = load;
  const ratio = gateway.roundTripP99Ms / gateway.roundTripP50Ms;
  return [
    {
      name,
      goal: `all equal: round trip p99 ≤ ${LIMITS.fairP99} × p50`,
      verdict: verdict(ratio <= LIMITS.fairP99),
      seen:
        `${ratio.toFixed(2)} × (${show(gateway.roundTripP99Ms)} of ` +
        `${show(gateway.roundTripP50Ms)} ms)`,
    },
    {
      name,
      goal: 'no link is called limited while all are equal',
      verdict: verdict(limitedLinks === 0),
      seen: String(limitedLinks ?? '–'),
    },
  ];
}

function quiet({ fair: { quiet: figures } }: BenchFigures): Judgement[] {
  if (figures === undefined) return [];
  const { idleP50Ms, busyP50Ms, ratio } = figures.gateway;
  return [
    {
      name: QUIET,
      goal: `p50 of a quiet link ≤ ${LIMITS.quietP50} × its idle value while sixteen saturate`,
      verdict: verdict(ratio <= LIMITS.quietP50),
      seen:
        `${ratio.toFixed(2)} × (${busyP50Ms.toFixed(2)} of ${idleP50Ms.toFixed(2)} ms; ` +
        `relay ${figures.relay.ratio.toFixed(2)} ×)`,
    },
  ];
}

function settings({ settings: figures }: BenchFigures): Judgement[] {
  if (figures === undefined) return [];
  const { gateway, relay, ratio } = figures;
  const { settingsPerSecond, settingsShare } = LIMITS;
  return [
    {
      name: SETTINGS,
      goal: `${show(settingsPerSecond)}/s, or ${settingsShare} of what the relay brings down`,
      verdict: verdict(gateway.perSecond >= settingsPerSecond || ratio >= settingsShare),
      seen:
        `${show(gateway.perSecond)}/s (relay ${show(relay.perSecond)}/s), ` +
        `p99 of one at 100/s ${gateway.p99Ms.toFixed(2)} ms`,
    },
  ];
}

function memory({ rssMb }: BenchFigures): Judgement[] {
  return Object.entries(rssMb).flatMap(([links, mb]) => {
    const limit = LIMITS.rssMb[links];
    if (limit === undefined) return [];
    return [
      {
        name: 'memory',
        goal: `below ${limit} MB with ${links} link(s), at its most, in all loads measured`,
        verdict: verdict(mb < limit),
        seen: `${show(mb)} MB`,
      },
    ];
  });
}

function help({ start }: BenchFigures): Judgement[] {
  if (start.help === undefined) return [];
  const { ms, rssMb, nodeMs, nodeRssMb } = start.help;
  const limit = LIMITS.help;
  return [
    {
      name: HELP,
      goal: `siot-mcu --help in ${startGoal(limit.ms)} and ${limit.rssMb} MB`,
      verdict: verdict(ms <= startLimit(limit.ms, nodeMs) && rssMb <= limit.rssMb),
      seen:
        `${show(ms)} ms, ${show(rssMb)} MB ` +
        `(Node alone ${show(nodeMs)} ms, ${show(nodeRssMb)} MB)`,
    },
  ];
}

function firstAck({ start }: BenchFigures): Judgement[] {
  if (start.firstAck === undefined) return [];
  const { gatewayMs, relayMs, nodeMs } = start.firstAck;
  return [
    {
      name: FIRST_ACK,
      goal: `first acknowledged packet in ${startGoal(LIMITS.firstAckMs)} after the start`,
      verdict: verdict(gatewayMs <= startLimit(LIMITS.firstAckMs, nodeMs)),
      seen: `${show(gatewayMs)} ms (relay ${show(relayMs)} ms, Node alone ${show(nodeMs)} ms)`,
    },
  ];
}

/** A start is work of one core: a slower machine gets as much more time as bare Node takes there. */
const startLimit = (ms: number, nodeMs: number): number => ms * Math.max(1, nodeMs / LIMITS.nodeMs);

const startGoal = (ms: number): string => `${ms} ms, or ${ms / LIMITS.nodeMs} × Node alone`;

/** Of all that the devices of a load with a pace would send. */
export const arrivedShare = (
  { points, links, packetsPerSecond = Number.NaN }: LoadFigures,
  { arrivedPerSecond }: Pick<TargetFigures, 'arrivedPerSecond'>,
): number => arrivedPerSecond / (points * links * packetsPerSecond);

function usb({ usb: figures }: BenchFigures): Judgement[] {
  if (figures === undefined) return [];
  const { load, pinned } = figures;
  const name = load.name;
  const goal = 'all of 8 × 1 MB/s arrives, on one core';
  const [share, ofRelay] = [load.gateway, load.relay ?? load.gateway].map((each) =>
    arrivedShare(load, each),
  ) as [number, number];
  const seen =
    `${percent(share)} at ${percent(load.gateway.cpuShare)} of a core ` +
    `(relay ${percent(ofRelay)} at ${percent(load.relay?.cpuShare ?? Number.NaN)})`;
  if (!pinned) {
    return [{ name, goal, verdict: 'not judged', seen: `${seen}; no core for it alone` }];
  }
  if (ofRelay < LIMITS.arrived) {
    const why = `the relay manages ${percent(ofRelay)}`;
    return [{ name, goal, verdict: 'not judged', seen: `${seen}; ${why}` }];
  }
  return [{ name, goal, verdict: verdict(share >= LIMITS.arrived), seen }];
}

function highRate({ highRate: figures }: BenchFigures): Judgement[] {
  if (figures === undefined) return [];
  const { paced, cpuRatio, aloneP99Ms, besideP99Ms } = figures;
  const { cpuShare, relayCpu, p99 } = LIMITS.highRate;
  const name = HIGH_RATE.name;
  const { gateway, relay } = paced;
  return [
    {
      name,
      goal: `1 MB/s below ${percent(cpuShare)} of a core`,
      verdict: verdict(gateway.cpuShare < cpuShare && gateway.arrived >= LIMITS.arrived),
      seen: `${percent(gateway.cpuShare)}, ${percent(gateway.arrived)} arrived`,
    },
    {
      name,
      goal: `CPU below ${relayCpu} times the bare reader's`,
      verdict: verdict(cpuRatio < relayCpu),
      seen: `${cpuRatio.toFixed(2)} (${show(gateway.cpuMsPerMillion)} and ${show(relay.cpuMsPerMillion)} ms/million)`,
    },
    {
      name,
      goal: `points beside it: p99 within ${p99} times its value without`,
      verdict: verdict(besideP99Ms <= p99 * aloneP99Ms),
      seen: `${besideP99Ms.toFixed(2)} of ${aloneP99Ms.toFixed(2)} ms`,
    },
  ];
}

function outboxShare({ loads }: BenchFigures): Judgement[] {
  return within(loads, OUTBOX).map(({ name, pointsRatio }) => ({
    name,
    goal: `points/s at least ${LIMITS.diskShare} of memory's`,
    verdict: verdict(pointsRatio >= LIMITS.diskShare),
    seen: pointsRatio.toFixed(2),
  }));
}

function outboxMemory({ outbox: { long, away, recovery } }: BenchFigures): Judgement[] {
  const seen: [string, number][] = [];
  const busy = Math.max(0, ...[long, away].flatMap((figures) => figures?.rssMb ?? []));
  if (busy > 0) seen.push(['busy', busy]);
  if (recovery !== undefined) seen.push(['full', recovery.rssMb]);
  return seen.map(([how, mb]) => ({
    name: OUTBOX,
    goal: `below ${LIMITS.outboxRssMb} MB with a ${how} outbox`,
    verdict: verdict(mb < LIMITS.outboxRssMb),
    seen: `${show(mb)} MB`,
  }));
}
