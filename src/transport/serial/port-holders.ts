import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { readFile, readdir, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';

/**
 * A process that has a port open, found by comparing the descriptors in /proc with
 * the device. Only root sees the programs of other users, and no user sees those of
 * other containers: an empty list does not prove that the port is free.
 */
export interface PortHolder {
  readonly pid: number;
  /** Such as `picocom` or `python3 logger.py`, for people. */
  readonly program: string;
}

/** Identity of a device, by fstat(2). */
export interface DeviceIdentity {
  /** Number of the device (st_rdev). */
  readonly rdev: number;
  /** File system of the device file. */
  readonly dev: number;
  /** Inode of the device file. */
  readonly ino: number;
}

/** Processes that have a device open. */
export interface HolderScan {
  /** All but this process, by pid. */
  readonly holders: readonly PortHolder[];
  /** False: the descriptors of some processes could not be read, since they belong to other users. */
  readonly complete: boolean;
}

/** Majors of PTY slaves. Each devpts counts from 0, so that two PTYs may have the same number. */
const PTY_MAJOR_FIRST = 136;
const PTY_MAJOR_LAST = 143;

/** Major number of a device, from st_rdev of Linux. */
function majorOf(rdev: number): number {
  return (rdev >>> 8) & 0xfff;
}

/** Whether a device is the slave of a pseudo terminal. */
export function isPty(device: Pick<DeviceIdentity, 'rdev'>): boolean {
  const major = majorOf(device.rdev);
  return major >= PTY_MAJOR_FIRST && major <= PTY_MAJOR_LAST;
}

/** PTYs are the same only if their files are, too. */
function isSameDevice(a: DeviceIdentity, b: DeviceIdentity): boolean {
  if (a.rdev !== b.rdev) return false;
  return !isPty(a) || (a.dev === b.dev && a.ino === b.ino);
}

/** `proc`: folder of procfs; tests pass another. Never rejects. */
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
    await setImmediate(); // links go on between two processes
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
 * The process with the advisory lock (flock) on a port, which serialport, pyserial
 * and picocom take; `undefined`: none. Never rejects.
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

/** Pid of this process in /proc; 0 where there is no /proc. */
export async function ownPid(proc = '/proc'): Promise<number> {
  return Number(await readlink(`${proc}/self`).catch(() => '0'));
}

/** `picocom (pid 812)`, `cu (pid 7) and cat (pid 9)`. */
export function namesOf(holders: readonly PortHolder[]): string {
  const names = holders.map(({ pid, program }) => `${program} (pid ${pid})`);
  const last = names.pop() ?? '';
  return names.length === 0 ? last : `${names.join(', ')} and ${last}`;
}

/** Device number, as makedev(3) makes it. */
function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12);
}

/**
 * The devices that a process has open. Takes some 0.1 ms for a common process;
 * asynchronous calls would take about as long for each of its descriptors.
 */
function devicesOf(folder: string): DeviceIdentity[] {
  const devices: DeviceIdentity[] = [];
  for (const name of readdirSync(folder)) {
    try {
      // First the link: stat(2) could wait for a dead network file system.
      if (!readlinkSync(`${folder}/${name}`).startsWith('/dev/')) continue;
      const { rdev, dev, ino } = statSync(`${folder}/${name}`);
      if (rdev !== 0) devices.push({ rdev, dev, ino });
    } catch {
      // The descriptor was closed meanwhile.
    }
  }
  return devices;
}

/** Interpreters: the name of the script says more. */
const INTERPRETERS = /^(node|nodejs|python[\d.]*|perl|ruby|sh|bash|dash)$/;

async function programName(pid: number, proc: string): Promise<string> {
  const commandLine = await readFile(`${proc}/${pid}/cmdline`, 'utf8').catch(() => '');
  const [command = '', script = ''] = commandLine.split('\0');
  // Some programs change their command line, such as to "agetty: tty1".
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
