/**
 * What the commands of other users need while the gateway runs, as small files
 * in `runtimeDir` (design.md, 'Configuration').
 *
 * ```
 *  runtimeDir/gateway.json     the gateway's ID; its identity itself is in stateDir
 *  runtimeDir/nats.json        address and credential of the private nats-server, with nats.embedded
 * ```
 *
 * The folder says who may read them: in one that its group may enter, such as
 * systemd's /run/siot-mcu with mode 0750, they are 0640 and its group's; in any
 * other, and in `stateDir`, 0600.
 */
import { constants } from 'node:fs';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../point/log.js';
import { MACHINE_DISK, reasonOf } from './disk.js';
import { StateError } from './state-dir.js';
import { textOf } from './state-file.js';

/** `nats.json`. */
export interface PrivateNats {
  readonly url: string;
  readonly token: string;
}

const GROUP_MAY_READ = 0o050;

export class RuntimeDir {
  constructor(
    readonly path: string,
    private readonly stateDir: string,
    private readonly log: Log,
  ) {}

  /** Tells the commands who the gateway is. Where that cannot be written, it is logged. */
  async publish(gatewayId: string): Promise<void> {
    try {
      await MACHINE_DISK.makeFolder(this.path);
      // In stateDir the identity itself has that name.
      if (!(await this.#isStateDir())) await this.#write('gateway.json', textOf({ id: gatewayId }));
    } catch (error) {
      this.log.error(
        { path: this.path, reason: reasonOf(error) },
        `runtimeDir ${this.path} cannot be written (${reasonOf(error)}): watch, set and other commands will not find the gateway`,
      );
    }
  }

  /** Throws a {@link StateError}. */
  async saveNats(nats: PrivateNats): Promise<void> {
    await this.#save('nats.json', textOf(nats), 'for its readers');
  }

  async forgetNats(): Promise<void> {
    await rm(join(this.path, 'nats.json'), { force: true }).catch(() => undefined);
  }

  /**
   * A file for this user only, while it is used: not even the group may read it.
   * Throws a {@link StateError}.
   */
  async withPrivateFile<T>(
    name: string,
    content: string,
    use: (path: string) => Promise<T>,
  ): Promise<T> {
    const path = await this.#save(name, content, 'for us alone');
    return use(path).finally(() => rm(path, { force: true }).catch(() => undefined));
  }

  async #save(name: string, content: string, whose: Whose): Promise<string> {
    try {
      await MACHINE_DISK.makeFolder(this.path);
      return await this.#write(name, content, whose);
    } catch (error) {
      throw new StateError(
        `runtimeDir ${this.path} cannot be written: ${reasonOf(error)}; give the gateway a folder that it may write to`,
        { cause: error },
      );
    }
  }

  /** Whole or not at all; nobody else could have read it before its mode is right. */
  async #write(name: string, content: string, whose: Whose = 'for its readers'): Promise<string> {
    const path = join(this.path, name);
    const fresh = `${path}.new`;
    const { mode, gid } = await stat(this.path);
    const isShared =
      whose === 'for its readers' &&
      (mode & GROUP_MAY_READ) === GROUP_MAY_READ &&
      !(await this.#isStateDir());
    await rm(fresh, { force: true });
    const file = await open(
      fresh,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
      0o600,
    );
    try {
      if (isShared) {
        if ((await file.stat()).gid !== gid) await file.chown(-1, gid);
        await file.chmod(0o640);
      }
      await file.writeFile(content);
    } finally {
      await file.close();
    }
    await rename(fresh, path);
    return path;
  }

  async #isStateDir(): Promise<boolean> {
    const [runtime, state] = await Promise.all(
      [this.path, this.stateDir].map((path) => realpath(path).catch(() => path)),
    );
    return runtime === state;
  }
}

type Whose = 'for its readers' | 'for us alone';
