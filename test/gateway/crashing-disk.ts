/**
 * A disk in memory that loses what no sync has made safe, as a loss of power
 * does: unsynced bytes may be there, half there, or zeros; an unsynced name may
 * be the old or the new one.
 */
import type { Disk, DiskFile } from '../../src/gateway/state/disk.js';

interface Inode {
  /** Written, safe or not. */
  bytes: Buffer;
  safe: Buffer;
}

/** What the power leaves of bytes that were not synced. */
export type Remains = 'all' | 'none' | 'half' | 'zeros';
export const REMAINS: readonly Remains[] = ['all', 'none', 'half', 'zeros'];

export class PowerCut extends Error {}

export class CrashingDisk implements Disk {
  #now = new Map<string, Inode>();
  #safe = new Map<string, Inode>();
  /** Operations until the power goes; each of them may be the last. */
  #left = Number.POSITIVE_INFINITY;
  readonly did: string[] = [];
  syncs = 0;

  /** The power goes after so many more operations. */
  cutAfter(operations: number): void {
    this.#left = operations;
  }

  /**
   * What the next start finds. `names`: which names are there that were not
   * synced, the old ones or the new.
   */
  afterCut(bytes: Remains, names: 'old' | 'new'): CrashingDisk {
    const next = new CrashingDisk();
    const there = names === 'new' ? this.#now : this.#safe;
    for (const [path, inode] of there) {
      const left = remainsOf(inode, bytes);
      const found = { bytes: left, safe: left };
      next.#now.set(path, found);
      next.#safe.set(path, found);
    }
    return next;
  }

  names(): string[] {
    return [...this.#now.keys()];
  }

  /** Somebody spoils a file. */
  put(path: string, bytes: Uint8Array): void {
    const inode = { bytes: Buffer.from(bytes), safe: Buffer.from(bytes) };
    this.#now.set(path, inode);
    this.#safe.set(path, inode);
  }

  read(path: string): Promise<Uint8Array> {
    const inode = this.#now.get(path);
    return inode === undefined ? Promise.reject(noEntry()) : Promise.resolve(inode.bytes);
  }

  async create(path: string): Promise<DiskFile> {
    await this.#step(`create ${path}`);
    const inode = { bytes: Buffer.alloc(0), safe: Buffer.alloc(0) };
    this.#now.set(path, inode);
    return this.#file(path, inode);
  }

  async append(path: string): Promise<DiskFile> {
    const inode = this.#now.get(path);
    if (inode === undefined) throw noEntry();
    await this.#step(`append ${path}`);
    return this.#file(path, inode);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step(`rename ${to}`);
    const inode = this.#now.get(from);
    if (inode === undefined) throw noEntry();
    this.#now.delete(from);
    this.#now.set(to, inode);
  }

  makeFolder(): Promise<void> {
    return Promise.resolve();
  }

  async syncFolder(): Promise<void> {
    await this.#step('sync folder');
    this.#safe = new Map(this.#now);
  }

  #file(path: string, inode: Inode): DiskFile {
    return {
      write: async (bytes) => {
        await this.#step(`write ${path}`);
        inode.bytes = Buffer.concat([inode.bytes, bytes]);
      },
      sync: async () => {
        await this.#step(`sync ${path}`);
        this.syncs += 1;
        inode.safe = inode.bytes;
      },
      close: () => Promise.resolve(),
    };
  }

  async #step(what: string): Promise<void> {
    await Promise.resolve();
    if (this.#left <= 0) throw new PowerCut();
    this.#left -= 1;
    this.did.push(what);
  }
}

function remainsOf({ bytes, safe }: Inode, remains: Remains): Buffer {
  const unsafe = bytes.subarray(safe.length);
  switch (remains) {
    case 'all':
      return bytes;
    case 'none':
      return safe;
    case 'half':
      return Buffer.concat([safe, unsafe.subarray(0, Math.floor(unsafe.length / 2))]);
    case 'zeros':
      return Buffer.concat([safe, Buffer.alloc(unsafe.length)]);
  }
}

const noEntry = (): Error => Object.assign(new Error('there is none'), { code: 'ENOENT' });
