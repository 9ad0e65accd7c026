// Everything that a fresh checkout needs, then the program asked for:
//
//   node tools/setup.mjs demo|test|lab|bench|fuzz|soak|siot-mcu|siot-store|build|docs|demo:picture [ARGS…]
//
// It runs before anything is installed or built: plain Node, no dependencies. It writes to stderr only; stdout belongs to the program.
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { build, buildWithoutTypes, makeProtoCode } from './build.mjs';
import { forwardSignals, runChild } from './children.mjs';
import { getNatsServer } from './get-nats-server.mjs';
import { readOr, ROOT, runStep, say, SetupError } from './setup-common.mjs';
import { needsOf } from './test-selection.mjs';

/** Oldest minor version of each major one of Node that has `zlib.crc32` (engines in package.json). */
const OLDEST_NODE = { 20: 15, 22: 2 };

/** What can be asked for, and what each needs besides the packages and the build. */
const TARGETS = {
  demo: { program: 'dist/src/cli/demo.js', natsServer: true },
  test: { program: 'test/run.mjs', natsServer: true, buildErrors: 'tolerated' },
  lab: { program: 'test/lab/vm/main.mjs', natsServer: true },
  bench: { program: 'dist/bench/main.js', natsServer: true },
  fuzz: { program: 'dist/test/fuzz/main.js' },
  soak: { program: 'dist/test/soak/main.js', natsServer: true },
  'siot-mcu': { program: 'dist/src/cli/main.js' },
  'siot-store': { program: 'dist/test/siot-store/main.js' },
  build: {},
  docs: { program: 'tools/write-docs.mjs' },
  'demo:picture': { program: 'tools/demo-picture.mjs', natsServer: true },
};

forwardSignals();

// When npm is killed this process gets no signal, but should end, too. A parent that has
// ended alone does not mean that: whoever starts a daemon may end.
if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  }, 250).unref();
}

// --- One set-up at a time ------------------------------------------------------

/** Tells a process from a later one with the same ID, where the system can. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return '';
  }
}

function isAlive(owner) {
  const [pid, start] = owner.split(' ');
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if (error.code === 'ESRCH') return false;
  }
  return start === '' || startOf(pid) === start;
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs `work` while no other set-up of this checkout runs. */
async function exclusively(work) {
  const folder = join(ROOT, 'build');
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, 'setup.lock');
  const mine = `${lock}.${process.pid}`;
  const me = `${process.pid} ${startOf(process.pid)}`;
  writeFileSync(mine, me);
  const release = () => {
    if (readOr(lock, '') === me) rmSync(lock, { force: true });
    rmSync(mine, { force: true });
  };
  process.once('exit', release);
  for (let waited = 0; ; waited += 1) {
    try {
      // A hard link appears with its content, or not at all.
      linkSync(mine, lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = readOr(lock, undefined);
    if (owner !== undefined && !isAlive(owner)) {
      const stale = `${mine}.stale`;
      try {
        renameSync(lock, stale);
        // Another process was quicker: this is the lock of a process that lives.
        if (readOr(stale, '') !== owner) linkSync(stale, lock);
      } catch {
        // Another process was quicker.
      }
      rmSync(stale, { force: true });
      continue;
    }
    if (waited === 0) say('another set-up of this checkout is running; waiting for it');
    await sleep(200);
  }
  try {
    return await work();
  } finally {
    release();
    process.removeListener('exit', release);
  }
}

// --- Packages ---------------------------------------------------------------

async function installPackages() {
  const lockFile = join(ROOT, 'package-lock.json');
  const stamp = join(ROOT, 'node_modules', '.setup-stamp');
  // Some packages are compiled for this Node and machine.
  const wanted = createHash('sha256')
    .update(readFileSync(lockFile))
    .update(`${process.platform} ${process.arch} ${process.versions.modules}`)
    .digest('hex');
  if (readOr(stamp, '') === wanted) return;

  // Installed by hand: npm's own record is as new as what it was made from.
  const npmRecord = join(ROOT, 'node_modules', '.package-lock.json');
  const byHand =
    !existsSync(stamp) &&
    existsSync(npmRecord) &&
    statSync(npmRecord).mtimeMs >= statSync(lockFile).mtimeMs;
  if (!byHand) {
    say('installing the npm packages (npm ci)');
    // `npm run` names its own program file; a bare `npm` may be another one.
    const npm = process.env.npm_execpath;
    const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
    const where = ['--prefix', ROOT];
    if (npm !== undefined && /npm-cli\.[cm]?js$/.test(npm)) {
      await runStep('npm ci', process.execPath, [npm, ...args, ...where]);
    } else {
      await runStep('npm ci', 'npm', [...args, ...where]);
    }
  }
  writeFileSync(stamp, wanted);
}

// --- The way through -------------------------------------------------------------

async function main() {
  const [name, ...args] = process.argv.slice(2);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || major === 21 || minor < OLDEST_NODE[major]) {
    throw new SetupError(
      `this is Node ${process.versions.node}; 20 from 20.15 on, or 22.2 and later (not 21), is needed. ` +
        'See https://nodejs.org/en/download',
      2,
    );
  }
  if (process.platform === 'win32') {
    throw new SetupError('Windows is not supported; use Linux, or WSL', 2);
  }
  if (name === undefined || !Object.hasOwn(TARGETS, name)) {
    const known = Object.keys(TARGETS).join(', ');
    throw new SetupError(`say what to run: ${known}`, 2);
  }
  const target = TARGETS[name];
  const needs = name === 'test' ? needsOf(args) : undefined;
  await exclusively(async () => {
    await installPackages();
    if (needs === undefined) await build(target.buildErrors === 'tolerated');
    else if (needs.build) await buildWithoutTypes();
    else await makeProtoCode();
    if (needs?.natsServer ?? target.natsServer) await getNatsServer();
  });
  if (target.program === undefined) return 0;
  return runChild(process.execPath, [join(ROOT, target.program), ...args], {
    stdio: ['inherit', 'inherit', 'inherit'],
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof SetupError) && process.env.SIOT_MCU_DEBUG) throw error;
  say(error.message);
  process.exitCode = error instanceof SetupError ? error.status : 1;
}
