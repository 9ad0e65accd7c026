import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { tempDir } from '../support/temp-dir.js';
import { until } from '../support/until.js';

const CI_RUN = resolve('.ci/run');

/** An environment whose npm is this script; $1 is `test`, `run` … */
function withNpm(script: string): NodeJS.ProcessEnv {
  const folder = tempDir();
  writeFileSync(join(folder, 'npm'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}`, FOLDER: folder };
}

/** `elapsed`: seconds that have gone before. */
function ciRun(script: string, elapsed = 0) {
  const env = { ...withNpm(script), SECONDS: String(elapsed) };
  const { status, stdout } = spawnSync(CI_RUN, { encoding: 'utf8', env });
  return { status, stdout, last: stdout.trimEnd().split('\n').at(-1) };
}

it('sums up what its steps have counted', () => {
  const { status, last } = ciRun(
    '[ "$1" = test ] && echo "5 passed, 0 failed, 1 skipped" || echo "2 passed, 0 failed, 3 skipped"',
  );
  expect({ status, last }).toEqual({ status: 0, last: '15 passed, 0 failed, 16 skipped' });
});

it('runs the other steps after one that fails, and fails', () => {
  const { status, last } = ciRun(
    '[ "$1" = test ] && { echo "5 passed, 2 failed, 0 skipped"; exit 1; }; echo "1 passed, 0 failed, 0 skipped"',
  );
  expect({ status, last }).toEqual({ status: 1, last: '10 passed, 2 failed, 0 skipped' });
});

it('says at the end what has failed and what was skipped, in all steps', () => {
  const { stdout } = ciRun(
    '[ "$1" = test ] && { echo "skipped: a: no bus"; echo "failed: b > c"; echo "3 passed, 1 failed, 1 skipped"; exit 1; }; echo; echo "1 passed, 0 failed, 0 skipped"',
  );
  expect(stdout.trimEnd().split('\n').slice(-3)).toEqual([
    'skipped: tests: a: no bus',
    'failed: tests: b > c',
    '8 passed, 1 failed, 1 skipped',
  ]);
});

it('leaves the rest of the lab out, and says so, where there is no time for it', () => {
  const { status, stdout, last } = ciRun('echo "1 passed, 0 failed, 0 skipped"', 44.5 * 60);
  expect(stdout).toMatch(/\nskipped: rest of the lab: 12 minutes are left.*\n5 passed/);
  expect({ status, last }).toEqual({ status: 0, last: '5 passed, 0 failed, 1 skipped' });
});

it('takes a step for failed that has not counted, or ends badly with nothing failed', () => {
  const { status, stdout, last } = ciRun(
    '[ "$1" = test ] && { echo "killed"; exit 137; }; echo "1 passed, 0 failed, 0 skipped"; exit 3',
  );
  expect({ status, last }).toEqual({ status: 1, last: '5 passed, 6 failed, 0 skipped' });
  expect(stdout).toContain('failed: tests (exit status 137)');
  expect(stdout).toContain('failed: soak (exit status 3)');
  expect(stdout).toContain('failed: lab (exit status 3)');
});

it('stops its step when it is stopped itself', async () => {
  const env = withNpm(
    // Its parent, timeout, passes no signal on before it waits.
    'trap "echo > $FOLDER/ended; exit 1" TERM; ' +
      'until grep -q "^State:.S" "/proc/$PPID/status"; do sleep 0.05; done; ' +
      'echo >"$FOLDER/runs"; sleep 60 & wait',
  );
  const folder = env['FOLDER'] ?? '';
  const child = spawn(CI_RUN, { env, stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  await until(() => existsSync(join(folder, 'runs')), 'the step to run');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([143, null]);
  expect(existsSync(join(folder, 'ended'))).toBe(true);
});
