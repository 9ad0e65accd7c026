// `npm test`: lint, format, types and all tests, and a closing line that says
// how many there were. Arguments go to vitest.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forwardSignals, runChild } from '../src/cli/children.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
forwardSignals();

const bin = (...path) => join(root, 'node_modules', ...path);
const report = join(root, 'build', `test-report.${process.pid}.json`);
mkdirSync(dirname(report), { recursive: true });

const steps = [
  ['lint', bin('eslint', 'bin', 'eslint.js'), ['.', '--max-warnings=0']],
  ['format', bin('prettier', 'bin', 'prettier.cjs'), ['--check', '--log-level=warn', '.']],
  ['types', bin('typescript', 'bin', 'tsc'), ['-p', 'tsconfig.json', '--noEmit']],
];
const reporters = [
  '--reporter=default',
  `--reporter=${join(root, 'test', 'support', 'count-reporter.mjs')}`,
];
const env = { ...process.env, TEST_REPORT: report };
const inherit = ['inherit', 'inherit', 'inherit'];
const say = (line) => process.stdout.write(`${line}\n`);

const failed = [];
for (const [name, program, args] of steps) {
  say(`--- ${name}`);
  const status = await runChild(process.execPath, [program, ...args], { stdio: inherit });
  if (status !== 0) failed.push(name);
}

say('--- tests');
const args = [bin('vitest', 'vitest.mjs'), 'run', ...reporters, ...process.argv.slice(2)];
const status = await runChild(process.execPath, args, { stdio: inherit, env });

let counts = { passed: 0, failed: [], skipped: [], unexplained: 0 };
try {
  counts = JSON.parse(readFileSync(report, 'utf8'));
} catch {
  // vitest did not come to its end, which its status says too.
}
rmSync(report, { force: true });

failed.push(...counts.failed);
const ran = counts.passed + counts.failed.length > 0;
// It failed, but no test did: it crashed, was stopped, or no test was found.
if ((status !== 0 && counts.failed.length === 0) || !ran) {
  failed.push(ran ? `vitest (exit status ${status})` : 'no test ran');
}

say('');
for (const { name, reason } of counts.skipped) say(`skipped: ${name}: ${reason}`);
for (const name of failed) say(`failed: ${name}`);
say(`${counts.passed} passed, ${failed.length} failed, ${counts.skipped.length} skipped`);
process.exitCode = failed.length === 0 ? 0 : 1;
