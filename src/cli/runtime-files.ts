/** Reads the files that the gateway writes for commands into `runtimeDir` (src/gateway/state/runtime-dir.ts). */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { GatewayConfig } from '../gateway/config/config.js';
import { codeOf } from '../gateway/state/disk.js';
import { NatsUnknownError, type NatsSettings } from '../siot/connection/nats-settings.js';
import { groupName, ownerName, userName } from '../linux/accounts.js';
import { CliError } from './errors.js';

type Folders = Pick<GatewayConfig, 'runtimeDir' | 'stateDir'>;

/** The gateway's own ID from this folder; `undefined`: there is none, or it may not be read. */
export function readGatewayId(folder: string): string | undefined {
  try {
    const { id } = readObject(folder, 'gateway.json');
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}

/** The ID of the gateway of this configuration. Throws a {@link CliError} when it cannot be known. */
export function knownGateway({ runtimeDir, stateDir }: Folders): string {
  try {
    const { id } = readObject(runtimeDir, 'gateway.json');
    if (typeof id === 'string') return id;
  } catch (error) {
    const denied = whyDenied(runtimeDir, error);
    if (denied !== undefined) throw new CliError(denied);
  }
  throw new CliError(
    `${runtimeDir} knows no gateway yet: start \`siot-mcu run\` with this configuration first` +
      elsewhere({ runtimeDir, stateDir }),
  );
}

/** Where the gateway's own private server listens now. Throws a {@link NatsUnknownError}. */
export function privateNats({ runtimeDir, stateDir }: Folders): NatsSettings {
  try {
    const { url, token } = readObject(runtimeDir, 'nats.json');
    if (typeof url === 'string' && typeof token === 'string') {
      return { servers: [url], auth: { kind: 'private', token } };
    }
  } catch (error) {
    const denied = whyDenied(runtimeDir, error);
    if (denied !== undefined) throw new NatsUnknownError(denied);
  }
  throw new NatsUnknownError(
    `${runtimeDir} knows no private nats-server: start \`siot-mcu run\` first` +
      elsewhere({ runtimeDir, stateDir }),
  );
}

/** A hint for the user: commands do not get the RUNTIME_DIRECTORY that the service gets from systemd. */
const elsewhere = ({ runtimeDir, stateDir }: Folders): string =>
  runtimeDir === stateDir
    ? ' (one that systemd gives a RuntimeDirectory needs runtimeDir in its configuration)'
    : '';

function readObject(folder: string, name: string): Record<string, unknown> {
  const kept: unknown = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  return typeof kept === 'object' && kept !== null ? { ...kept } : {};
}

/** Why this user may not read the folder, and what helps; `undefined`: the error has another cause. */
function whyDenied(folder: string, error: unknown): string | undefined {
  const code = codeOf(error);
  if (code !== 'EACCES' && code !== 'EPERM') return undefined;
  const user = userName();
  const found = statOf(folder);
  if (found === undefined)
    return `${folder} may not be read by user ${user}: a folder above it is closed`;
  const isForGroup = (found.mode & 0o050) === 0o050;
  if (!isForGroup) {
    const owner = ownerName(found.uid);
    return (
      `${folder} may not be read by user ${user}: it is for ${owner} alone. Run the command as ` +
      `that user (sudo -u ${owner} …), or give the gateway a runtimeDir that a group may read`
    );
  }
  const group = groupName(found.gid);
  return (
    `${folder} may not be read by user ${user}, who is not in the group ${group}: ` +
    `\`sudo usermod -aG ${group} ${user}\` and a new login help`
  );
}

function statOf(path: string): { mode: number; uid: number; gid: number } | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
