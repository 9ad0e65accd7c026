/** What eight USB full-speed devices bring, and how much of it one core can take. */
import type { Comparison } from './comparison.js';
import { measureLoad, type LoadFigures } from './loads.js';
import { USB, isWanted, targetsBeside, type BenchOptions } from './plan.js';
import { onWarmStage } from './stage.js';

export interface UsbFigures {
  readonly load: LoadFigures;
  /** Whether each target had one core for itself. */
  readonly pinned: boolean;
}

/** What arrives later than that after the end was too much. */
const ARRIVED_WITHIN_MS = 500;

/** Undefined: not wanted. */
export async function measureUsb(
  options: BenchOptions,
  comparisons: Comparison[],
): Promise<UsbFigures | undefined> {
  const { only, baseline, against, profile, progress } = options;
  if (!isWanted(USB.name, only)) return undefined;
  progress(`starting ${String(USB.links)} links on one core`);
  const { links, beside } = USB;
  const targets = targetsBeside(options, [beside]);
  const given = { links, pinned: true, targets, baseline, against, profile };
  return onWarmStage(given, async (stage) => {
    const load = await measureLoad(stage, USB, options, comparisons, ARRIVED_WITHIN_MS);
    return { load, pinned: stage.isPinned };
  });
}
