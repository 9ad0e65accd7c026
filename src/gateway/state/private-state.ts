/**
 * `stateDir` is for its user alone: settings and what devices say may be secrets
 * (docs/contract.md, "Configuration").
 */
import { chmod, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../point/log.js';
import { codeOf, reasonOf } from './disk.js';

const OTHERS = 0o077;

/** Names of the gateway's own files and folders, also with an ending such as `.broken`. */
const OURS =
  /^(links|outbox|restarts|sending|links\.d|lost\+found)$|^(gateway|nats|removed|usb)\.json|^nats-server\.conf|^running-/;

/**
 * Removes the rights of other users from `stateDir`, its folders and their files. An
 * earlier version, or the person who made the folder, may have given them. Where this
 * is not permitted, it is logged, and the gateway goes on.
 */
export async function keepPrivate(stateDir: string, log: Log): Promise<void> {
  const names = await readdir(stateDir).catch(() => []);
  const foreign = names.filter((name) => !OURS.test(name));
  const failed = new Map<string, string>();
  const tighten = async (path: string): Promise<'folder' | 'other'> => {
    try {
      const found = await lstat(path);
      const isFolder = found.isDirectory();
      if ((isFolder || found.isFile()) && (found.mode & OTHERS) !== 0) {
        await chmod(path, found.mode & 0o700);
      }
      return isFolder ? 'folder' : 'other';
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') failed.set(path, reasonOf(error));
      return 'other';
    }
  };
  for (const name of names.filter((one) => OURS.test(one) && one !== 'lost+found')) {
    const path = join(stateDir, name);
    if ((await tighten(path)) !== 'folder') continue;
    for (const file of await readdir(path).catch(() => [])) await tighten(join(path, file));
  }
  if (foreign.length === 0) await tighten(stateDir);
  else if (await isOpen(stateDir)) {
    log.warn(
      { path: stateDir, others: foreign.slice(0, 3) },
      `stateDir ${stateDir} is open to other users, and stays so since it holds more than the ` +
        'gateway’s own files: give the gateway a folder of its own, with mode 0700',
    );
  }
  const [first] = failed;
  if (first === undefined) return;
  const [path, reason] = first;
  log.warn(
    { path, reason, paths: failed.size },
    `${path} is open to other users and cannot be closed (${reason}): ` +
      'its owner can, with chmod, or chown to the gateway’s user',
  );
}

async function isOpen(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && (found.mode & OTHERS) !== 0;
}
