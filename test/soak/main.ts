/** `npm run soak`: faults in all parts, and a check of all that is promised. */
import { Command, InvalidArgumentError } from 'commander';
import { describePlan, drawPlan } from './plan.js';
import { soak, type SoakResult } from './soak.js';
import { transcript } from './journal.js';
import { minutes, seedOf } from '../support/command-options.js';

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly config?: object;
  readonly plan?: boolean;
  readonly json?: boolean;
}

function objectOf(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Told below.
  }
  throw new InvalidArgumentError('JSON such as {"outbox":{"durability":"memory"}}');
}

const command = new Command('soak')
  .description(
    'Devices on bad lines, a real nats-server and a stand-in for SIOT, all of them restarted and ' +
      'the gateway killed at random moments: nothing that was acknowledged may be lost.',
  )
  .option('--minutes <n>', 'how long the faults last', minutes, 2)
  .option('--seed <n>', 'the same seed gives the same devices, faults and events', seedOf, 1)
  .option('--config <json>', "more of the gateway's configuration", objectOf)
  .option('--plan', 'says what would happen, and does nothing')
  .option('--json', 'figures as JSON')
  .showHelpAfterError()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

/** The first violations say most; the others tend to be the same. */
const MOST_TOLD = 5;

const stopping = new AbortController();
const say = (line: string): void => void process.stderr.write(`soak: ${line}\n`);
const out = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const options = command.parse().opts<Options>();
  const plan = drawPlan(options.seed, options.minutes * 60_000);
  if (options.plan === true) {
    for (const line of describePlan(plan)) out(line);
    return 0;
  }
  for (const line of describePlan({ ...plan, events: [] })) say(line);
  const { config } = options;
  const result = await soak({
    plan,
    say,
    signal: stopping.signal,
    ...(config === undefined ? {} : { config }),
  });
  if (stopping.signal.aborted) return 130;
  tell(result, options);
  return result.violations.length === 0 ? 0 : 1;
}

function tell(result: SoakResult, { seed, minutes: length, json }: Options): void {
  const { violations, journal } = result;
  for (const violation of violations.slice(0, MOST_TOLD)) {
    out(violation.what);
    for (const line of transcript(journal.entries, violation)) out(`  ${line}`);
  }
  if (violations.length > MOST_TOLD) out(`and ${violations.length - MOST_TOLD} more of the kind`);
  const figures = figuresOf(result);
  if (json === true) {
    const broken = violations.map(({ what }) => what);
    out(JSON.stringify({ seed, minutes: length, violations: broken, ...figures }, null, 1));
    return;
  }
  for (const [name, value] of Object.entries(figures)) say(`${name} ${value}`);
  const again = `npm run soak -- --minutes ${length} --seed ${seed}`;
  if (violations.length === 0) out(`seed ${seed}: all promises were kept`);
  else out(`seed ${seed}: ${violations.length} broken promises; again: ${again}`);
  // As the tests end: CI sums it up.
  out(violations.length === 0 ? '1 passed, 0 failed, 0 skipped' : '0 passed, 1 failed, 0 skipped');
}

function figuresOf({ journal, healedMs, lives, damage }: SoakResult): Record<string, number> {
  const ended = journal.of('ended');
  const quiet = journal.of('quiet');
  const downs = journal.of('down');
  return {
    packets: journal.of('sent').length,
    acknowledged: ended.filter(({ outcome }) => outcome === 'acknowledged').length,
    transmissions: ended.reduce((sum, { transmissions }) => sum + transmissions, 0),
    bytesDamaged: damage,
    settings: journal.of('set').length,
    deviceStarts: journal.of('started').length,
    gatewayLives: lives,
    busRestarts: downs.filter(({ what }) => what === 'bus').length,
    storeRestarts: downs.filter(({ what }) => what === 'store').length,
    linesCut: downs.filter(({ what }) => what === 'line').length,
    pointsOnTheBus: journal.of('published').length,
    healedSeconds: Math.round(healedMs / 100) / 10,
    mostMB: Math.round(Math.max(0, ...quiet.map(({ rssMb }) => rssMb))),
    mostDescriptors: Math.max(0, ...quiet.map(({ files }) => files)),
  };
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => stopping.abort());
}
try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
