/** What the outbox on disk costs: against one in memory, in time to open it, and in memory. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, builtIn } from './child.js';
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
  AWAY,
  HOUR,
  OUTBOX_LOADS,
  RECOVERY,
  gateways,
  inTurn,
  isWanted,
  outboxName,
  type BenchOptions,
  type LoadPlan,
} from './plan.js';
import type { OutboxArgs, OutboxState } from './roles/store.js';
import { Stage, type Sample } from './stage.js';
import { median, pairedRatio } from './statistics.js';

/** An outbox on disk beside one in memory, under a load. */
interface OutboxLoadFigures extends LoadPlan {
  readonly name: string;
  readonly diskPointsPerSecond: number;
  readonly memoryPointsPerSecond: number;
  /** Disk to memory: median of the pairs. */
  readonly ratio: number;
  readonly lost: number;
}

/** Resident memory while points go through. */
interface MemoryFigures {
  readonly points: number;
  readonly seconds: number;
  /** At equal distances. */
  readonly rssMb: readonly number[];
}

/** All figures of the outbox; absent: not measured. */
export interface OutboxFigures {
  readonly loads: readonly OutboxLoadFigures[];
  /** `idleMb`: what the process has without an outbox. */
  readonly recovery?: OutboxState & { readonly rssMb: number; readonly idleMb: number };
  readonly hour?: MemoryFigures;
  readonly away?: MemoryFigures;
}

const MB = 1024 * 1024;
const FULL_BYTES = 256 * MB;
const HOUR_POINTS = 3600 * 10_000;
const WARM = { points: 10, window: 4, ms: 400 };
const BUSY = { points: 10, window: 16 };
const MOMENTS = 10;
/** Of the whole measurement, where a sample has so many seconds. */
const FULL_SECONDS = 1.5;

const OPENING: Measure = { what: 'opening, ms', of: 'time' };

/** Measures what `options.only` names, and adds comparisons with the baseline. */
export async function measureOutbox(
  options: BenchOptions,
  comparisons: Comparison[],
): Promise<OutboxFigures> {
  const wanted = (name: string): boolean => isWanted(name, options.only);
  const loads: OutboxLoadFigures[] = [];
  for (const plan of OUTBOX_LOADS) {
    if (wanted(outboxName(plan))) loads.push(await measureLoad(plan, options, comparisons));
  }
  const { seconds, progress } = options;
  const share = Math.min(1, seconds / FULL_SECONDS);
  const targets: Target[] = gateways(options);
  const compareMemory = (name: string, figures: Partial<Record<Target, MemoryFigures>>): void => {
    const { gateway, baseline: other } = figures;
    if (gateway === undefined || other === undefined) return;
    comparisons.push(compare(name, RESIDENT, gateway.rssMb, other.rssMb));
  };
  let recovery: OutboxFigures['recovery'];
  if (wanted(RECOVERY)) {
    progress(RECOVERY);
    recovery = await measureRecovery(FULL_BYTES * share, options, targets, comparisons);
  }
  let hour: MemoryFigures | undefined;
  if (wanted(HOUR)) {
    progress(HOUR);
    const figures = await measureHour(HOUR_POINTS * share, options, targets);
    compareMemory(HOUR, figures);
    hour = figures.gateway;
  }
  let away: MemoryFigures | undefined;
  if (wanted(AWAY)) {
    progress(AWAY);
    const figures = await measureAway(options, targets);
    compareMemory(AWAY, figures);
    away = figures.gateway;
  }
  return {
    loads,
    ...(recovery === undefined ? {} : { recovery }),
    ...(hour === undefined ? {} : { hour }),
    ...(away === undefined ? {} : { away }),
  };
}

async function measureLoad(
  plan: LoadPlan,
  options: BenchOptions,
  comparisons: Comparison[],
): Promise<OutboxLoadFigures> {
  const { seconds, rounds, profile, baseline, progress } = options;
  const name = outboxName(plan);
  progress(name);
  const { links, points, window } = plan;
  const targets: Target[] = ['memory', ...gateways(options)];
  const stage = new Stage({ links, targets, baseline, profile });
  let samples: Record<Target, Sample[]>;
  try {
    await stage.start();
    for (const target of targets) await stage.load(target, WARM);
    const spec = { points, window, ms: seconds * 1000 };
    samples = await inTurn(targets, rounds, (target) => stage.load(target, spec));
  } finally {
    await stage.stop();
  }
  const { gateway: disk, memory } = samples;
  if (baseline !== undefined) {
    for (const [measure, of] of [
      [CPU_PER_PACKET, ({ cpuMs, packets }: Sample) => (cpuMs / packets) * 1000],
      [TIME_PER_POINT, ({ ms, packets }: Sample) => (ms / packets / points) * 1000],
    ] as const) {
      comparisons.push(compare(name, measure, disk.map(of), samples.baseline.map(of)));
    }
  }
  const perSecond = ({ packets, ms }: Sample): number => ((packets * points) / ms) * 1000;
  return {
    name,
    ...plan,
    diskPointsPerSecond: median(disk.map(perSecond)),
    memoryPointsPerSecond: median(memory.map(perSecond)),
    ratio: pairedRatio(disk.map(perSecond), memory.map(perSecond)),
    lost: [...disk, ...memory].reduce((sum, one) => sum + one.lostPackets + one.lostPoints, 0),
  };
}

