/** Whether links that want more than there is time for harm each other, or a quiet one. */
import { compare, type Comparison, type Measure } from './comparison.js';
import { measureLoad, type LoadFigures } from './loads.js';
import { FAIR, QUIET, inTurn, isWanted, targetsBeside, type BenchOptions } from './plan.js';
import { onWarmStage, type Stage } from './stage.js';
import { median, pairedRatio } from './statistics.js';

/** From a packet of the quiet link to its ack; medians. */
interface QuietFigures {
  readonly idleP50Ms: number;
  /** While all others are saturated. */
  readonly busyP50Ms: number;
  readonly busyP99Ms: number;
  /** Busy to idle: median of the pairs. */
  readonly ratio: number;
}

export interface FairFigures {
  readonly load?: LoadFigures;
  /** Links that were called limited while all were equal. */
  readonly limitedLinks?: number;
  readonly quiet?: {
    readonly gateway: QuietFigures;
    readonly relay: QuietFigures;
    readonly against?: QuietFigures;
  };
}

/** The quiet link is heard for this time less than the others are busy, and later. */
const LEAD_MS = 100;
/** A gateway has to hear for some time who is quiet, and that it has to wait. */
const SETTLING_MS = 2_500;
const QUIET_P50: Measure = { what: 'round trip p50 of the quiet link, ms', of: 'time' };

interface QuietSample {
  readonly idleMs: number;
  readonly busyMs: number;
  readonly busyP99Ms: number;
}

/** Measures what `options.only` names. */
export async function measureFair(
  options: BenchOptions,
  comparisons: Comparison[],
): Promise<FairFigures> {
  const { only, baseline, against, profile, progress } = options;
  const withLoad = isWanted(FAIR.name, only);
  const withQuiet = isWanted(QUIET, only);
  if (!withLoad && !withQuiet) return {};
  const { links } = FAIR;
  progress(`starting ${String(links)} links and a quiet one`);
  const targets = targetsBeside(options, [FAIR.beside]);
  const given = { links, quiet: true, targets, baseline, against, profile };
  return onWarmStage(given, async (stage) => {
    let figures: FairFigures = {};
    if (withLoad) {
      const load = await measureLoad(stage, FAIR, options, comparisons);
      figures = { load, limitedLinks: await stage.slowedLinks('gateway') };
    }
    if (withQuiet) {
      progress(QUIET);
      figures = { ...figures, quiet: await measureQuiet(stage, options, comparisons) };
    }
    return figures;
  });
}

async function measureQuiet(
  stage: Stage,
  options: BenchOptions,
  comparisons: Comparison[],
): Promise<NonNullable<FairFigures['quiet']>> {
  const { points, window, beside } = FAIR;
  const ms = options.seconds * 1000;
  const targets = targetsBeside(options, [beside]);
  const samples = await inTurn(targets, options.rounds, async (target): Promise<QuietSample> => {
    const idle = await stage.quietly(target, ms);
    const busyMs = SETTLING_MS + ms + 2 * LEAD_MS;
    const load = stage.load(target, { points, window, ms: busyMs });
    await new Promise((resolve) => setTimeout(resolve, LEAD_MS));
    await stage.quietly(target, SETTLING_MS);
    const { roundTripMs } = await stage.quietly(target, ms);
    await load;
    return { idleMs: idle.roundTripMs.p50, busyMs: roundTripMs.p50, busyP99Ms: roundTripMs.p99 };
  });
  const { gateway, baseline, relay, against } = samples;
  if (baseline.length > 0) {
    const of = ({ busyMs }: QuietSample): number => busyMs;
    comparisons.push(compare(QUIET, QUIET_P50, gateway.map(of), baseline.map(of)));
  }
  return {
    gateway: quietFigures(gateway),
    relay: quietFigures(relay),
    ...(against.length === 0 ? {} : { against: quietFigures(against) }),
  };
}

function quietFigures(samples: readonly QuietSample[]): QuietFigures {
  const idle = samples.map(({ idleMs }) => idleMs);
  const busy = samples.map(({ busyMs }) => busyMs);
  return {
    idleP50Ms: median(idle),
    busyP50Ms: median(busy),
    busyP99Ms: median(samples.map(({ busyP99Ms }) => busyP99Ms)),
    ratio: pairedRatio(busy, idle),
  };
}
