import { constants } from 'node:fs';
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, realpath, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { isatty } from 'node:tty';
import { groupName, userName } from '../../linux/accounts.js';
import { findHolders, findLockOwner, isPty, namesOf, ownPid } from './port-holders.js';
import type { DeviceIdentity, HolderScan, PortHolder } from './port-holders.js';
import { TransportError } from '../transport.js';
import type { TtyIoctl } from '../../linux/tty-ioctl.js';

/**
 * A port that was opened to check whether a link can use it. Nothing of the port is
 * changed, so that another program that uses it is not disturbed.
 */
export interface PortProbe {
  /** Open for reading and writing, non-blocking. The caller closes it. */
  readonly file: FileHandle;
  readonly device: DeviceIdentity;
  /** Path of the device, links resolved. */
  readonly devicePath: string;
  /** Problems that do not keep a link from using it. For people. */
  readonly warnings: readonly string[];
}

/** Opens a port and checks it. Rejects with a TransportError: `notFound`, `permission`, `notATty`, `busy` or `io`. */
export async function probePort(path: string, ioctl: TtyIoctl | undefined): Promise<PortProbe> {
  const { devicePath, stats } = await lookUp(path);
  if (!stats.isCharacterDevice()) throw notATty(path);
  let file: FileHandle;
  try {
    // O_NOCTTY: the port must not become this process's terminal, whose hang-up would end it.
    file = await open(devicePath, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  } catch (error) {
    throw await explainOpenError(path, error);
  }
  try {
    const { rdev, dev, ino } = await file.stat();
    const device = { rdev, dev, ino };
    if (!isatty(file.fd)) throw notATty(path);
    const warnings = await checkUse(path, file.fd, device, ioctl);
    return { file, device, devicePath, warnings };
  } catch (error) {
    await file.close();
    throw await explainOpenError(path, error);
  }
}

/** Why open(2) failed, and what to do about it. */
export async function explainOpenError(path: string, error: unknown): Promise<TransportError> {
  if (error instanceof TransportError) return error;
  const cause = { cause: error };
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ELOOP':
    case 'ENXIO':
    case 'ENODEV':
      return new TransportError(
        'notFound',
        `${path} does not exist: is the device plugged in?`,
        cause,
      );
    case 'EACCES':
      return new TransportError('permission', await permissionText(path), cause);
    case 'EPERM':
      return new TransportError('permission', await forbiddenText(path), cause);
    case 'EBUSY':
      return new TransportError('busy', await busyText(path), cause);
    case 'EISDIR':
      return notATty(path);
    default:
      return new TransportError('io', `${path} cannot be opened: ${textOf(error)}`, cause);
  }
}

async function lookUp(path: string): Promise<{ devicePath: string; stats: Stats }> {
  try {
    const devicePath = await realpath(path);
    return { devicePath, stats: await stat(devicePath) };
  } catch (error) {
    throw await explainOpenError(path, error);
  }
}

/** Returns warnings. Throws `busy`. */
async function checkUse(
  path: string,
  fd: number,
  device: DeviceIdentity,
  ioctl: TtyIoctl | undefined,
): Promise<string[]> {
  const lockOwner = await findLockOwner(device);
  if (lockOwner !== undefined) throw busy(path, await lockedBy(lockOwner));
  const scan = await findHolders(device);
  if (isExclusive(fd, ioctl)) return [checkExclusive(path, device, scan)];
  if (scan.holders.length === 0) return [];
  return [
    `${path} is also open in ${namesOf(scan.holders)}: both get only part of what the device ` +
      'sends. Close the other program.',
  ];
}

function isExclusive(fd: number, ioctl: TtyIoctl | undefined): boolean {
  try {
    return ioctl?.isExclusive(fd) === true;
  } catch {
    return false; // Linux before 3.8 has no such call
  }
}

/**
 * For a port in exclusive mode, which root can open all the same. The flag is cleared
 * when the last descriptor of the port is closed. So a program that was killed leaves
 * it set while another one has the port open; for a PTY that is the program on its
 * other side. Where no program has the port open, the flag is such a rest.
 */
function checkExclusive(path: string, device: DeviceIdentity, scan: HolderScan): string {
  if (scan.holders.length > 0) {
    throw busy(path, `${namesOf(scan.holders)} has taken it for itself (TIOCEXCL)`);
  }
  if (!scan.complete || !isPty(device)) {
    throw busy(
      path,
      'a program that cannot be seen from here (another container?) has taken it for itself (TIOCEXCL)',
    );
  }
  return `${path} was still marked as taken (TIOCEXCL) by a program that has ended; taken over.`;
}

/** For EBUSY of open(2): the port is in exclusive mode and this process is not root. */
async function busyText(path: string): Promise<string> {
  const scan = await stat(path)
    .then(findHolders)
    .catch((): HolderScan => ({ holders: [], complete: false }));
  if (scan.holders.length > 0) {
    return busy(path, `${namesOf(scan.holders)} has taken it for itself (TIOCEXCL)`).message;
  }
  return (
    `${path} is taken: a program of another user has taken it for itself (TIOCEXCL), or one that ` +
    `has ended left the mark behind. \`sudo fuser -v ${path}\` names who has it open; end that program.`
  );
}

async function lockedBy(owner: PortHolder): Promise<string> {
  if (owner.pid === (await ownPid())) return 'another link of this gateway has it open';
  if (owner.pid <= 0) return 'a program outside this container has locked it';
  return `${namesOf([owner])} has locked it`;
}

/** `who`: what has the port, for people. */
export function busy(path: string, who: string, cause?: unknown): TransportError {
  return new TransportError(
    'busy',
    `${path} is taken: ${who}. End that program, or use another port.`,
    {
      cause,
    },
  );
}

/** For a path that is no serial port. */
export function notATty(path: string): TransportError {
  return new TransportError(
    'notATty',
    `${path} is not a serial port. \`siot-mcu ports\` lists those of this machine.`,
  );
}

/** The kernel forbids a control group the device, whatever the file's mode is. */
async function forbiddenText(path: string): Promise<string> {
  if (isRoot()) return permissionText(path);
  return (
    `${path} may not be opened, whatever its owner and mode are: a systemd service has to be given ` +
    'the device (DeviceAllow=, and a restart where its driver was loaded later), and so has a container.'
  );
}

async function permissionText(path: string): Promise<string> {
  const user = userName();
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined)
    return `${path} may not be looked at by user ${user}: a folder is closed.`;
  if (isRoot()) {
    return (
      `${path} may not be opened, though this is root: a container has to be given the device ` +
      '(docker run --device, or --device-cgroup-rule for devices that come later).'
    );
  }
  const group = groupName(stats.gid);
  if ((stats.mode & 0o060) !== 0o060) {
    return (
      `${path} may not be opened by user ${user}, nor by its group ${group}. Let the group have it: ` +
      `a udev rule with MODE="0660", or \`sudo chmod g+rw ${path}\` until it is plugged in again.`
    );
  }
  return (
    `${path} may not be opened by user ${user}: it belongs to group ${group}. ` +
    `\`sudo usermod -aG ${group} ${user}\` and a new login help; for a systemd service, ` +
    `SupplementaryGroups=${group}.`
  );
}

function isRoot(): boolean {
  try {
    return userInfo().uid === 0;
  } catch {
    return false; // no entry in /etc/passwd, which root has
  }
}

/** The message of an error, for people. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
