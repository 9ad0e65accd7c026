/** What a process uses, as Linux says it. */
import { readFileSync } from 'node:fs';

/** What a process has used so far. */
export interface Usage {
  /** ms of CPU, of all its threads. */
  readonly cpuMs: number;
  /** Resident memory in bytes: now, and the most it ever was. */
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  /**
   * Bytes that it made the storage write, by pages of 4 KiB (`write_bytes` of proc(5)).
   * Linux counts them when the page is changed, not when it is written. On tmpfs: 0.
   */
  readonly writtenBytes: number;
}

/** All but the CPU, which a process knows more exactly of itself. */
export function memoryAndDiskOf(pid: number | 'self'): Omit<Usage, 'cpuMs'> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const io = readFileSync(`/proc/${pid}/io`, 'utf8');
  return {
    rssBytes: 1024 * numberAfter('VmRSS', status),
    peakRssBytes: 1024 * numberAfter('VmHWM', status),
    writtenBytes: numberAfter('write_bytes', io),
  };
}

/** A tick of `/proc/PID/stat` is 10 ms on every Linux that Node runs on. */
const TICK_MS = 10;

/** What a process and all below it use: of a program that is not asked itself. */
export function usageOfTree(root: number, processes: ReadonlyMap<number, ProcessStat>): Usage {
  let usage: Usage = { cpuMs: 0, rssBytes: 0, peakRssBytes: 0, writtenBytes: 0 };
  for (const pid of treeOf(root, processes)) {
    const { ticks } = processes.get(pid) ?? { ticks: 0 };
    try {
      const { rssBytes, peakRssBytes, writtenBytes } = memoryAndDiskOf(pid);
      usage = {
        cpuMs: usage.cpuMs + ticks * TICK_MS,
        rssBytes: usage.rssBytes + rssBytes,
        peakRssBytes: usage.peakRssBytes + peakRssBytes,
        writtenBytes: usage.writtenBytes + writtenBytes,
      };
    } catch {
      // It has ended meanwhile.
    }
  }
  return usage;
}

/** Of `/proc/PID/stat`. */
export interface ProcessStat {
  readonly parent: number;
  /** CPU of its threads and of children that have ended. */
  readonly ticks: number;
}

/** Of a line such as `123 (a name) S 1 …`, numbered from 1 in proc(5). */
export function parseStat(line: string): ProcessStat {
  // A name may have spaces and parentheses. Behind it comes field 3.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return { parent: field(4), ticks: field(14) + field(15) + field(16) + field(17) };
}

/** The process and all that it, or one of those, has started. */
export function treeOf(root: number, processes: ReadonlyMap<number, ProcessStat>): number[] {
  const tree = [root];
  for (let at = 0; at < tree.length; at++) {
    for (const [pid, { parent }] of processes) if (parent === tree[at]) tree.push(pid);
  }
  return tree;
}

const numberAfter = (name: string, text: string): number =>
  Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);
