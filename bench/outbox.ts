/** What the outbox on disk costs: against one in memory, in time to open it, and in memory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.js';
import {
  AWAY,
  HOUR,
  OUTBOX_LOADS,
  RECOVERY,
  isWanted,
  outboxName,
  type BenchOptions,
  type LoadPlan,
} from './plan.js';
import type { OutboxState } from './roles/store.js';
import { Stage, type Sample } from './stage.js';
import { median, pairedRatio } from './statistics.js';

export interface OutboxLoadFigures extends LoadPlan {
  readonly name: string;
  readonly diskPointsPerSecond: number;
  readonly memoryPointsPerSecond: number;
  /** Disk to memory: median of the pairs. */
  readonly ratio: number;
  readonly lost: number;
}

/** Resident memory while points go through. */
export interface MemoryFigures {
  readonly points: number;
  readonly seconds: number;
  /** At equal distances. */
  readonly rssMb: readonly number[];
}

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

export async function measureOutbox(options: BenchOptions): Promise<OutboxFigures> {
  const wanted = (name: string): boolean => isWanted(name, options.only);
  const loads: OutboxLoadFigures[] = [];
  for (const plan of OUTBOX_LOADS) {
    if (wanted(outboxName(plan))) loads.push(await compare(plan, options));
  }
  const { seconds, progress } = options;
  const share = Math.min(1, seconds / FULL_SECONDS);
  if (wanted(RECOVERY)) progress(RECOVERY);
  const recovery = wanted(RECOVERY) ? await measureRecovery(FULL_BYTES * share) : undefined;
  if (wanted(HOUR)) progress(HOUR);
  const hour = wanted(HOUR) ? await measureHour(HOUR_POINTS * share, seconds) : undefined;
  if (wanted(AWAY)) progress(AWAY);
  const away = wanted(AWAY) ? await measureAway(seconds) : undefined;
  return {
    loads,
    ...(recovery === undefined ? {} : { recovery }),
    ...(hour === undefined ? {} : { hour }),
    ...(away === undefined ? {} : { away }),
  };
}

async function compare(
  plan: LoadPlan,
  { seconds, rounds, profile, progress }: BenchOptions,
): Promise<OutboxLoadFigures> {
  progress(outboxName(plan));
  const { points, window } = plan;
  const stage = new Stage(plan.links, profile, 'memory');
  const disk: Sample[] = [];
  const memory: Sample[] = [];
  try {
    await stage.start();
    for (const target of ['gateway', 'relay'] as const) await stage.load(target, WARM);
    for (let round = 0; round < rounds; round++) {
      disk.push(await stage.load('gateway', { points, window, ms: seconds * 1000 }));
      memory.push(await stage.load('relay', { points, window, ms: seconds * 1000 }));
    }
  } finally {
    await stage.stop();
  }
  const perSecond = ({ packets, ms }: Sample): number => ((packets * points) / ms) * 1000;
  return {
    name: outboxName(plan),
    ...plan,
    diskPointsPerSecond: median(disk.map(perSecond)),
    memoryPointsPerSecond: median(memory.map(perSecond)),
    ratio: pairedRatio(disk.map(perSecond), memory.map(perSecond)),
    lost: [...disk, ...memory].reduce((sum, one) => sum + one.lostPackets + one.lostPoints, 0),
  };
}

async function measureRecovery(maxBytes: number): Promise<OutboxFigures['recovery']> {
  const path = mkdtempSync(join(tmpdir(), 'siot-mcu-bench-'));
  try {
    await inChild((child) => child.ask('fill', { path, maxBytes }));
    return await inChild(async (child) => {
      const idleMb = (await child.usage()).rssBytes / MB;
      const state = await child.ask<OutboxState>('open', { path, maxBytes });
      return { ...state, idleMb, rssMb: (await child.usage()).rssBytes / MB };
    });
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

async function inChild<T>(work: (child: Child) => Promise<T>): Promise<T> {
  const child = new Child('roles/store.js');
  try {
    return await work(child);
  } finally {
    await child.stop();
  }
}

async function measureHour(points: number, seconds: number): Promise<MemoryFigures> {
  const stage = new Stage(16, undefined, 'memory');
  try {
    await stage.start();
    return await overMoments(points / MOMENTS, async () => {
      const { packets, rssBytes } = await stage.load('gateway', { ...BUSY, ms: seconds * 1000 });
      return { points: packets * BUSY.points, rssBytes };
    });
  } finally {
    await stage.stop();
  }
}

/** A store that is required and not there: all stays in the outbox. */
async function measureAway(seconds: number): Promise<MemoryFigures> {
  const stage = new Stage(16, undefined, 'memory', { siot: { store: 'required' } });
  try {
    await stage.start();
    return await overMoments(1, async () => {
      const { packets, rssBytes } = await stage.fill({ ...BUSY, ms: seconds * 1000 });
      return { points: packets * BUSY.points, rssBytes };
    });
  } finally {
    await stage.stop();
  }
}

/** Works until so many points have gone through, for each of the moments. */
async function overMoments(
  pointsEach: number,
  work: () => Promise<{ readonly points: number; readonly rssBytes: number }>,
): Promise<MemoryFigures> {
  const startMs = performance.now();
  const rssMb: number[] = [];
  let points = 0;
  for (let moment = 1; moment <= MOMENTS; moment++) {
    let rssBytes: number;
    do {
      const done = await work();
      points += done.points;
      rssBytes = done.rssBytes;
    } while (points < pointsEach * moment);
    rssMb.push(rssBytes / MB);
  }
  return { points, seconds: (performance.now() - startMs) / 1000, rssMb };
}
