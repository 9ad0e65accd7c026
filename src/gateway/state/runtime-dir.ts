/**
 * What the commands of other users need while the gateway runs, as small files
 * in `runtimeDir` (docs/contract.md, 'Configuration').
 *
 * ```
 *  runtimeDir/gateway.json     the gateway's ID; its identity itself is in stateDir
 *  runtimeDir/nats.json        address and credential of the private nats-server, with nats.embedded
 *  runtimeDir/gateway.sock     where the gateway answers commands: ../control/socket
 * ```
 *
 * The mode of the folder decides who may use them. In a folder that its group
 * may enter, such as systemd's /run/siot-mcu with mode 0750, the files have mode 0640,
 * the socket 0660, and they belong to the group. In any other folder, and in
 * `stateDir`, all have mode 0600.
 * Only one gateway uses the folder at a time.
 */
import { constants } from 'node:fs';
import {
  chmod,
  chown,
  mkdir,
  open,
  realpath,
  rename,
  rm,
  stat,
  type FileHandle,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../point/log.js';
import { MACHINE_DISK, codeOf, reasonOf } from './disk.js';
import { withShortPath } from './short-path.js';
import { StateError } from './state-dir.js';
import { textOf } from './state-file.js';
import { StateLock } from './state-lock.js';

/** `nats.json`. */
export interface PrivateNats {
  readonly url: string;
  readonly token: string;
}

/** What can be given to the group of the folder. */
interface Shared {
  stat(): Promise<{ readonly uid: number; readonly gid: number }>;
  chown(uid: number, gid: number): Promise<void>;
  chmod(mode: number): Promise<void>;
}

const GROUP_MAY_READ = 0o050;
const OTHERS_MAY_WRITE = 0o002;

/** The folder with the gateway's ID and {@link PrivateNats}, for the commands. */
export class RuntimeDir {
  #lock: StateLock | undefined;
  #saidForUser = false;

  constructor(
    readonly path: string,
    private readonly stateDir: string,
    private readonly log: Log,
  ) {}

  /**
   * Writes the gateway's ID for the commands. A failure is logged. Throws a
   * {@link StateError} when another running gateway uses the folder.
   */
  async publish(gatewayId: string): Promise<void> {
    try {
      await MACHINE_DISK.makeFolder(this.path);
      // In stateDir, gateway.json is the identity itself.
      if (await this.#isStateDir()) return;
      this.#lock = await StateLock.take(this.path, this.log, 'runtimeDir');
      await this.#write('gateway.json', textOf({ id: gatewayId }));
      await this.#lookWhoMayWrite();
    } catch (error) {
      if (error instanceof StateError) throw error;
      this.log.error(
        { path: this.path, reason: reasonOf(error) },
        `runtimeDir ${this.path} cannot be written (${reasonOf(error)}): watch, set and other commands will not find the gateway`,
      );
    }
  }

  /** Unlocks the folder for another gateway. */
  async release(): Promise<void> {
    await this.#lock?.release();
    this.#lock = undefined;
  }

  /** Throws a {@link StateError}. */
  async saveNats(nats: PrivateNats): Promise<void> {
    await orStateError('runtimeDir', this.path, async () => {
      await MACHINE_DISK.makeFolder(this.path);
      await this.#write('nats.json', textOf(nats));
    });
  }

  /** Removes the file, since the private server has ended. */
  async forgetNats(): Promise<void> {
    await rm(join(this.path, 'nats.json'), { force: true }).catch(() => undefined);
  }

  /**
   * Makes a file with mode 0600, and removes it after `use`. It is in `stateDir`, where
   * no other user can replace it. Throws a {@link StateError}.
   */
  async withPrivateFile<T>(
    name: string,
    content: string,
    use: (path: string) => Promise<T>,
  ): Promise<T> {
    const path = join(this.stateDir, name);
    await orStateError('stateDir', this.stateDir, async () => {
      await MACHINE_DISK.makeFolder(this.stateDir);
      await writeWhole(path, content);
    });
    return use(path).finally(() => rm(path, { force: true }).catch(() => undefined));
  }

  /**
   * Puts a socket into the folder, for the users who may read the folder, and replaces an
   * older one of that name. `make` makes it at a path that is short enough for one.
   */
  async place(name: string, make: (path: string) => Promise<void>): Promise<void> {
    await MACHINE_DISK.makeFolder(this.path);
    await withShortPath(this.path, async (folder) => {
      // Nobody gets to it before its mode is set.
      const apart = join(folder, `${name}.new`);
      await rm(apart, { recursive: true, force: true });
      await mkdir(apart, { mode: 0o700 });
      const path = join(apart, 's');
      try {
        await make(path);
        await chmod(path, 0o600);
        await this.#share(atPath(path), 0o660);
        await rename(path, join(folder, name));
      } finally {
        await rm(apart, { recursive: true, force: true });
      }
    });
  }

  /** Removes what {@link place} has put there. */
  async remove(name: string): Promise<void> {
    await rm(join(this.path, name), { force: true }).catch(() => undefined);
  }

  /** Writes a file atomically. The users who may read the folder may read the file. */
  #write(name: string, content: string): Promise<void> {
    return writeWhole(join(this.path, name), content, (file) => this.#share(file, 0o640));
  }

  /** Gives a file to the group of the folder, with this mode, where that may read the folder. */
  async #share(file: Shared, mode: number): Promise<void> {
    const folder = await stat(this.path);
    const isShared = (folder.mode & GROUP_MAY_READ) === GROUP_MAY_READ;
    if (!isShared || (await this.#isStateDir())) return;
    if (await this.#giveToGroup(file, folder.gid)) await file.chmod(mode);
  }

  /** False: this user is not a member of the group. Only root may give a file to such a group. */
  async #giveToGroup(file: Shared, gid: number): Promise<boolean> {
    try {
      const { uid, gid: its } = await file.stat();
      if (its !== gid) await file.chown(uid, gid);
      return true;
    } catch (error) {
      if (codeOf(error) !== 'EPERM') throw error;
      if (!this.#saidForUser) {
        this.log.warn(
          { path: this.path, gid },
          `the group of runtimeDir ${this.path} is none of the gateway’s user, so that only this ` +
            'user and root can use the commands: give the folder a group of the gateway’s user, with chgrp',
        );
      }
      this.#saidForUser = true;
      return false;
    }
  }

  async #lookWhoMayWrite(): Promise<void> {
    if (((await stat(this.path)).mode & OTHERS_MAY_WRITE) === 0) return;
    this.log.warn(
      { path: this.path },
      `runtimeDir ${this.path} can be written by every user, who can so lead the commands of ` +
        'others to a server of their own: `chmod o-w` helps, or a folder of the gateway’s own',
    );
  }

  async #isStateDir(): Promise<boolean> {
    const [runtime, state] = await Promise.all(
      [this.path, this.stateDir].map((path) => realpath(path).catch(() => path)),
    );
    return runtime === state;
  }
}

const atPath = (path: string): Shared => ({
  stat: () => stat(path),
  chown: (uid, gid) => chown(path, uid, gid),
  chmod: (mode) => chmod(path, mode),
});

async function orStateError(key: string, path: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    throw new StateError(
      `${key} ${path} cannot be written: ${reasonOf(error)}; give the gateway a folder that it may write to`,
      { cause: error },
    );
  }
}

/** Writes a file atomically. Nobody else can read it before `share` has permitted it. */
async function writeWhole(
  path: string,
  content: string,
  share: (file: FileHandle) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  const file = await open(fresh, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    await share(file);
    await file.writeFile(content);
  } finally {
    await file.close();
  }
  await rename(fresh, path);
}
