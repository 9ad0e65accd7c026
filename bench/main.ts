/** `npm run bench`: how fast the gateway is, beside the least that such a program can do. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Protocol } from '../firmware-sim/codec.js';
import { asJson } from './json.js';
import { measure } from './measure.js';
import { ALL_NAMES, isWanted } from './plan.js';
import { report } from './report.js';

interface Options {
  readonly quick?: boolean;
  readonly json?: boolean;
  readonly only: readonly string[];
  readonly seconds?: number;
  readonly rounds?: number;
  readonly profile?: string;
  readonly baseline?: string;
  readonly against?: string;
  readonly wire: Protocol;
}

const FULL = { seconds: 1, rounds: 5 };
const QUICK = { seconds: 0.2, rounds: 1 };

function positive(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 3600) return value;
  throw new InvalidArgumentError('a number above 0');
}

function names(text: string, before: readonly string[]): string[] {
  const wanted = text.split(',');
  for (const word of wanted) {
    if (ALL_NAMES.some((name) => isWanted(name, [word]))) continue;
    throw new InvalidArgumentError(`there is: ${ALL_NAMES.join(', ')}`);
  }
  return [...before, ...wanted];
}

const HELP_TEXT = `
All cases take some ten minutes. Verdicts are of medians: they mean something on a quiet
machine, and the line below them says whether it kept its speed. Bytes written to disk are those of proc(5), write_bytes, in pages of 4 KiB, of the
whole process; the state is kept in a temporary folder, or in build/ where that is no disk.

Cases:
  ${ALL_NAMES.join('\n  ')}

--against COMMAND is given to /bin/sh, once for each group of cases, with these variables:
  NATS_URL   the nats-server, such as nats://127.0.0.1:40123
  PORTS      pseudo terminals of the devices, separated by spaces
  NODE_IDS   of each port the ID of its node, in the same order
  PROTOCOL   compact or protobuf, as --wire says: what the devices speak
  STATE_DIR  an empty folder
It acknowledges packets of the devices, publishes each point as SIOT from 0.19 on does, on
p.NODE.TYPE.KEY, brings down what others publish there, and ends when it gets SIGTERM.
What it cannot do is shown as –.`;

/** The bench starts these files of another checkout. */
const OF_BASELINE = ['src/cli/main.js', 'bench/codec.js', 'bench/roles/store.js'];

function checkout(folder: string): string {
  for (const file of OF_BASELINE) {
    const path = resolve(folder, 'dist', file);
    if (!existsSync(path)) {
      throw new InvalidArgumentError(`a built checkout is needed: there is no ${path}`);
    }
  }
  return resolve(folder);
}

const command = new Command('bench')
  .description('The gateway between PTYs and NATS, beside a bare relay and the bare NATS client.')
  .option('--quick', 'one short sample each, for a first look: about a minute for all')
  .option(
    '--only <names>',
    'such as codec, links-1, links-1/10x64, durable, disk/store-full',
    names,
    [],
  )
  .option('--seconds <n>', `length of a sample (default: ${FULL.seconds})`, positive)
  .option('--rounds <n>', `samples of each measurement (default: ${FULL.rounds})`, positive)
  .option('--baseline <folder>', 'a built checkout of another commit, to compare with', checkout)
  .option('--against <command>', 'another gateway, measured in the same cases; see below')
  .addOption(
    new Option('--wire <protocol>', 'what the devices of the other gateway speak')
      .choices(['compact', 'protobuf'])
      .default('compact'),
  )
  .option('--profile <folder>', 'CPU profiles of the gateway and of the relay go there')
  .option('--json', 'figures as JSON')
  .addHelpText('after', () => HELP_TEXT)
  .showHelpAfterError()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

async function main(): Promise<void> {
  const options = command.parse().opts<Options>();
  const { seconds, rounds } = options.quick === true ? QUICK : FULL;
  const figures = await measure({
    seconds: options.seconds ?? seconds,
    rounds: Math.ceil(options.rounds ?? rounds),
    only: options.only,
    profile: options.profile,
    baseline: options.baseline,
    against:
      options.against === undefined
        ? undefined
        : { command: options.against, protocol: options.wire },
    progress: (what) => process.stderr.write(`bench: ${what}\n`),
  });
  process.stdout.write(
    options.json === true ? `${JSON.stringify(asJson(figures), null, 2)}\n` : report(figures),
  );
}

// Children end with this process, whatever ends it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1));
}
try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
