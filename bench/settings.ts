/** How fast settings of points go down that the device has reported. */
import { compare, type Comparison, type Measure } from './comparison.js';
import { MB } from './parts.js';
import {
  KNOWN_SETTINGS,
  SETTINGS,
  inTurn,
  isWanted,
  targetsBeside,
  type BenchOptions,
} from './plan.js';
import { onWarmStage } from './stage.js';
import { median, pairedRatio, percentile } from './statistics.js';

/** Of a target; medians. */
interface SettingTargetFigures {
  /** Each point is set again as soon as the device has it. */
  readonly perSecond: number;
  /** From publishing to the device, at 100 settings/s. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface SettingsFigures {
  readonly gateway: SettingTargetFigures;
  readonly relay: SettingTargetFigures;
  /** Null: it brings no setting down. */
  readonly against?: SettingTargetFigures | null;
  /** Settings/s of the gateway to those of the relay: median of the pairs. */
  readonly ratio: number;
  readonly rssMb: number;
}

interface Sample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const TIME_PER_SETTING: Measure = { what: 'elapsed, µs/setting', of: 'time' };
const SETTING_P99: Measure = { what: 'p99 at 100/s, ms', of: 'time' };
/** Until what was set before is settled. */
const SETTLED_MS = 100;
/** So much longer than a sample each target works before the first. */
const WARM_SAMPLES = 2;

/** Undefined: not wanted. */
export async function measureSettings(
  options: BenchOptions,
  comparisons: Comparison[],
): Promise<SettingsFigures | undefined> {
  const { seconds, rounds, only, baseline, against: other, profile, progress } = options;
  if (!isWanted(SETTINGS, only)) return undefined;
  progress(SETTINGS);
  const targets = targetsBeside(options, ['relay']);
  const given = { links: 1, targets, baseline, against: other, profile };
  return onWarmStage(given, async (stage) => {
    for (const target of targets) await stage.reportSettings(target, KNOWN_SETTINGS);
    let rssBytes = 0;
    const ms = seconds * 1000;
    // Until the code is compiled by the optimizer.
    for (const target of targets) {
      await stage.settings(target, { known: KNOWN_SETTINGS, ms: WARM_SAMPLES * ms, paced: false });
    }
    const samples = await inTurn(targets, rounds, async (target): Promise<Sample> => {
      const busy = await stage.settings(target, { known: KNOWN_SETTINGS, ms, paced: false });
      await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
      const { tripsMs } = await stage.settings(target, { known: KNOWN_SETTINGS, ms, paced: true });
      if (target === 'gateway') rssBytes = (await stage.usage(target)).peakRssBytes;
      return {
        perSecond: (busy.received / busy.ms) * 1000,
        p50Ms: percentile(tripsMs, 0.5),
        p99Ms: percentile(tripsMs, 0.99),
      };
    });
    const { gateway, baseline: before, relay, against } = samples;
    const perSecond = (sample: Sample): number => sample.perSecond;
    if (before.length > 0) {
      for (const [measure, of] of [
        [TIME_PER_SETTING, (sample: Sample) => 1e6 / sample.perSecond],
        [SETTING_P99, (sample: Sample) => sample.p99Ms],
      ] as const) {
        comparisons.push(compare(SETTINGS, measure, gateway.map(of), before.map(of)));
      }
    }
    return {
      gateway: figuresOf(gateway),
      relay: figuresOf(relay),
      ...(against.length === 0
        ? {}
        : { against: against.some((each) => each.perSecond > 0) ? figuresOf(against) : null }),
      ratio: pairedRatio(gateway.map(perSecond), relay.map(perSecond)),
      rssMb: rssBytes / MB,
    };
  });
}

const figuresOf = (samples: readonly Sample[]): SettingTargetFigures => ({
  perSecond: median(samples.map((sample) => sample.perSecond)),
  p50Ms: median(samples.map((sample) => sample.p50Ms)),
  p99Ms: median(samples.map((sample) => sample.p99Ms)),
});
