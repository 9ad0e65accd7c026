import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { readFile, readdir, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';

/**
 * Who has a port open: the descriptors of all processes in /proc are compared
 * with the device. Only root sees the programs of other users, and nobody sees those
 * of other containers: an empty list proves nothing.
 */
export interface PortHolder {
  readonly pid: number;
  /** For people: `picocom`, `python3 logger.py`. */
  readonly program: string;
}

/** A device as fstat(2) tells it. */
export interface DeviceIdentity {
  /** Number of the device itself. */
  readonly rdev: number;
  /** File system and file of its node. */
  readonly dev: number;
  readonly ino: number;
}

export interface HolderScan {
  /** Other processes, this one left out, in order of their pid. */
  readonly holders: readonly PortHolder[];
  /** False when the descriptors of some processes could not be read (other users' programs). */
  readonly complete: boolean;
}

/** Majors of PTY slaves. Each devpts instance counts its own from 0, so the number alone says little. */
const PTY_MAJOR_FIRST = 136;
const PTY_MAJOR_LAST = 143;

/** Major number of a device, from Linux' encoding of st_rdev. */
export function majorOf(rdev: number): number {
  return (rdev >>> 8) & 0xfff;
}

export function isPty(device: Pick<DeviceIdentity, 'rdev'>): boolean {
  const major = majorOf(device.rdev);
  return major >= PTY_MAJOR_FIRST && major <= PTY_MAJOR_LAST;
}

export function isSameDevice(a: DeviceIdentity, b: DeviceIdentity): boolean {
  if (a.rdev !== b.rdev) return false;
  return !isPty(a) || (a.dev === b.dev && a.ino === b.ino);
}

/** `proc`: root of procfs, another one in tests. Never rejects. */
export async function findHolders(device: DeviceIdentity, proc = '/proc'): Promise<HolderScan> {
  const byDevice = await findHoldersOfAll([device], proc);
  return { holders: byDevice.holders[0] ?? [], complete: byDevice.complete };
}

/** One pass over /proc for several devices; `holders[i]` are those of `devices[i]`. Never rejects. */
export async function findHoldersOfAll(
  devices: readonly DeviceIdentity[],
  proc = '/proc',
): Promise<{ holders: readonly (readonly PortHolder[])[]; complete: boolean }> {
  const found: PortHolder[][] = devices.map(() => []);
  let complete = true;
  const self = await ownPid(proc);
  const pids = (await readdir(proc).catch((): string[] => []))
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  for (const pid of pids.sort((a, b) => a - b)) {
    if (pid === self) continue;
    await setImmediate(); // links must not wait for the whole of /proc
    let open: DeviceIdentity[];
    try {
      open = devicesOf(`${proc}/${pid}/fd`);
    } catch (error) {
      // ENOENT, ESRCH: it has ended meanwhile.
      if (isDenied(error)) complete = false;
      continue;
    }
    for (const [index, device] of devices.entries()) {
      if (!open.some((other) => isSameDevice(other, device))) continue;
      found[index]?.push({ pid, program: await programName(pid, proc) });
    }
  }
  return { holders: found, complete };
}

/**
 * The process that holds the advisory lock (flock) which serialport, pyserial
 * and picocom put on a port: undefined when nobody does.
 */
export async function findLockOwner(
  device: DeviceIdentity,
  proc = '/proc',
): Promise<PortHolder | undefined> {
  const locks = await readFile(`${proc}/locks`, 'latin1').catch(() => '');
  for (const line of locks.split('\n')) {
    // 1: FLOCK  ADVISORY  WRITE 1234 00:05:103 0 EOF    (device in hexadecimal, inode in decimal)
    const match = /^\d+: FLOCK +\w+ +\w+ +(-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(line);
    if (match === null) continue;
    const [, pid = '', major = '', minor = '', ino = ''] = match;
    if (Number(ino) !== device.ino) continue;
    if (deviceNumber(parseInt(major, 16), parseInt(minor, 16)) !== device.dev) continue;
    return { pid: Number(pid), program: await programName(Number(pid), proc) };
  }
  return undefined;
}

/** Number of this process, as /proc knows it (0 where there is no /proc). */
export async function ownPid(proc = '/proc'): Promise<number> {
  return Number(await readlink(`${proc}/self`).catch(() => '0'));
}

/** `picocom (pid 812)`, `cu (pid 7) and cat (pid 9)`. */
export function namesOf(holders: readonly PortHolder[]): string {
  const names = holders.map(({ pid, program }) => `${program} (pid ${pid})`);
  const last = names.pop() ?? '';
  return names.length === 0 ? last : `${names.join(', ')} and ${last}`;
}

/** As glibc's makedev(3). */
function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12);
}

/**
 * The devices that one process has open. Some 0.1 ms for a common process; in
 * the thread pool, each of its descriptors would cost a good part of that.
 */
function devicesOf(folder: string): DeviceIdentity[] {
  const devices: DeviceIdentity[] = [];
  for (const name of readdirSync(folder)) {
    try {
      // The text first: looking behind every descriptor could wait for a dead network file system.
      if (!readlinkSync(`${folder}/${name}`).startsWith('/dev/')) continue;
      const { rdev, dev, ino } = statSync(`${folder}/${name}`);
      if (rdev !== 0) devices.push({ rdev, dev, ino });
    } catch {
      // Closed meanwhile.
    }
  }
  return devices;
}

/** Programs that run others: the script says more than they do. */
const INTERPRETERS = /^(node|nodejs|python[\d.]*|perl|ruby|sh|bash|dash)$/;

async function programName(pid: number, proc: string): Promise<string> {
  const commandLine = await readFile(`${proc}/${pid}/cmdline`, 'utf8').catch(() => '');
  const [command = '', script = ''] = commandLine.split('\0');
  // A program may rewrite its command line to a sentence ("agetty: tty1").
  const name = basename(command.split(' ')[0] ?? '');
  if (name === '') {
    const comm = await readFile(`${proc}/${pid}/comm`, 'utf8').catch(() => '');
    return comm.trim() || 'a program';
  }
  if (INTERPRETERS.test(name) && script !== '' && !script.startsWith('-')) {
    return `${name} ${basename(script)}`;
  }
  return name;
}

function isDenied(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'EACCES' || code === 'EPERM';
}
