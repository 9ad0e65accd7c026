/** Keeps a process on one core. Node cannot; `taskset` of util-linux can, on every Linux that has it. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

const LAST = availableParallelism() - 1;

/** True: all threads of these processes run on the last core. */
export const pin = (pids: readonly number[]): boolean => isSet(pids, String(LAST));

/** True: they run on all others. With one core there are no others. */
export const pinAway = (pids: readonly number[]): boolean =>
  LAST > 0 && isSet(pids, `0-${String(LAST - 1)}`);

/** They run on any core again. */
export const unpin = (pids: readonly number[]): boolean => isSet(pids, `0-${String(LAST)}`);

function isSet(pids: readonly number[], cores: string): boolean {
  return pids.every((pid) => {
    const { status } = spawnSync('taskset', ['-acp', cores, String(pid)], { stdio: 'ignore' });
    return status === 0;
  });
}
