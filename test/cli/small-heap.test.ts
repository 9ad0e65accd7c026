import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const MODULE = fileURLToPath(new URL('../../dist/src/cli/small-heap.js', import.meta.url));

/** Makes garbage that outlives two collections, then a thread, then the same again. */
const PROGRAM = `
import { once } from 'node:events';
import { getHeapSpaceStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
const { keepHeapSmall } = await import(process.argv[1]);
if (process.argv[2] === 'kept') keepHeapSmall();
const kept = new Array(30_000);
let most = 0;
let made = 0;
async function load() {
  for (let turn = 0; turn < 150; turn += 1) {
    for (let count = 0; count < 4_000; count += 1) {
      kept[made++ % kept.length] = { count, text: [turn, count] };
    }
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
    most = Math.max(most, young.physical_space_size);
    await new Promise(setImmediate);
  }
}
await load();
await once(new Worker('', { eval: true, resourceLimits: { maxOldGenerationSizeMb: 16 } }), 'exit');
await load();
console.log(most / 2 ** 20);
`;

const mostYoungMb = async (how: 'kept' | 'as V8 does'): Promise<number> => {
  const args = ['--input-type=module', '-e', PROGRAM, MODULE, how];
  return Number((await promisify(execFile)(process.execPath, args)).stdout);
};

it('keeps the young generation small, also after a thread was made', async () => {
  expect(await mostYoungMb('kept')).toBeLessThan(20);
  expect(await mostYoungMb('as V8 does')).toBeGreaterThan(20);
});
