/** What is measured, under which name and in which order. */
import { pointFrames } from './frames.js';
import type { Against, Target } from './parts.js';

/** A load: devices, points in each packet, packets of a device without ack. */
export interface LoadPlan {
  readonly links: number;
  readonly points: number;
  readonly window: number;
}

/** A load under a name, through the gateways and one target beside them. */
export interface LoadCase extends LoadPlan {
  readonly name: string;
  /** What the gateway is held against. */
  readonly beside: Target;
  /** A store confirms the points; otherwise nats-server does. */
  readonly store: boolean;
  /** Of each device; absent: as many as are acknowledged. */
  readonly packetsPerSecond?: number;
  /** Whether it is measured how soon points are confirmed. */
  readonly withAnswers?: boolean;
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
  /** The same is measured with this program too. */
  readonly against: Against | undefined;
  /** Told what is being measured. */
  readonly progress: (what: string) => void;
}

/** The codecs alone. */
export const CODEC = 'codec';
/** The NATS client alone. */
export const NATS = 'nats';
/** One message after the other, each confirmed by the server. */
export const CONFIRMED = 'nats/confirmed';

const load = (links: number, points: number, window: number): LoadPlan => ({
  links,
  points,
  window,
});

/** Such as `10x64`: ten points a packet, 64 packets in flight. */
const shape = ({ points, window }: LoadPlan): string => `${String(points)}x${String(window)}`;

/** Beside the relay, such as `links-1/10x64`. */
const LOADS: readonly LoadCase[] = [
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
].map((plan) => ({
  ...plan,
  name: `links-${String(plan.links)}/${shape(plan)}`,
  beside: 'relay',
  store: false,
}));

/** A gateway as it is configured by default, beside one with its outbox in memory. */
export const DURABLE = 'durable';
/** Bytes that a gateway as it is configured by default writes to disk. */
export const DISK = 'disk';
/** Throughput with an outbox on disk, beside one in memory. */
export const OUTBOX = 'outbox';

const durable = (store: boolean): LoadCase[] =>
  [load(1, 1, 1), load(1, 10, 1), load(1, 25, 1)].map((plan) => ({
    ...plan,
    name: `${DURABLE}/${store ? 'store-' : ''}${shape(plan)}`,
    beside: 'memory',
    store,
  }));

const disk = (store: boolean): LoadCase[] => [
  {
    ...load(1, 10, 64),
    name: `${DISK}/${store ? 'store-' : ''}paced`,
    beside: 'relay',
    store,
    withAnswers: true,
    // 1,000 points/s.
    packetsPerSecond: 100,
  },
  {
    ...load(1, 10, 64),
    name: `${DISK}/${store ? 'store-' : ''}full`,
    beside: 'relay',
    store,
    withAnswers: true,
  },
];

/** Cases that are a load. */
export const LOAD_CASES: readonly LoadCase[] = [
  ...LOADS,
  ...durable(false),
  ...durable(true),
  ...disk(false),
  ...disk(true),
  ...[load(16, 10, 16), load(16, 1, 16), load(16, 10, 64)].map((plan): LoadCase => ({
    ...plan,
    name: `${OUTBOX}/${String(plan.links)}-links-${shape(plan)}`,
    beside: 'memory',
    store: false,
  })),
];

/** Sixteen equal links. */
export const FAIR: LoadCase = {
  ...load(16, 10, 16),
  name: 'fair/16x16',
  beside: 'relay',
  store: false,
};
/** A quiet link beside sixteen that are saturated. */
export const QUIET = 'fair/quiet';

/** Settings of points that the device has reported. */
export const SETTINGS = 'settings/known';
export const KNOWN_SETTINGS = 50;

/** What a USB full-speed device brings at most, bytes/s. */
export const USB_BYTES_PER_SECOND = 1_000_000;
const USB_POINTS = 25;
/** Eight USB full-speed devices on one core. */
export const USB: LoadCase & { readonly packetsPerSecond: number } = {
  ...load(8, USB_POINTS, 128),
  name: 'usb/8',
  beside: 'relay',
  store: false,
  packetsPerSecond: USB_BYTES_PER_SECOND / pointFrames(USB_POINTS, 'compact')[0]!.length,
};

/** A device that samples fast: 1 MB/s, with points beside it. */
export const HIGH_RATE = {
  name: 'high-rate',
  samplesPerSecond: 250_000,
  samplesPerPacket: 200,
  pointsPerSecond: 100,
} as const;

/** `siot-mcu --help`. */
export const HELP = 'start/help';
/** From the start of `siot-mcu run` to the first acknowledged packet. */
export const FIRST_ACK = 'start/first-ack';

/** How long a full outbox takes to be opened. */
export const RECOVERY = 'outbox/recovery';
/** Memory while three million points go through. */
export const LONG = 'outbox/long';
/** Memory while a full load fills the outbox, since the store does not answer. */
export const AWAY = 'outbox/away';

/** Numbers of links whose latency is measured. */
export const STAGES: readonly number[] = [1, 16];
/** Such as `links-1/latency`. */
export const latencyName = (links: number): string => `links-${String(links)}/latency`;

/** All that can be measured. */
export const ALL_NAMES: readonly string[] = [
  CODEC,
  NATS,
  CONFIRMED,
  ...LOAD_CASES.map(({ name }) => name),
  ...STAGES.map(latencyName),
  FAIR.name,
  QUIET,
  SETTINGS,
  USB.name,
  HIGH_RATE.name,
  HELP,
  FIRST_ACK,
  RECOVERY,
  LONG,
  AWAY,
];

/** What is compared: this gateway, and where one was given that of the baseline. */
export const gateways = ({ baseline }: BenchOptions): Target[] =>
  baseline === undefined ? ['gateway'] : ['gateway', 'baseline'];

/** This gateway, what it is held against, and all that the options name. */
export const targetsBeside = (options: BenchOptions, beside: readonly Target[]): Target[] => [
  ...gateways(options),
  ...beside,
  ...(options.against === undefined ? [] : (['against'] as const)),
];

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
  const samples: Record<Target, T[]> = {
    gateway: [],
    baseline: [],
    relay: [],
    memory: [],
    against: [],
  };
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
