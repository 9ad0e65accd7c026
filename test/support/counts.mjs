// What became of the tests, and the lines that say so at the end of a run.
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));

/**
 * Arguments of vitest: who shows what happens, and who counts, into the file that
 * TEST_REPORT names.
 */
export const reporters = (shows) => [
  `--reporter=${shows}`,
  `--reporter=${join(HERE, 'count-reporter.mjs')}`,
];

/** Reads the file and removes it. Nothing is counted where vitest did not come to its end. */
export function takeCounts(report) {
  try {
    return JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { passed: 0, failed: [], skipped: [] };
  } finally {
    rmSync(report, { force: true });
  }
}

/** What has failed, with what its tests do not say: vitest's status. */
export function failures(status, { passed, failed }) {
  const ran = passed + failed.length > 0;
  // It failed, but no test did: it crashed, was stopped, or no test was found.
  if ((status !== 0 && failed.length === 0) || !ran) {
    return [...failed, ran ? `vitest (exit status ${status})` : 'no test ran'];
  }
  return failed;
}

/** Says it, how many last; returns the exit status. */
export function tellCounts({ passed, failed, skipped }) {
  const say = (line) => process.stdout.write(`${line}\n`);
  say('');
  for (const { name, reason } of skipped) say(`skipped: ${name}: ${reason}`);
  for (const name of failed) say(`failed: ${name}`);
  say(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
  return failed.length === 0 ? 0 : 1;
}
