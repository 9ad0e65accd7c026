/** What the lab computes on: `kvm`, `emulated`, or `virtual-time` (vm/qemu.mjs). */
const PROCESSOR = process.env['LAB_PROCESSOR'];

/**
 * Why what has to happen in a certain time cannot be tested here; undefined: it can.
 * `file`: of the test.
 */
export function whyNoPace(file: string): string | undefined {
  return PROCESSOR === 'emulated'
    ? `an emulated processor does not keep pace: npm run lab -- --virtual-time ${file}`
    : undefined;
}
