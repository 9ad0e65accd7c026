/** How long programs take to start, and what memory they need for it. */
import { builtFile, builtIn, runNode, type Run } from './child.js';
import { RESIDENT, compare, type Comparison, type Measure } from './comparison.js';
import { MB } from './parts.js';
import {
  FIRST_ACK,
  HELP,
  gateways,
  inTurn,
  isWanted,
  targetsBeside,
  type BenchOptions,
} from './plan.js';
import { onWarmStage } from './stage.js';
import { median } from './statistics.js';

/** `siot-mcu --help`, and Node without a program; medians. */
interface HelpFigures {
  readonly ms: number;
  readonly rssMb: number;
  readonly nodeMs: number;
  readonly nodeRssMb: number;
}

/** From the start of a process to the first packet that it acknowledges, ms; medians. */
interface FirstAckFigures {
  readonly gatewayMs: number;
  readonly relayMs: number;
  /** Of Node without a program. */
  readonly nodeMs: number;
  readonly againstMs?: number | null;
}

export interface StartFigures {
  readonly help?: HelpFigures;
  readonly firstAck?: FirstAckFigures;
}

const STARTING: Measure = { what: 'starting, ms', of: 'time' };
/** A start is short: more of them than of other samples. */
const STARTS_A_ROUND = 3;
const FIRST_ACK_WITHIN_MS = 10_000;
/** Arguments of Node without a program. */
const BARE_NODE = ['-e', '0'];

/** Measures what `options.only` names. */
export async function measureStart(
  options: BenchOptions,
  comparisons: Comparison[],
): Promise<StartFigures> {
  const { only, progress } = options;
  let figures: StartFigures = {};
  if (isWanted(HELP, only)) {
    progress(HELP);
    figures = { help: await measureHelp(options, comparisons) };
  }
  if (isWanted(FIRST_ACK, only)) {
    progress(FIRST_ACK);
    figures = { ...figures, firstAck: await measureFirstAck(options, comparisons) };
  }
  return figures;
}

async function measureHelp(options: BenchOptions, comparisons: Comparison[]): Promise<HelpFigures> {
  const { rounds, baseline } = options;
  const main = 'src/cli/main.js';
  const programs = {
    gateway: [builtFile(`../${main}`), '--help'],
    baseline: [builtFile(builtIn(baseline ?? '', main)), '--help'],
    // As bare as the relay is among gateways.
    relay: BARE_NODE,
  } as const;
  type Program = keyof typeof programs;
  const targets = [...gateways(options), 'relay'] as Program[];
  // Files that were never read come from the disk.
  for (const target of targets) await runNode(programs[target], false);
  const samples = await inTurn(targets, rounds * STARTS_A_ROUND, async (target): Promise<Run> => {
    const args = programs[target as Program];
    const { ms } = await runNode(args, false);
    return { ms, peakRssBytes: (await runNode(args, true)).peakRssBytes };
  });
  const ms = (run: Run): number => run.ms;
  const rssMb = ({ peakRssBytes }: Run): number => peakRssBytes / MB;
  const { gateway, baseline: before, relay } = samples;
  if (before.length > 0) {
    comparisons.push(
      compare(HELP, STARTING, gateway.map(ms), before.map(ms)),
      compare(HELP, RESIDENT, gateway.map(rssMb), before.map(rssMb)),
    );
  }
  return {
    ms: median(gateway.map(ms)),
    rssMb: median(gateway.map(rssMb)),
    nodeMs: median(relay.map(ms)),
    nodeRssMb: median(relay.map(rssMb)),
  };
}

async function measureFirstAck(
  options: BenchOptions,
  comparisons: Comparison[],
): Promise<FirstAckFigures> {
  const { rounds, baseline, against: other } = options;
  const targets = targetsBeside(options, ['relay']);
  return onWarmStage({ links: 1, targets, baseline, against: other }, async (stage) => {
    for (const target of targets) await stage.firstAck(target, FIRST_ACK_WITHIN_MS);
    const bare: number[] = [];
    const samples = await inTurn(targets, rounds * STARTS_A_ROUND, async (target) => {
      if (target === 'gateway') bare.push((await runNode(BARE_NODE, false)).ms);
      return stage.firstAck(target, FIRST_ACK_WITHIN_MS);
    });
    const heard = (all: readonly (number | undefined)[]): number[] =>
      all.filter((ms) => ms !== undefined);
    const [gateway, before, relay, against] = [
      heard(samples.gateway),
      heard(samples.baseline),
      heard(samples.relay),
      heard(samples.against),
    ];
    if (before.length > 0) comparisons.push(compare(FIRST_ACK, STARTING, gateway, before));
    return {
      gatewayMs: median(gateway),
      relayMs: median(relay),
      nodeMs: median(bare),
      ...(samples.against.length === 0
        ? {}
        : { againstMs: against.length === 0 ? null : median(against) }),
    };
  });
}
