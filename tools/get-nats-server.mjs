// nats-server for the demo, the tests and the bench.
import { delimiter, join } from 'node:path';
import { aptInstall, isProgram, onPath, rootShell, searchPath, systemNames } from './apt.mjs';
import { say, SetupError } from './setup-common.mjs';

/** Where system packages put servers; often not on the PATH of users. */
const SERVER_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

function findNatsServer(folders) {
  if (onPath('nats-server')) return true;
  const folder = folders.find((candidate) => isProgram(join(candidate, 'nats-server')));
  if (folder === undefined) return false;
  process.env.PATH = [...searchPath(), folder].join(delimiter);
  return true;
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

// Debian's package would start a server on port 4222, now and after each boot, which
// nobody has asked for. So a policy file forbids starting services during the
// installation (unless the machine has one already), and the unit is disabled. A unit
// from an earlier installation is not touched: then the package is not installed again.
const APT_INSTALL = `
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\\nexit 101\\n' >"$policy" && chmod 755 "$policy"
fi
${aptInstall(['nats-server'])} || exit 1
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
  const asRoot = await rootShell({ uid });
  if (asRoot === undefined) {
    throw new SetupError(`nats-server is missing, and sudo asks for a password; ${help}`, 2);
  }
  say('installing nats-server (apt-get)');
  const status = await asRoot(APT_INSTALL);
  if (!findNatsServer(folders)) {
    throw new SetupError(`apt-get did not install nats-server (exit status ${status}); ${help}`, 2);
  }
}
