// `npm run lab`: the tests of test/lab in a machine of their own. See
// test/lab/README.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forwardSignals } from '../../../tools/children.mjs';
import { say, SetupError } from '../../../tools/setup-common.mjs';
import { failures, reporters, takeCounts, tellCounts } from '../../support/counts.mjs';
import { USAGE, parseArguments } from './arguments.mjs';
import { builtName, bundleTests } from './bundle.mjs';
import { cacheFolder, findEntry, kernelOf, makeEntry, recipeOf } from './cache.mjs';
import { guestEnvironment } from './job.mjs';
import { makeMachine } from './kernel.mjs';
import { runMachine } from './machine.mjs';
import { CannotRun, checkMachine, installPrograms } from './packages.mjs';
import { canUseKvm } from './qemu.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..', '..', '..');

/** They decide what is in an entry of the cache. */
const RECIPE = ['kernel.mjs', 'initramfs.mjs', 'init.sh'].map((name) => join(HERE, name));

/** In the guest, where the folder that is shared with the host is. */
const EXCHANGE = '/run/lab';
const REPORT = 'report.json';
const LINES_OF_LOG = 30;
/** How many times slower an emulated processor may be, on a machine that has other work. */
const EMULATED_SLOWNESS = 10;

/** The entry of the cache to boot from; makes it the first time. */
async function prepare({ systemd }) {
  checkMachine();
  await installPrograms({ systemd });
  const folder = cacheFolder();
  const recipe = recipeOf(RECIPE);
  return findEntry(folder, recipe) ?? makeEntry(folder, recipe, makeMachine);
}

function commandOf({ mode, rest }) {
  const node = process.execPath;
  if (mode === 'shell') return rest.length > 0 ? rest : ['bash', '-i'];
  if (mode === 'bench')
    return [node, join(ROOT, 'dist', 'test', 'lab', 'bench', 'main.js'), ...rest];
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const config = join(ROOT, 'test', 'lab', 'vitest.config.mjs');
  // Each test is shown as it ends: where the processor is emulated a file takes minutes.
  const own = ['--config', config, '--configLoader', 'native', ...reporters('verbose')];
  return [node, vitest, 'run', ...own, ...rest.map(builtName)];
}

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/** Shows the end of the kernel's log, and keeps the whole. */
function keepLog(log) {
  const lines = log.trimEnd().split(/\r?\n/);
  const file = join(ROOT, 'build', 'lab-kernel.log');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${lines.join('\n')}\n`);
  say(`the kernel's last lines (all of them: ${file}):`);
  process.stderr.write(`${lines.slice(-LINES_OF_LOG).join('\n')}\n`);
}

async function run(request, entry) {
  const began = performance.now();
  const { mode, rest, limitMs, virtualTime, systemd } = request;
  const prompt = mode === 'shell' && rest.length === 0;
  const terminal = prompt && process.stdout.isTTY ? process.stdout : undefined;
  const env = guestEnvironment({ colors: process.stdout.isTTY });
  const processor = virtualTime ? 'virtual-time' : canUseKvm() ? 'kvm' : 'emulated';
  env.LAB_PROCESSOR = processor;
  env.LAB_INIT = systemd ? 'systemd' : 'sh';
  if (mode === 'tests') {
    env.TEST_REPORT = `${EXCHANGE}/${REPORT}`;
    env.TEST_SLOWNESS = String(processor === 'emulated' ? EMULATED_SLOWNESS : 2);
    await bundleTests(ROOT);
  }
  say(`the lab boots (kernel ${kernelOf(entry)}, processor: ${processor})`);

  let counts;
  const outcome = await runMachine({
    entry,
    processor,
    init: env.LAB_INIT,
    shell: prompt,
    limitMs,
    job: { folder: ROOT, command: commandOf(request), env, terminal },
    collect: (exchange) => {
      counts = takeCounts(join(exchange, REPORT));
    },
  });
  if (outcome.kind === 'stopped') return outcome.status;
  const lost = outcome.kind === 'lost';
  const failed = lost || outcome.status !== 0;
  if (failed) keepLog(outcome.log);
  const took = seconds(performance.now() - began);
  const boot =
    outcome.bootMs === undefined ? '' : `, of which it booted ${seconds(outcome.bootMs)}`;
  say(`the lab took ${took}${boot}`);
  if (mode !== 'tests') {
    if (lost) throw new SetupError(`the lab is lost: ${outcome.reason}`);
    return outcome.status;
  }
  const named = lost
    ? [...counts.failed, `the lab: ${outcome.reason}`]
    : failures(outcome.status, counts);
  return tellCounts({ ...counts, failed: named });
}

async function main() {
  const request = parseArguments(process.argv.slice(2));
  if (request.mode === 'help') {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  let entry;
  try {
    entry = await prepare(request);
  } catch (error) {
    if (!(error instanceof CannotRun && request.ifPossible)) throw error;
    return tellCounts({
      passed: 0,
      failed: [],
      skipped: [{ name: 'the lab', reason: error.message }],
    });
  }
  return run(request, entry);
}

forwardSignals();
try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = error.status;
}
