/**
 * Frames in such a time as a bus takes for them. The emulation of the controllers
 * gives each to the other at once, whatever the bit rate, and has room for five:
 * what comes quicker than the kernel can take it is lost. A virtual bus takes
 * frames as quickly as they are sent.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addVcan, removeInterface } from './can.js';
import { loadModules, run } from './system.js';

/** From the start of a classic frame of 8 bytes, without stuffed bits, to that of the next, in µs. */
export const FRAME_US = { at500k: 222, at250k: 444 } as const;
/** A frame as the kernel counts it (CAN_MTU). */
const FRAME_BYTES = 16;
/**
 * Sends, and hears of what has come. A processor that has to wait for the host,
 * while another sends on, would find no room left.
 */
const PROCESSOR = '0';

/**
 * For this process and controllers that are up: at 250 kbit/s, at which the emulated
 * processor reads each register in time, also where the machine has other work.
 * Returns what makes it undone.
 */
export function paceFrames(names: readonly string[]): () => void {
  for (const name of names) {
    // As many as an interface's own queue has room for.
    pace(name, { frameUs: FRAME_US.at250k, atOnce: 1, queued: 10 });
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

/**
 * A virtual bus of 500 kbit/s, whose senders wait for it. What makes it undone is
 * returned. No other virtual bus may be there.
 */
export function addPacedVcan(name: string): () => void {
  // Without echo=1 a virtual bus delivers frames before they have been in its queue.
  run('modprobe', '--remove', 'vcan');
  run('modprobe', 'vcan', 'echo=1');
  addVcan(name);
  // What a timer that comes late holds back for some ms is made up for, as by the memory of a
  // controller. There is room for more than the buffer of a sender's socket (some 280).
  pace(name, { frameUs: FRAME_US.at500k, atOnce: 16, queued: 1_000 });
  return () => {
    removeInterface(name);
    run('modprobe', '--remove', 'vcan');
  };
}

interface Pace {
  readonly frameUs: number;
  /** Frames that may follow each other without a pause, after one. */
  readonly atOnce: number;
  /** That wait; more are refused (ENOBUFS). */
  readonly queued: number;
}

function pace(name: string, { frameUs, atOnce, queued }: Pace): void {
  loadModules('sch_tbf');
  const rate = `${String(Math.round((FRAME_BYTES * 8 * 1_000_000) / frameUs))}bit`;
  // A byte more, for the rounded size has to hold the frames.
  const bucket = ['rate', rate, 'burst', String(FRAME_BYTES * atOnce + 1)];
  const room = ['limit', String(FRAME_BYTES * queued)];
  run('tc', 'qdisc', 'replace', 'dev', name, 'root', 'tbf', ...bucket, ...room);
}

/** Its folder in /proc. */
function interruptOf(name: string): string {
  const folder = '/proc/irq';
  const number = readdirSync(folder).find((one) => readdirSync(join(folder, one)).includes(name));
  if (number === undefined) throw new Error(`${name} has no interrupt`);
  return join(folder, number);
}
