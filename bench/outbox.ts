/** What the outbox on disk costs in time to open it, and in memory. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, builtIn } from './child.js';
import { RESIDENT, compare, type Comparison, type Measure } from './comparison.js';
import { MB, type Target } from './parts.js';
import { AWAY, LONG, RECOVERY, gateways, inTurn, isWanted, type BenchOptions } from './plan.js';
import type { OutboxArgs, OutboxState } from './roles/store.js';
import { onStage } from './stage.js';

/** Resident memory while points go through. */
interface MemoryFigures {
  readonly points: number;
  readonly seconds: number;
  /** At equal distances. */
  readonly rssMb: readonly number[];
}

/** All figures of the outbox; absent: not measured. */
export interface OutboxFigures {
  /** `idleMb`: what the process has without an outbox. */
  readonly recovery?: OutboxState & { readonly rssMb: number; readonly idleMb: number };
  readonly long?: MemoryFigures;
  readonly away?: MemoryFigures;
}

const FULL_BYTES = 256 * MB;
const LONG_POINTS = 3_000_000;
const BUSY = { points: 10, window: 16 };
const MOMENTS = 10;
/** The whole measurement is made where a sample has so many seconds; otherwise a part of it. */
const FULL_SECONDS = 1;

const OPENING: Measure = { what: 'opening, ms', of: 'time' };

/** Measures what `options.only` names, and adds comparisons with the baseline. */
export async function measureOutbox(
  options: BenchOptions,
  comparisons: Comparison[],
): Promise<OutboxFigures> {
  const wanted = (name: string): boolean => isWanted(name, options.only);
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
  let long: MemoryFigures | undefined;
  if (wanted(LONG)) {
    progress(LONG);
    const figures = await measureLong(LONG_POINTS * share, options, targets);
    compareMemory(LONG, figures);
    long = figures.gateway;
  }
  let away: MemoryFigures | undefined;
  if (wanted(AWAY)) {
    progress(AWAY);
    const figures = await measureAway(options, targets);
    compareMemory(AWAY, figures);
    away = figures.gateway;
  }
  return {
    ...(recovery === undefined ? {} : { recovery }),
    ...(long === undefined ? {} : { long }),
    ...(away === undefined ? {} : { away }),
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

async function measureLong(
  points: number,
  { seconds, baseline }: BenchOptions,
  targets: readonly Target[],
): Promise<Partial<Record<Target, MemoryFigures>>> {
  return onStage({ links: 16, targets, baseline }, (stage) =>
    overMoments(targets, points / MOMENTS, async (target) => {
      const { packets, rssBytes } = await stage.load(target, { ...BUSY, ms: seconds * 1000 });
      return { points: packets * BUSY.points, rssBytes };
    }),
  );
}

/** A store that is required and not there: all stays in the outbox. */
async function measureAway(
  { seconds, baseline }: BenchOptions,
  targets: readonly Target[],
): Promise<Partial<Record<Target, MemoryFigures>>> {
  const config = { siot: { store: 'required' } };
  return onStage({ links: 16, targets, baseline, config }, (stage) =>
    overMoments(targets, 1, async (target) => {
      const { packets, rssBytes } = await stage.fill(target, { ...BUSY, ms: seconds * 1000 });
      return { points: packets * BUSY.points, rssBytes };
    }),
  );
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
