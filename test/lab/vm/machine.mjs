// Starts the machine, runs a job in it, and tells how that has ended.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChild, stoppedWith } from '../../../tools/children.mjs';
import { readOr } from '../../../tools/setup-common.mjs';
import { kernelOf } from './cache.mjs';
import { jobScript, quoted } from './job.mjs';
import { fullPath } from './packages.mjs';
import { qemuArguments } from './qemu.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));

/** A machine that is emulated on a busy processor starts in a tenth of this. */
const BOOT_LIMIT_MS = 180_000;
const LOOK_EVERY_MS = 50;

/**
 * How the machine has ended, from what it left in the folder that it shares
 * with the host: a status only if the job has come to its end.
 *
 * - `{ kind: 'ended', status }`
 * - `{ kind: 'stopped', status }`: this process was told to stop
 * - `{ kind: 'lost', reason }`: it has not come to its end
 */
export function outcomeOf({ exchange, qemuStatus, stopped, late }) {
  const status = /^(\d{1,3})\n$/.exec(readOr(join(exchange, 'status'), ''))?.[1];
  if (status !== undefined) return { kind: 'ended', status: Number(status) };
  if (stopped !== undefined) return { kind: 'stopped', status: stopped };
  if (late !== undefined) return { kind: 'lost', reason: late };
  if (qemuStatus !== 0) {
    return { kind: 'lost', reason: `QEMU has failed (exit status ${qemuStatus}), see above` };
  }
  const up = existsSync(join(exchange, 'started'));
  return {
    kind: 'lost',
    reason: up ? 'the guest has ended before its job' : 'the guest has not come up',
  };
}

/**
 * Boots, runs `job` (see jobScript) and ends. `init` is the guest's first program: `sh`, or
 * `systemd` with its journal and udev. The job may leave files in /run/lab, which `collect` is
 * given the folder of. Resolves to the outcome, with
 * `bootMs` and `log`, what the kernel has written.
 */
export async function runMachine({
  entry,
  job,
  shell,
  processor,
  init = 'sh',
  limitMs,
  collect = () => undefined,
}) {
  const exchange = mkdtempSync(join(tmpdir(), 'siot-mcu-lab-'));
  const drop = () => rmSync(exchange, { recursive: true, force: true });
  process.once('exit', drop);
  const modules = join(entry, 'lib', 'modules', kernelOf(entry));
  const variables = Object.entries({
    LAB_PROCESSOR: processor,
    LAB_INIT: init,
    LAB_MODULES: modules,
    LAB_FOLDER: HERE,
  }).map(([name, text]) => `${name}=${quoted(text)}`);
  const start = `export ${variables.join(' ')}\nexec sh ${quoted(join(HERE, 'guest.sh'))}\n`;
  writeFileSync(join(exchange, 'start.sh'), start);
  writeFileSync(join(exchange, 'job'), jobScript(job));

  const began = performance.now();
  const abort = new AbortController();
  let bootMs;
  let late;
  const giveUp = (reason) => {
    late = reason;
    abort.abort();
  };
  const look = setInterval(() => {
    const ms = performance.now() - began;
    if (bootMs === undefined && existsSync(join(exchange, 'started'))) bootMs = ms;
    if (abort.signal.aborted) return;
    if (bootMs === undefined && ms > BOOT_LIMIT_MS) {
      giveUp(`the guest has not come up within ${BOOT_LIMIT_MS / 1000} s`);
    } else if (ms > limitMs) {
      giveUp(`it has not come to its end within ${limitMs / 60_000} min (--time-limit)`);
    }
  }, LOOK_EVERY_MS);
  const args = qemuArguments({ entry, exchange, processor, shell });
  const qemuStatus = await runChild('qemu-system-x86_64', args, {
    // QEMU takes an input that has ended for a line that is not connected.
    stdio: [shell ? 'inherit' : 'pipe', 'inherit', 'inherit'],
    env: { ...process.env, PATH: fullPath() },
    abort: abort.signal,
  });
  clearInterval(look);
  const outcome = outcomeOf({ exchange, qemuStatus, stopped: stoppedWith(), late });
  const log = readOr(join(exchange, 'kernel.log'), '');
  collect(exchange);
  drop();
  process.removeListener('exit', drop);
  return { ...outcome, bootMs, log };
}
