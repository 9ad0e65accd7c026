/**
 * One gateway for each `stateDir`: two would overwrite each other's identity,
 * settings and outbox. So for each `runtimeDir`: the commands for one would
 * reach the other.
 *
 * Each locks the folder itself with flock(2), which ends with the process and
 * which is seen from other containers, too. That needs `koffi` and a file system
 * that can do it. For where these are missing, and to say who it is, each also
 * puts a file there whose name says who it is, `running-<pid>-<start>-<boot>`,
 * and then looks for others. Of two that start at once each sees the other, or
 * at least one does: never do both run. A name is worth something only while
 * that very process lives, so that a crash leaves no lock.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { open, readdir, realpath, unlink, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../point/log.js';
import { loadLibc } from '../../linux/libc.js';
import { reasonOf } from './disk.js';
import { StateError } from './state-dir.js';

/** Folders that this very process uses. */
const ours = new Set<string>();

/** For people: the key that names a folder, and its path as configured. */
interface Named {
  readonly key: 'stateDir' | 'runtimeDir';
  readonly path: string;
}

export class StateLock {
  private constructor(
    private readonly folder: string,
    private readonly lock: FileHandle | undefined,
    private readonly file: string | undefined,
  ) {}

  /** Throws a {@link StateError} when another gateway that runs has the folder. */
  static async take(path: string, log: Log, key: Named['key'] = 'stateDir'): Promise<StateLock> {
    const named = { key, path };
    const folder = await realpath(path).catch(() => path);
    if (ours.has(folder)) throw inUse(named, 'this process itself');
    ours.add(folder);
    let lock: FileHandle | undefined;
    try {
      // Whoever may read a folder can lock it, and so keep the gateway from starting.
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

/** Open as long as it is locked; `undefined`: it cannot be. */
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
    // Some file systems of other machines cannot do this for folders.
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

/** The file that says who we are, when no other that lives has one; `undefined`: nobody knows. */
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
  /** In clock ticks since the machine's start. */
  readonly start: string;
  /** Which start of the machine. */
  readonly boot: string;
}

function inUse({ key, path }: Named, who: string): StateError {
  return new StateError(
    `${key} ${path} is in use by another gateway, ${who}: ` +
      `stop that one, or give this one a ${key} of its own`,
  );
}

/** A folder that cannot be written cannot be spoilt by two either. */
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

/** `undefined`: it has ended, and only its parent does not know yet. */
function startOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is a name in parentheses, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}
