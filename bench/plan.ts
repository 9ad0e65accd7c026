/** What is measured, under which name and in which order. */
import type { Target } from './parts.js';

/** A load: devices, points in each packet, packets of a device without ack. */
export interface LoadPlan {
  readonly links: number;
  readonly points: number;
  readonly window: number;
}

/** Options of the bench. */
export interface BenchOptions {
  /** Length of a sample. */
  readonly seconds: number;
  /** Samples of each measurement, of all targets in turn. */
  readonly rounds: number;
  /** Names or the beginnings of names up to a slash; empty: everything. */
  readonly only: readonly string[];
  readonly profile: string | undefined;
  /** Folder of a built checkout: the same is measured with its gateway too. */
  readonly baseline: string | undefined;
  /** Told what is being measured. */
  readonly progress: (what: string) => void;
}

/** The codecs alone. */
export const CODEC = 'codec';
/** The NATS client alone. */
export const NATS = 'nats';

const load = (links: number, points: number, window: number): LoadPlan => ({
  links,
  points,
  window,
});

/** Loads of the gateway and the relay. */
export const LOADS: readonly LoadPlan[] = [
  load(1, 1, 1),
  load(1, 10, 1),
  load(1, 25, 1),
  load(1, 1, 4),
  load(1, 10, 4),
  load(1, 1, 64),
  load(1, 10, 64),
  load(16, 1, 1),
  load(16, 10, 1),
  load(16, 1, 64),
  load(16, 10, 64),
];

/** Numbers of links that are measured. */
export const STAGES: readonly number[] = [1, 16];

/** Such as `links-1/10x64`: ten points a packet, 64 packets in flight. */
export const loadName = ({ links, points, window }: LoadPlan): string =>
  `links-${String(links)}/${String(points)}x${String(window)}`;

/** Beside each other: a gateway with its outbox on disk, and one with it in memory. */
export const OUTBOX_LOADS: readonly LoadPlan[] = [
  load(16, 10, 16),
  load(16, 1, 16),
  load(1, 1, 1),
  load(16, 10, 64),
];
/** Such as `outbox/16-links-10x16`. */
export const outboxName = ({ links, points, window }: LoadPlan): string =>
  `outbox/${String(links)}-links-${String(points)}x${String(window)}`;
/** How long a full outbox takes to be opened. */
export const RECOVERY = 'outbox/recovery';
/** Memory over the traffic of an hour at 10,000 points/s, as fast as it goes. */
export const HOUR = 'outbox/hour';
/** Memory while a full load fills the outbox, since the store does not answer. */
export const AWAY = 'outbox/away';

/** Such as `links-1/latency`. */
export const latencyName = (links: number): string => `links-${String(links)}/latency`;

/** All that can be measured. */
export const ALL_NAMES: readonly string[] = [
  CODEC,
  NATS,
  ...LOADS.map(loadName),
  ...STAGES.map(latencyName),
  ...OUTBOX_LOADS.map(outboxName),
  RECOVERY,
  HOUR,
  AWAY,
];

/** What is compared: this gateway, and where one was given that of the baseline. */
export const gateways = ({ baseline }: BenchOptions): Target[] =>
  baseline === undefined ? ['gateway'] : ['gateway', 'baseline'];

/**
 * One sample of each target in each round, in the opposite order every second
 * round: what slows the machine down for a while slows all targets. A target
 * that is not among them has no samples.
 */
export async function inTurn<T>(
  targets: readonly Target[],
  rounds: number,
  sample: (target: Target) => Promise<T>,
): Promise<Record<Target, T[]>> {
  const samples: Record<Target, T[]> = { gateway: [], baseline: [], relay: [], memory: [] };
  for (let round = 0; round < rounds; round++) {
    for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
      samples[target].push(await sample(target));
    }
  }
  return samples;
}

/** `only`: as {@link BenchOptions.only}. */
export function isWanted(name: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some((word) => name === word || name.startsWith(`${word}/`));
}
