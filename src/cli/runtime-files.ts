/** Reads the files that the gateway writes for commands into `runtimeDir` (src/gateway/state/runtime-dir.ts). */
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GatewayConfig } from '../gateway/config/config.js';
import { codeOf } from '../gateway/state/disk.js';
import { NatsUnknownError, type NatsSettings } from '../siot/connection/nats-settings.js';
import { startAdvice, startAgainAdvice } from './config-places.js';
import { CliError } from './errors.js';
import { whyDenied } from './permissions.js';

type Folders = Pick<GatewayConfig, 'runtimeDir' | 'stateDir'>;

/** The gateway's own ID from this folder; `undefined`: there is none, or it may not be read. */
export function readGatewayId(folder: string): string | undefined {
  try {
    const { id } = readObject(join(folder, 'gateway.json'));
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The ID of the gateway of this configuration. Throws a {@link CliError} that says whether
 * this user may not read it, the gateway does not run, or it has never run.
 */
export function knownGateway({ runtimeDir, stateDir }: Folders): string {
  const file = join(runtimeDir, 'gateway.json');
  try {
    const { id } = readObject(file);
    if (typeof id === 'string') return id;
  } catch (error) {
    const denied = deniedFor(file, error);
    if (denied !== undefined) throw new CliError(denied);
  }
  throw new CliError(whyNoGateway({ runtimeDir, stateDir }).message);
}

/** Why no gateway is found in its runtimeDir: it does not run now, or it has never run. */
export function whyNoGateway({ runtimeDir, stateDir }: Folders): {
  readonly why: 'stopped' | 'never';
  readonly message: string;
} {
  const again = startAgainAdvice(runtimeDir);
  if (existsSync(join(runtimeDir, 'gateway.json'))) {
    return { why: 'stopped', message: `the gateway does not run now: ${again}` };
  }
  if (runtimeDir !== stateDir && hasRun(stateDir)) {
    const message = `the gateway does not run now, or its runtimeDir is not ${runtimeDir}: ${again}`;
    return { why: 'stopped', message };
  }
  const message = `${runtimeDir} knows no gateway yet: ${startAdvice(runtimeDir)}`;
  return { why: 'never', message: message + elsewhere({ runtimeDir, stateDir }) };
}

/** Where the gateway's own private server listens now. Throws a {@link NatsUnknownError}. */
export function privateNats({ runtimeDir, stateDir }: Folders): NatsSettings {
  const file = join(runtimeDir, 'nats.json');
  try {
    const { url, token } = readObject(file);
    if (typeof url === 'string' && typeof token === 'string') {
      return { servers: [url], auth: { kind: 'private', token } };
    }
  } catch (error) {
    const denied = deniedFor(file, error);
    if (denied !== undefined) throw new NatsUnknownError(denied);
  }
  throw new NatsUnknownError(
    `${runtimeDir} knows no private nats-server: ${startAdvice(runtimeDir)}` +
      elsewhere({ runtimeDir, stateDir }),
  );
}

/** A hint for the user: commands do not get the RUNTIME_DIRECTORY that the service gets from systemd. */
const elsewhere = ({ runtimeDir, stateDir }: Folders): string =>
  runtimeDir === stateDir
    ? ' (one that systemd gives a RuntimeDirectory needs runtimeDir in its configuration)'
    : '';

/** Whether a gateway has been at work in this stateDir, which is closed to other users. */
function hasRun(stateDir: string): boolean {
  try {
    return lstatSync(join(stateDir, 'gateway.json'), { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    return codeOf(error) === 'EACCES';
  }
}

function readObject(file: string): Record<string, unknown> {
  const kept: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return typeof kept === 'object' && kept !== null ? { ...kept } : {};
}

/** Why this user may not use a file in runtimeDir, and what helps; `undefined`: the error has another cause. */
export function deniedFor(file: string, error: unknown): string | undefined {
  const code = codeOf(error);
  if (code !== 'EACCES' && code !== 'EPERM') return undefined;
  return `${file} ${whyDenied(file, 'give the gateway a runtimeDir that a group may read')}`;
}
