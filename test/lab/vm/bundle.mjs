// The lab's test files and `siot-mcu`, each with all that it imports in one file:
// where the processor is emulated, translating and finding hundreds of modules
// takes longer than the tests.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { readOr } from '../../../tools/setup-common.mjs';

const TESTS = join('test', 'lab');
const PROGRAM = join('src', 'cli', 'main.ts');

/** What is compiled for the machine, or is the runner's own, stays where it is. */
const OUTSIDE = [/^vitest(\/|$)/, /^koffi$/, /^@serialport\//, /^@lydell\/node-pty/];

/**
 * Writes them to build/lab, from where vitest takes them; what has not changed
 * since the last time stays. `root`: of the checkout, which has been built.
 */
export async function bundleTests(root) {
  const folder = join(root, 'build', 'lab');
  const stamp = join(folder, '.stamp');
  const wanted = readOr(join(root, 'dist', '.build-stamp'), '');
  if (wanted !== '' && readOr(stamp, '') === wanted) return;
  rmSync(folder, { recursive: true, force: true });
  const files = readdirSync(join(root, TESTS), { recursive: true });
  for (const file of files.filter((name) => name.endsWith('.test.ts'))) {
    await bundle(root, join(TESTS, file), join(folder, builtName(join(TESTS, file))));
  }
  await bundle(root, PROGRAM, join(folder, 'siot-mcu.mjs'));
  writeFileSync(stamp, wanted);
}

/** Such as `test/lab/can.test.mjs`; what is no test file's name stays as it is. */
export const builtName = (name) => name.replace(/\.test\.ts$/, '.test.mjs');

async function bundle(root, input, file) {
  const one = await rolldown({
    cwd: root,
    input,
    platform: 'node',
    external: OUTSIDE,
    logLevel: 'warn',
  });
  try {
    await one.write({ file, format: 'esm', sourcemap: true, codeSplitting: false });
  } finally {
    await one.close();
  }
}
