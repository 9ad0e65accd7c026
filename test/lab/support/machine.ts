import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect } from 'vitest';

/** What the lab computes on: `kvm`, `emulated`, or `virtual-time` (vm/qemu.mjs). */
const PROCESSOR = process.env['LAB_PROCESSOR'];

/**
 * Skips the tests of a file, whose path is `file`, where the processor is emulated and the
 * clock is the host's: the guest may stand still there for longer than the time that they
 * have for something. To be called before other hooks.
 */
export function needsPace(file: string): void {
  let idleBefore = 0;
  beforeEach(({ skip }) => {
    idleBefore = idleTicks();
    if (PROCESSOR !== 'emulated') return;
    skip(`an emulated processor does not keep pace: npm run lab -- --virtual-time ${file}`);
  });
  afterEach(() => {
    if (PROCESSOR !== 'virtual-time') return;
    // While it is idle, its clock follows the host's: vm/guest.sh.
    expect(idleTicks() - idleBefore, 'the time for which the guest was idle').toBe(0);
  });
}

/** For how long the guest has had nothing to do, in 1/100 s. */
function idleTicks(): number {
  // cpu, user, nice, system, idle, iowait: proc(5).
  const [, , , , idle = '', wait = ''] = readFileSync('/proc/stat', 'utf8').split(/\s+/);
  return Number(idle) + Number(wait);
}
