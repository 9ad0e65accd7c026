/** `npm run fuzz`: random and mutated bytes through every parser. */
import { Command, InvalidArgumentError } from 'commander';
import { SeededRandom } from '../../firmware-sim/random.js';
import { Coverage, type FileCoverage, type Share } from './coverage.js';
import { fuzz, type FuzzResult } from './fuzzer.js';
import { failureOf, type Failure } from './guard.js';
import { startWatchdog } from './watchdog.js';
import type { FuzzTarget } from './target.js';
import { minutes, seedOf } from '../support/command-options.js';

// Before the parsers are imported: see coverage.ts.
const coverage = new Coverage();
coverage.start();
const { TARGETS } = await import('./targets.js');
coverage.imported(TARGETS.flatMap(({ files }) => files));

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly only?: string;
  readonly input?: Uint8Array;
  readonly json?: boolean;
}

function nameOf(text: string): string {
  if (TARGETS.some(({ name }) => name === text)) return text;
  throw new InvalidArgumentError(`there is: ${TARGETS.map(({ name }) => name).join(', ')}`);
}

function hexOf(text: string): Uint8Array {
  if (/^([0-9a-f]{2})*$/i.test(text)) return Uint8Array.from(Buffer.from(text, 'hex'));
  throw new InvalidArgumentError('bytes as hex');
}

const command = new Command('fuzz')
  .description('Random and mutated bytes through every parser that faces a device or the bus.')
  .option('--minutes <n>', 'for all parsers together', minutes, 1)
  .option('--seed <n>', 'the same seed gives the same inputs', seedOf, 1)
  .option('--only <name>', 'one parser', nameOf)
  .option('--input <hex>', 'this input, and nothing else; with --only', hexOf)
  .option('--json', 'figures as JSON')
  .showHelpAfterError()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

const say = (line: string): void => void process.stderr.write(`fuzz: ${line}\n`);

interface Figures extends FuzzResult {
  readonly name: string;
  readonly seconds: number;
  readonly files: readonly FileCoverage[];
}

function told(target: FuzzTarget, seed: number, { text, input }: Failure): void {
  const hex = Buffer.from(input).toString('hex');
  process.stdout.write(
    `${target.name}: ${text}\n` +
      `  seed ${seed}, shortest input found (${input.length} bytes): ${hex}\n` +
      `  again: npm run fuzz -- --only ${target.name} --input ${hex}\n` +
      `  to keep: test/fuzz/regressions/${target.name}/WHAT-BROKE.hex\n`,
  );
}

async function one(target: FuzzTarget, seed: number, ms: number): Promise<Figures> {
  const startMs = performance.now();
  const untilMs = startMs + ms;
  const watchdog = startWatchdog(`fuzz: ${target.name}, seed ${seed}`);
  try {
    const result = await fuzz(target, {
      random: new SeededRandom(seed).fork(target.name),
      more: () => performance.now() < untilMs,
      reach: coverage.reachOf(target.files),
      trying: watchdog.trying,
    });
    const seconds = (performance.now() - startMs) / 1000;
    return {
      name: target.name,
      seconds,
      ...result,
      files: target.files.map((file) => coverage.of(file)),
    };
  } finally {
    await watchdog.stop();
  }
}

async function main(): Promise<void> {
  const options = command.parse().opts<Options>();
  const { seed, only, input } = options;
  const targets = TARGETS.filter(({ name }) => only === undefined || name === only);
  if (input !== undefined) {
    if (only === undefined) throw new Error('--input needs --only NAME');
    const [target] = targets;
    if (target === undefined) return;
    const failure = await failureOf(target, input);
    if (failure !== undefined) told(target, seed, failure);
    process.exitCode = failure === undefined ? 0 : 1;
    return;
  }
  say(`seed ${seed}`);
  const all: Figures[] = [];
  for (const target of targets) {
    const figures = await one(target, seed, (options.minutes * 60_000) / targets.length);
    all.push(figures);
    const { executions, seconds, kept, given, failure } = figures;
    say(
      `${target.name}: ${executions} inputs, ${Math.round(executions / seconds)}/s, ` +
        `${kept - given} reached something new`,
    );
    if (failure !== undefined) {
      told(target, seed, failure);
      process.exitCode = 1;
      // What follows would hide it.
      return;
    }
  }
  process.stdout.write(options.json === true ? `${JSON.stringify(all, null, 1)}\n` : table(all));
}

const percent = ({ reached, of }: Share): string =>
  of === 0 ? '–' : `${((100 * reached) / of).toFixed(0)} %`;

function table(all: readonly Figures[]): string {
  const files = new Map(all.flatMap((figures) => figures.files.map((file) => [file.file, file])));
  const rows = [...files.values()].map((file) => {
    const shares = [file.functions, file.branches, file.lines].map((share) =>
      percent(share).padStart(7),
    );
    const missed = file.missed.length > 12 ? [...file.missed.slice(0, 12), '…'] : file.missed;
    return `${file.file.padEnd(36)}${shares.join('')}   ${missed.join(' ')}`.trimEnd();
  });
  const head = `${'reached of'.padEnd(36)}  funct. branch.  lines   lines not reached`;
  return `${[head, ...rows].join('\n')}\n`;
}

try {
  await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  coverage.stop();
}
