import { beforeEach } from 'vitest';

/** What the lab computes on: `kvm`, `emulated`, or `virtual-time` (vm/qemu.mjs). */
const PROCESSOR = process.env['LAB_PROCESSOR'];

/**
 * Skips the tests of a file, whose path is `file`, where the processor is emulated and the
 * clock is the host's: the guest may stand still there for longer than the time that they
 * have for something. To be called before other hooks.
 */
export function needsPace(file: string): void {
  beforeEach(({ skip }) => {
    if (PROCESSOR !== 'emulated') return;
    skip(`an emulated processor does not keep pace: npm run lab -- --virtual-time ${file}`);
  });
}
