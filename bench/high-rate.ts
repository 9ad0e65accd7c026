/** What high-rate samples of one device cost, beside a program that only reads the port and publishes. */
import { compare, type Comparison, type Measure } from './comparison.js';
import { HIGH_RATE, inTurn, isWanted, targetsBeside, type BenchOptions } from './plan.js';
import { onWarmStage, type StreamSample } from './stage.js';
import { median, pairedRatio } from './statistics.js';

/** One target; medians. */
export interface StreamFigures {
  readonly samplesPerSecond: number;
  /** Of the samples that were sent. */
  readonly arrived: number;
  /** Of one core. */
  readonly cpuShare: number;
  readonly cpuMsPerMillion: number;
}

export interface HighRateFigures {
  /** At the pace of {@link HIGH_RATE}. */
  readonly paced: { readonly gateway: StreamFigures; readonly relay: StreamFigures };
  /** As fast as the PTY is read. */
  readonly most: { readonly gateway: StreamFigures; readonly relay: StreamFigures };
  /** CPU for a million samples, gateway to relay: median of the pairs. */
  readonly cpuRatio: number;
  /** Of points from packet to ack: alone, and beside the paced stream. */
  readonly aloneP99Ms: number;
  readonly besideP99Ms: number;
}

const CPU: Measure = { what: 'CPU, ms/million samples', of: 'time' };
/** What arrives later than that after the end was thrown away. */
const ARRIVED_WITHIN_MS = 500;

const cpuMsPerMillion = ({ cpuMs, samples }: StreamSample): number => (cpuMs / samples) * 1e6;

/** Undefined: not wanted. */
export async function measureHighRate(
  options: BenchOptions,
  comparisons: Comparison[],
): Promise<HighRateFigures | undefined> {
  const { only, baseline, profile, progress, rounds, seconds } = options;
  if (!isWanted(HIGH_RATE.name, only)) return undefined;
  progress(`starting a device with ${String(HIGH_RATE.samplesPerSecond)} samples/s`);
  const { samplesPerSecond, samplesPerPacket, pointsPerSecond } = HIGH_RATE;
  // Another program need not know such packets.
  const targets = targetsBeside({ ...options, against: undefined }, ['relay']);
  const packetsPerSecond = samplesPerSecond / samplesPerPacket;
  const ms = seconds * 1000;
  return onWarmStage({ links: 1, targets, baseline, profile }, async (stage) => {
    const stream = (
      more: { packetsPerSecond?: number; pointsPerSecond: number },
      samples: number,
    ) =>
      inTurn(targets, rounds, (target) =>
        stage.stream(target, { ms, samples, ...more }, ARRIVED_WITHIN_MS),
      );
    progress(HIGH_RATE.name);
    // First, since after it the code is warm.
    const most = await stream({ pointsPerSecond: 0 }, samplesPerPacket);
    const paced = await stream({ packetsPerSecond, pointsPerSecond: 0 }, samplesPerPacket);
    const alone = await stage.stream(
      'gateway',
      { ms: ms * 2, samples: samplesPerPacket, packetsPerSecond: 0, pointsPerSecond },
      ARRIVED_WITHIN_MS,
    );
    const beside = await stage.stream(
      'gateway',
      { ms: ms * 2, samples: samplesPerPacket, packetsPerSecond, pointsPerSecond },
      ARRIVED_WITHIN_MS,
    );
    if (paced.baseline.length > 0) {
      const of = (samples: readonly StreamSample[]): number[] => samples.map(cpuMsPerMillion);
      comparisons.push(compare(HIGH_RATE.name, CPU, of(paced.gateway), of(paced.baseline)));
    }
    return {
      paced: { gateway: figuresOf(paced.gateway), relay: figuresOf(paced.relay) },
      most: { gateway: figuresOf(most.gateway), relay: figuresOf(most.relay) },
      cpuRatio: pairedRatio(paced.gateway.map(cpuMsPerMillion), paced.relay.map(cpuMsPerMillion)),
      aloneP99Ms: alone.tripP99Ms,
      besideP99Ms: beside.tripP99Ms,
    };
  });
}

function figuresOf(samples: readonly StreamSample[]): StreamFigures {
  return {
    samplesPerSecond: median(samples.map(({ arrivedSamples, ms }) => (arrivedSamples / ms) * 1000)),
    arrived: median(samples.map((sample) => sample.arrivedSamples / sample.samples)),
    cpuShare: median(samples.map(({ cpuMs, ms }) => cpuMs / ms)),
    cpuMsPerMillion: median(samples.map(cpuMsPerMillion)),
  };
}
