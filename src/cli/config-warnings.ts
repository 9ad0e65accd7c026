/**
 * What is allowed in a configuration and may be a mistake, on this machine and for this
 * user: the gateway may run elsewhere, as another user, or before a board is plugged in.
 */
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { groupAt, has, textAt } from '../gateway/config/parts.js';
import { placedLinks } from '../gateway/config/checks.js';
import { signalWarnings } from '../gateway/config/signal-checks.js';
import { codeOf, reasonOf } from '../gateway/state/disk.js';
import { ownerName, userName } from '../linux/accounts.js';
import type { Database } from '../signals/database.js';
import { readDatabase } from '../signals/formats.js';
import { linuxCan } from '../transport/can/machine.js';
import { explainOpenError, notATty } from '../transport/serial/port-access.js';
import { listPorts, type SystemRoot } from '../transport/serial/ports.js';
import type { ReadConfig } from './config-file.js';
import type { KeyPath } from './yaml-source.js';

export interface ConfigWarning {
  readonly path: KeyPath;
  /** For people. */
  readonly message: string;
}

/** A database that links read, and the name of its file. */
export interface NamedDatabase {
  readonly file: string;
  readonly database: Database;
}

/** All warnings, and the databases, each once: what is odd in them has a place in their file. */
export async function configWarnings(read: ReadConfig): Promise<{
  readonly warnings: readonly ConfigWarning[];
  readonly databases: readonly NamedDatabase[];
}> {
  const { warnings, databases } = signalFindings(read);
  return {
    warnings: [
      ...(await folderWarnings(read)),
      ...(await portWarnings(read)),
      ...(await presentPortWarnings(read)),
      ...warnings,
      ...canWarnings(read),
    ],
    databases,
  };
}

// --- Folders -------------------------------------------------------------------

async function folderWarnings({ written, config }: ReadConfig): Promise<ConfigWarning[]> {
  const warnings: ConfigWarning[] = [];
  for (const key of ['stateDir', 'runtimeDir'] as const) {
    // What is not named is beside the configuration, or made by systemd.
    if (!has(written, key)) continue;
    const why = await whyUnwritable(config[key]);
    if (why !== undefined) warnings.push({ path: [key], message: why });
  }
  return warnings;
}

/** What systemd makes for a service before it starts. */
const MADE_BY_SYSTEMD: readonly (readonly [string, string])[] = [
  ['/run/', 'RuntimeDirectory='],
  ['/var/lib/', 'StateDirectory='],
];

/** Why this user cannot use the folder as stateDir or runtimeDir; undefined: it can. */
async function whyUnwritable(folder: string): Promise<string | undefined> {
  const user = userName();
  const place = await nearestExisting(folder);
  try {
    await access(place, constants.W_OK | constants.X_OK);
    const found = await stat(place);
    return found.isDirectory() ? undefined : `${folder} cannot be made: ${place} is no folder`;
  } catch (error) {
    const { uid } = await stat(place).catch(() => ({ uid: undefined }));
    const owner = uid === undefined ? '' : `, which belongs to ${ownerName(uid)}`;
    const wrong =
      place === folder
        ? `${folder}${owner}, cannot be written by user ${user}`
        : `${folder} cannot be made by user ${user} in ${place}${owner}`;
    const [, setting] = MADE_BY_SYSTEMD.find(([below]) => folder.startsWith(below)) ?? [];
    const otherwise = setting === undefined ? '' : `, let systemd make it (${setting})`;
    return (
      `${wrong} (${reasonOf(error)}): run the gateway as a user who may write there` +
      `${otherwise}, or name another folder`
    );
  }
}

async function nearestExisting(path: string): Promise<string> {
  for (let place = path; ; place = dirname(place)) {
    const isThere = await stat(place).then(
      () => true,
      (error: unknown) => !/^E(NOENT|NOTDIR)$/.test(codeOf(error) ?? ''),
    );
    if (isThere || place === dirname(place)) return place;
  }
}

// --- Serial ports --------------------------------------------------------------

const serialLinks = ({ written, config }: ReadConfig) =>
  placedLinks(written).flatMap(({ link, path: [links, index] }) => {
    const transport = config.links[index]?.transport;
    const named = textAt(groupAt(link, 'transport'), 'path') ?? '';
    if (transport?.type !== 'serial') return [];
    return [{ named, path: transport.path, key: [links, index, 'transport', 'path'] as const }];
  });

/** Warnings about names of ports that are wrong on any day: relative, or another board after a restart. */
export async function portWarnings(
  read: ReadConfig,
  system?: SystemRoot,
): Promise<ConfigWarning[]> {
  const warnings: ConfigWarning[] = [];
  const links = serialLinks(read);
  const ports = links.some(({ path }) => mayChange(path)) ? await listPorts(system) : [];
  for (const { named, path, key } of links) {
    if (!isAbsolute(named)) {
      const message = `${JSON.stringify(named)} is relative, and so means ${path}; give the whole path, such as /dev/ttyS0`;
      warnings.push({ path: key, message });
    }
    const stable = ports.find((port) => port.path === path)?.stablePath ?? path;
    if (mayChange(path) && stable !== path) {
      const message = `${path} may be another board after a restart of the machine; ${stable} stays the same`;
      warnings.push({ path: key, message });
    }
  }
  return warnings;
}

/** Ports that are numbered in the order in which they are plugged in. */
const mayChange = (path: string): boolean => /\/dev\/tty(?:USB|ACM)\d+$/.test(path);

/** Ports that this user cannot open now. */
async function presentPortWarnings(read: ReadConfig): Promise<ConfigWarning[]> {
  const warnings: ConfigWarning[] = [];
  for (const { path, key } of serialLinks(read)) {
    try {
      const device = await realpath(path);
      if (!(await stat(device)).isCharacterDevice()) throw notATty(path);
      await access(device, constants.R_OK | constants.W_OK);
    } catch (error) {
      const { message } = await explainOpenError(path, error);
      warnings.push({ path: key, message: `at present ${message}` });
    }
  }
  return warnings;
}

// --- CAN -----------------------------------------------------------------------

/** A missing interface is no error: it may exist later, or on another machine. */
function canWarnings({ config: { links } }: ReadConfig): ConfigWarning[] {
  return links.flatMap(({ transport }, index) => {
    if (transport.type !== 'can' && transport.type !== 'can-signals') return [];
    const advice = linuxCan.advice(transport.interface, transport.fd);
    const path = ['links', index, 'transport', 'interface'];
    return advice === undefined ? [] : [{ path, message: `at present ${advice}` }];
  });
}

/** A database that several links use is read once. */
function signalFindings({ config: { links } }: ReadConfig): {
  readonly warnings: readonly ConfigWarning[];
  readonly databases: readonly NamedDatabase[];
} {
  const warnings: ConfigWarning[] = [];
  const databases = new Map<string, NamedDatabase>();
  for (const [index, { transport }] of links.entries()) {
    if (transport.type !== 'can-signals') continue;
    const { database: file, bus, content } = transport;
    const source = `${bus ?? ''} ${file}`;
    const database =
      databases.get(source)?.database ?? readDatabase(Buffer.from(content, 'base64'), bus);
    databases.set(source, { file, database });
    for (const { key, message } of signalWarnings(transport, database)) {
      warnings.push({ path: ['links', index, 'transport', key], message });
    }
  }
  return { warnings, databases: [...databases.values()] };
}
