// Installs system packages with apt-get, as root or through sudo. Without a terminal
// only where sudo asks for no password.
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runChild } from './children.mjs';
import { readOr } from './setup-common.mjs';

/** Whether a file is there and can be executed. */
export const isProgram = (file) => {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
};

/** Folders of PATH. */
export const searchPath = () =>
  (process.env.PATH ?? '').split(delimiter).filter((part) => part !== '');
/** Whether a program of that name is in one of them. */
export const onPath = (name) => searchPath().some((folder) => isProgram(join(folder, name)));

/** `ID` and `ID_LIKE` of the system: `debian`, `ubuntu`, `fedora` … */
export function systemNames() {
  if (process.platform === 'darwin') return ['macos'];
  const release = readOr('/etc/os-release', readOr('/usr/lib/os-release', ''));
  return [...release.matchAll(/^ID(?:_LIKE)?=(.*)$/gm)].flatMap(([, names]) =>
    names.replace(/["']/g, '').split(' '),
  );
}

/** What to put before a command that root has to run; undefined: this user cannot become root. */
async function rootPrefix(uid) {
  if (uid === 0) return [];
  if (!onPath('sudo')) return undefined;
  const silent = ['ignore', 'ignore', 'ignore'];
  const free = (await runChild('sudo', ['-n', 'true'], { stdio: silent })) === 0;
  if (free) return ['sudo', '-n'];
  return process.stdin.isTTY && process.stderr.isTTY ? ['sudo'] : undefined;
}

/**
 * Resolves to what runs a shell script as root, all output on stderr, and
 * resolves to its exit status; to undefined where only a password would do.
 */
export async function rootShell({ uid = process.getuid() } = {}) {
  const prefix = await rootPrefix(uid);
  if (prefix === undefined) return undefined;
  const [program, ...args] = [...prefix, 'sh', '-c'];
  // Only a sudo that may ask for a password gets the terminal.
  const stdin = program === 'sudo' && args[0] !== '-n' ? 'inherit' : 'ignore';
  return (script) => runChild(program, [...args, script], { stdio: [stdin, 2, 2] });
}

/** Shell lines that install packages, after updating the lists of packages where needed. */
export const aptInstall = (packages) => `
export DEBIAN_FRONTEND=noninteractive
install() {
  apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends ${packages.join(' ')} </dev/null
}
install || { apt-get -o DPkg::Lock::Timeout=300 update </dev/null && install; }`;
