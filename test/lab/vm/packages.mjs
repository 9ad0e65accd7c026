// What the lab needs of the system: programs that are installed, and packages
// that are only unpacked into the cache.
import { join } from 'node:path';
import {
  aptInstall,
  isProgram,
  onPath,
  rootShell,
  searchPath,
  systemNames,
} from '../../../tools/apt.mjs';
import { say, SetupError } from '../../../tools/setup-common.mjs';

/** Exit status: it cannot run on this machine, and no test has failed. */
export const CANNOT_RUN = 2;

/** The lab cannot run here; the message says why, and what to do about it. */
export class CannotRun extends SetupError {
  constructor(message) {
    super(message, CANNOT_RUN);
  }
}

/** A program that shows whether its Debian package is there. */
const PROGRAMS = {
  'qemu-system-x86_64': 'qemu-system-x86',
  xz: 'xz-utils',
  depmod: 'kmod',
  ip: 'iproute2',
  candump: 'can-utils',
};

/** With --systemd. They are run in the guest only; installing them starts nothing here. */
const SYSTEMD_PROGRAMS = {
  '/lib/systemd/systemd': 'systemd',
  '/lib/systemd/systemd-udevd': 'udev',
  useradd: 'passwd',
};

/** Where packages put programs that users do not have on their PATH. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin'];

const isThere = (program) =>
  isProgram(program) ||
  onPath(program) ||
  SYSTEM_FOLDERS.some((folder) => isProgram(join(folder, program)));

/** PATH with the folders of the system's programs. */
export const fullPath = () => [...new Set([...searchPath(), ...SYSTEM_FOLDERS])].join(':');

/** Throws {@link CannotRun} unless the machine is one that the lab can run on. */
export function checkMachine({
  platform = process.platform,
  arch = process.arch,
  names = systemNames(),
} = {}) {
  if (platform !== 'linux' || arch !== 'x64') {
    throw new CannotRun(`the lab runs on Linux on x86-64, and this is ${platform} on ${arch}`);
  }
  if (!names.includes('debian') || names.includes('ubuntu') || !onPath('apt-get')) {
    const name = names[0] ?? 'another system';
    throw new CannotRun(
      `the lab takes its kernel from Debian's packages, and this is ${name}; ` +
        'run it in a container or on a machine with Debian',
    );
  }
}

/** Installs the programs that are missing. Throws {@link CannotRun} where that is impossible. */
export async function installPrograms({ uid = process.getuid(), systemd = false } = {}) {
  const programs = systemd ? { ...PROGRAMS, ...SYSTEMD_PROGRAMS } : PROGRAMS;
  const missing = () => Object.keys(programs).filter((program) => !isThere(program));
  const packages = missing().map((program) => programs[program]);
  if (packages.length === 0) return;
  const command = `apt-get install --no-install-recommends ${packages.join(' ')}`;
  const asRoot = await rootShell({ uid });
  if (asRoot === undefined) {
    throw new CannotRun(
      `the lab needs packages that only root can install; install them with: sudo ${command}`,
    );
  }
  say(`installing ${packages.join(' ')} (apt-get)`);
  const status = await asRoot(aptInstall(packages));
  if (missing().length > 0) {
    throw new CannotRun(
      `apt-get did not install ${missing().join(', ')} (exit status ${status}, see above); ` +
        `is there a network, and do the package sources work? By hand: ${command}`,
    );
  }
}
