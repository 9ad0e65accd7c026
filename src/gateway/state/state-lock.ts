/**
 * Only one gateway uses a `stateDir`: two would overwrite each other's identity,
 * settings and outbox. The same holds for a `runtimeDir`: commands for one gateway
 * would reach the other.
 *
 * The gateway locks the folder itself with flock(2). That lock ends with the
 * process and is seen from other containers, but needs `koffi` and a file system
 * that supports it. Therefore the gateway also makes a file whose name tells
 * which process it is, `running-<pid>-<start>-<boot>`, and then looks for such files
 * of others. If two gateways start at the same time, at least one sees the file of
 * the other, so that the two never both run. A file counts only while the process that
 * made it lives, so a crash leaves no lock behind.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { open, readdir, realpath, unlink, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../point/log.js';
import { loadLibc } from '../../linux/libc.js';
import { reasonOf } from './disk.js';
import { StateError } from './state-dir.js';

/** Folders that a gateway in this process uses. */
const ours = new Set<string>();

/** For people: the key that names a folder, and its path as configured. */
interface Named {
  readonly key: 'stateDir' | 'runtimeDir';
  readonly path: string;
}

/** The lock on a folder, held until {@link release}. */
export class StateLock {
  private constructor(
    private readonly folder: string,
    private readonly lock: FileHandle | undefined,
    private readonly file: string | undefined,
  ) {}

  /** Throws a {@link StateError} when another running gateway uses the folder. */
  static async take(path: string, log: Log, key: Named['key'] = 'stateDir'): Promise<StateLock> {
    const named = { key, path };
    const folder = await realpath(path).catch(() => path);
    if (ours.has(folder)) throw inUse(named, 'this process itself');
    ours.add(folder);
    let lock: FileHandle | undefined;
    try {
      // Everybody who may read a folder can lock it. In runtimeDir, other users could then
      // keep the gateway from starting.
      const locked = key === 'stateDir' ? await lockFolder(folder) : undefined;
      if (locked === 'by another') throw inUse(named, await whoHas(folder));
      lock = locked;
      return new StateLock(folder, lock, await claimAlone(named, folder, lock, log));
    } catch (error) {
      ours.delete(folder);
      await lock?.close();
      throw error;
    }
  }

  async release(): Promise<void> {
    if (this.file !== undefined) await unlink(this.file).catch(() => undefined);
    await this.lock?.close();
    ours.delete(this.folder);
  }
}

/** The folder's handle, which holds the lock while it is open; `undefined`: it cannot be locked here. */
async function lockFolder(folder: string): Promise<FileHandle | 'by another' | undefined> {
  const libc = loadLibc();
  if (libc === undefined) return undefined;
  const handle = await open(folder, 'r').catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    if (libc.tryLock(handle.fd)) return handle;
    await handle.close();
    return 'by another';
  } catch {
    // Some network file systems cannot lock folders.
    await handle.close();
    return undefined;
  }
}

async function whoHas(folder: string): Promise<string> {
  for (const name of await readdir(folder).catch(() => [])) {
    const other = claimant(name);
    if (other !== undefined && lives(other)) return `the process ${other.pid}`;
  }
  return 'which cannot be seen from here (in another container?)';
}

/**
 * Makes this process's file. Throws if another living process has one. `undefined`: without
 * /proc a process cannot be identified.
 */
async function claimAlone(
  named: Named,
  folder: string,
  lock: FileHandle | undefined,
  log: Log,
): Promise<string | undefined> {
  const us = thisProcess();
  if (us === undefined) {
    if (lock === undefined) {
      log.warn({}, `without /proc nobody sees whether a second gateway uses the same ${named.key}`);
    }
    return undefined;
  }
  const file = join(folder, nameOf(us));
  try {
    await claim(file, named, log);
    for (const name of await readdir(folder)) {
      const other = claimant(name);
      if (other === undefined || name === nameOf(us)) continue;
      if (lives(other)) throw inUse(named, `the process ${other.pid}`);
      await unlink(join(folder, name)).catch(() => undefined);
    }
    return file;
  } catch (error) {
    await unlink(file).catch(() => undefined);
    throw error;
  }
}

interface Claimant {
  readonly pid: number;
  /** When the process started, in clock ticks since the machine's boot. */
  readonly start: string;
  /** ID of the machine's boot. */
  readonly boot: string;
}

function inUse({ key, path }: Named, who: string): StateError {
  return new StateError(
    `${key} ${path} is in use by another gateway, ${who}: ` +
      `stop that one, or give this one a ${key} of its own`,
  );
}

/** A failure is only logged: two gateways do no harm in a folder that cannot be written. */
async function claim(file: string, { key }: Named, log: Log): Promise<void> {
  try {
    await writeFile(file, '', { mode: 0o600 });
  } catch (error) {
    log.warn({ file, reason: reasonOf(error) }, `${key} cannot be marked as in use`);
  }
}

const nameOf = ({ pid, start, boot }: Claimant): string => `running-${pid}-${start}-${boot}`;

function claimant(name: string): Claimant | undefined {
  const [, pid, start, boot] = /^running-(\d+)-(\d+)-([0-9a-f]+)$/.exec(name) ?? [];
  if (pid === undefined || start === undefined || boot === undefined) return undefined;
  return { pid: Number(pid), start, boot };
}

function thisProcess(): Claimant | undefined {
  try {
    const pid = Number(readlinkSync('/proc/self'));
    const start = startOf(pid);
    return start === undefined ? undefined : { pid, start, boot: boot() };
  } catch {
    return undefined;
  }
}

function lives({ pid, start, boot: when }: Claimant): boolean {
  try {
    return when === boot() && startOf(pid) === start;
  } catch {
    return false;
  }
}

function boot(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
}

/** When the process started; `undefined`: it has ended, and its parent has not collected it yet. */
function startOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is a name in parentheses, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}