type Recovery = NonNullable<OutboxFigures['recovery']>;

async function measureRecovery(
  maxBytes: number,
  { rounds, baseline }: BenchOptions,
  targets: readonly Target[],
  comparisons: Comparison[],
): Promise<Recovery> {
  const path = mkdtempSync(join(tmpdir(), 'siot-mcu-bench-'));
  const programOf = (target: Target): string =>
    target === 'baseline' && baseline !== undefined
      ? builtIn(baseline, 'bench/roles/store.js')
      : 'roles/store.js';
  const argsOf = (target: Target): OutboxArgs => ({ path: join(path, target), maxBytes });
  try {
    for (const target of targets) {
      mkdirSync(join(path, target));
      await inChild(programOf(target), (child) => child.ask('fill', argsOf(target)));
    }
    // Alone it is opened once: a full outbox takes its time.
    const times = targets.length > 1 ? rounds : 1;
    const samples = await inTurn(targets, times, (target) =>
      inChild(programOf(target), async (child): Promise<Recovery> => {
        const idleMb = (await child.usage()).rssBytes / MB;
        const state = await child.ask<OutboxState>('open', argsOf(target));
        return { ...state, idleMb, rssMb: (await child.usage()).rssBytes / MB };
      }),
    );
    if (targets.length > 1) {
      for (const [measure, of] of [
        [OPENING, ({ ms }: Recovery) => ms],
        [RESIDENT, ({ rssMb }: Recovery) => rssMb],
      ] as const) {
        const [own, others] = [samples.gateway.map(of), samples.baseline.map(of)];
        comparisons.push(compare(RECOVERY, measure, own, others));
      }
    }
    return samples.gateway[0]!;
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

async function inChild<T>(program: string, work: (child: Child) => Promise<T>): Promise<T> {
  const child = new Child(program);
  try {
    return await work(child);
  } finally {
    await child.stop();
  }
}

async function measureHour(
  points: number,
  { seconds, baseline }: BenchOptions,
  targets: readonly Target[],
): Promise<Partial<Record<Target, MemoryFigures>>> {
  const stage = new Stage({ links: 16, targets, baseline });
  try {
    await stage.start();
    return await overMoments(targets, points / MOMENTS, async (target) => {
      const { packets, rssBytes } = await stage.load(target, { ...BUSY, ms: seconds * 1000 });
      return { points: packets * BUSY.points, rssBytes };
    });
  } finally {
    await stage.stop();
  }
}

/** A store that is required and not there: all stays in the outbox. */
async function measureAway(
  { seconds, baseline }: BenchOptions,
  targets: readonly Target[],
): Promise<Partial<Record<Target, MemoryFigures>>> {
  const config = { siot: { store: 'required' } };
  const stage = new Stage({ links: 16, targets, baseline, config });
  try {
    await stage.start();
    return await overMoments(targets, 1, async (target) => {
      const { packets, rssBytes } = await stage.fill(target, { ...BUSY, ms: seconds * 1000 });
      return { points: packets * BUSY.points, rssBytes };
    });
  } finally {
    await stage.stop();
  }
}

/** Works until so many points have gone through each target, for each of the moments. */
async function overMoments(
  targets: readonly Target[],
  pointsEach: number,
  work: (target: Target) => Promise<{ readonly points: number; readonly rssBytes: number }>,
): Promise<Partial<Record<Target, MemoryFigures>>> {
  const pointsOf = new Map<Target, number>();
  const samples = await inTurn(targets, MOMENTS, async (target) => {
    const startMs = performance.now();
    const before = pointsOf.get(target) ?? 0;
    const moment = 1 + Math.floor(before / pointsEach);
    let points = before;
    let rssBytes: number;
    do {
      const done = await work(target);
      points += done.points;
      rssBytes = done.rssBytes;
    } while (points < pointsEach * moment);
    pointsOf.set(target, points);
    return { ms: performance.now() - startMs, rssMb: rssBytes / MB };
  });
  return Object.fromEntries(
    targets.map((target) => [
      target,
      {
        points: pointsOf.get(target) ?? 0,
        seconds: samples[target].reduce((sum, { ms }) => sum + ms, 0) / 1000,
        rssMb: samples[target].map(({ rssMb }) => rssMb),
      },
    ]),
  );
}
