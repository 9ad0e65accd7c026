// nats-server for the demo, the tests and the bench.
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runChild } from './children.mjs';
import { readOr, say, SetupError } from './setup-common.mjs';

const isProgram = (file) => {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
};

const searchPath = () => (process.env.PATH ?? '').split(delimiter).filter((part) => part !== '');
const onPath = (name) => searchPath().some((folder) => isProgram(join(folder, name)));

/** Where system packages put servers; often not on the PATH of users. */
const SERVER_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

function findNatsServer(folders) {
  if (onPath('nats-server')) return true;
  const folder = folders.find((candidate) => isProgram(join(candidate, 'nats-server')));
  if (folder === undefined) return false;
  process.env.PATH = [...searchPath(), folder].join(delimiter);
  return true;
}

/** `ID` and `ID_LIKE` of the system: `debian`, `ubuntu`, `fedora` … */
function systemNames() {
  if (process.platform === 'darwin') return ['macos'];
  const release = readOr('/etc/os-release', readOr('/usr/lib/os-release', ''));
  return [...release.matchAll(/^ID(?:_LIKE)?=(.*)$/gm)].flatMap(([, names]) =>
    names.replace(/["']/g, '').split(' '),
  );
}

/** The command that installs nats-server, by system. */
const INSTALL_COMMANDS = {
  debian: 'sudo apt-get install nats-server',
  ubuntu: 'sudo apt-get install nats-server',
  macos: 'brew install nats-server',
  arch: 'sudo pacman -S nats-server',
  alpine:
    'sudo apk add nats-server --repository=https://dl-cdn.alpinelinux.org/alpine/edge/community',
  nixos: 'nix-shell -p nats-server',
};

const DOWNLOAD =
  'download it from https://github.com/nats-io/nats-server/releases and put nats-server on the PATH';

function howToInstall(names) {
  const known = names.find((name) => name in INSTALL_COMMANDS);
  if (known !== undefined) return `install it with: ${INSTALL_COMMANDS[known]}\n(or ${DOWNLOAD})`;
  const go = onPath('go') ? '\n(or: go install github.com/nats-io/nats-server/v2@latest)' : '';
  return `${DOWNLOAD}${go}`;
}

// Debian's package would start a server on port 4222, now and after each boot.
// Nobody asked for that: a policy of ours (unless the machine has one) forbids
// starting services meanwhile, and the unit is not left enabled. A unit that
// was there before is not touched, as the package is not installed again.
const APT_INSTALL = `
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\\nexit 101\\n' >"$policy" && chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
install() {
  apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends nats-server </dev/null
}
install || { apt-get -o DPkg::Lock::Timeout=300 update </dev/null && install; } || exit 1
if command -v systemctl >/dev/null; then
  systemctl disable nats-server.service >/dev/null 2>&1
fi
exit 0
`;

/**
 * Makes sure that nats-server is on the PATH, of this process and its children.
 * Throws a SetupError that says how to get it where this program may not.
 */
export async function getNatsServer({
  folders = SERVER_FOLDERS,
  names = systemNames(),
  uid = process.getuid(),
} = {}) {
  if (findNatsServer(folders)) return;
  const help = howToInstall(names);
  const debian = names.includes('debian') || names.includes('ubuntu');
  if (!debian || !onPath('apt-get')) {
    throw new SetupError(`nats-server is missing; ${help}`, 2);
  }
  let prefix;
  if (uid === 0) {
    prefix = [];
  } else if (onPath('sudo')) {
    const silent = ['ignore', 'ignore', 'ignore'];
    const free = (await runChild('sudo', ['-n', 'true'], { stdio: silent })) === 0;
    if (free) prefix = ['sudo', '-n'];
    else if (process.stdin.isTTY && process.stderr.isTTY) prefix = ['sudo'];
  }
  if (prefix === undefined) {
    throw new SetupError(`nats-server is missing, and sudo asks for a password; ${help}`, 2);
  }
  say('installing nats-server (apt-get)');
  const [program, ...args] = [...prefix, 'sh', '-c', APT_INSTALL];
  const stdin = prefix.length === 1 ? 'inherit' : 'ignore';
  const status = await runChild(program, args, { stdio: [stdin, 2, 2] });
  if (!findNatsServer(folders)) {
    throw new SetupError(`apt-get did not install nats-server (exit status ${status}); ${help}`, 2);
  }
}
