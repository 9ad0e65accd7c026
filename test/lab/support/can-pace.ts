/**
 * Frames of the two controllers in such a time as a bus takes for them. Their
 * emulation hands each to the other at once, whatever the bit rate, and has room
 * for five: what comes quicker than the kernel can take it is lost.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadModules, run } from './system.js';

/**
 * From the start of one frame to that of the next, in µs. A frame of 8 bytes
 * takes 222 at 500 kbit/s, 444 at 250: at that the emulated processor reads
 * each register of a controller in time, also where the machine has other work.
 */
const FRAME_US = 444;
/** A frame as the kernel counts it (CAN_MTU). */
const FRAME_BYTES = 16;
/** As many as an interface's own queue has room for. */
const QUEUED_FRAMES = 10;
/**
 * Sends, and hears of what has come. A processor that has to wait for the host,
 * while another sends on, would find no room left.
 */
const PROCESSOR = '0';

/** For this process and interfaces that are up. Returns what makes it undone. */
export function paceFrames(names: readonly string[]): () => void {
  loadModules('sch_tbf');
  const rate = `${String(Math.round((FRAME_BYTES * 8 * 1_000_000) / FRAME_US))}bit`;
  for (const name of names) {
    // A bucket for one frame, which its rounded size has to hold.
    const bucket = ['rate', rate, 'burst', String(FRAME_BYTES + 1)];
    const room = ['limit', String(FRAME_BYTES * QUEUED_FRAMES)];
    run('tc', 'qdisc', 'replace', 'dev', name, 'root', 'tbf', ...bucket, ...room);
    writeFileSync(join(interruptOf(name), 'smp_affinity_list'), PROCESSOR);
  }
  const pid = String(process.pid);
  const before = /[\da-f,]+$/.exec(run('taskset', '--pid', pid).trim())?.[0] ?? '';
  run('taskset', '--pid', '--cpu-list', PROCESSOR, pid);
  return () => {
    run('taskset', '--pid', before, pid);
    for (const name of names) run('tc', 'qdisc', 'delete', 'dev', name, 'root');
  };
}

/** Its folder in /proc. */
function interruptOf(name: string): string {
  const folder = '/proc/irq';
  const number = readdirSync(folder).find((one) => readdirSync(join(folder, one)).includes(name));
  if (number === undefined) throw new Error(`${name} has no interrupt`);
  return join(folder, number);
}
