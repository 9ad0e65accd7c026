// `npm test`: lint, format, types and all tests, and a closing line that says
// how many there were. Arguments go to vitest. Where they choose tests, only those run.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forwardSignals, runChild } from '../tools/children.mjs';
import { isSelection } from '../tools/test-selection.mjs';
import { failures, reporters, takeCounts, tellCounts } from './support/counts.mjs';

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
const env = { ...process.env, TEST_REPORT: report };
const inherit = ['inherit', 'inherit', 'inherit'];
const say = (line) => process.stdout.write(`${line}\n`);

const failed = [];
const chosen = process.argv.slice(2);
for (const [name, program, args] of isSelection(chosen) ? [] : steps) {
  say(`--- ${name}`);
  const status = await runChild(process.execPath, [program, ...args], { stdio: inherit });
  if (status !== 0) failed.push(name);
}

say('--- tests');
const args = [bin('vitest', 'vitest.mjs'), 'run', ...reporters('default'), ...chosen];
const status = await runChild(process.execPath, args, { stdio: inherit, env });

const counts = takeCounts(report);
failed.push(...failures(status, counts));
process.exitCode = tellCounts({ ...counts, failed });
