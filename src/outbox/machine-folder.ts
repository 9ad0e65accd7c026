import * as fs from 'node:fs';
import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { NS_PER_MS } from '../point/clock.js';
import type { SegmentFile, SegmentFolder } from './segment-folder.js';

/** The outbox's folder on a file system. */
export class MachineFolder implements SegmentFolder {
  constructor(
    /** Path of a folder that exists. */
    readonly path: string,
    /** Makes the folder and its parents, if somebody has deleted them. */
    private readonly makeFolder: (path: string) => Promise<void>,
  ) {}

  list(): Promise<string[]> {
    return readdir(this.path);
  }

  async create(name: string): Promise<SegmentFile> {
    await this.makeFolder(this.path);
    return new OpenFile(await openFd(join(this.path, name), 'wx+'));
  }

  async open(name: string): Promise<SegmentFile | undefined> {
    // A symbolic link may have no target.
    const found = await stat(join(this.path, name)).catch(() => undefined);
    if (found?.isFile() !== true) return undefined;
    return new OpenFile(await openFd(join(this.path, name), 'r+'));
  }

  /** Does nothing if somebody has removed the file already. */
  remove(name: string): Promise<void> {
    return rm(join(this.path, name), { force: true });
  }

  async sync(): Promise<void> {
    const folder = await open(this.path, 'r');
    // Some network file systems cannot sync folders.
    await folder.datasync().catch(() => undefined);
    await folder.close();
  }
}

/** An open file, used by its descriptor: the promises of `fs/promises` cost more than the calls themselves. */
class OpenFile implements SegmentFile {
  constructor(private readonly fd: number) {}

  async size(): Promise<number> {
    return (await this.#stat()).size;
  }

  async writtenNs(): Promise<bigint> {
    return BigInt(Math.round((await this.#stat()).mtimeMs)) * NS_PER_MS;
  }

  async isThere(): Promise<boolean> {
    return (await this.#stat()).nlink > 0;
  }

  read(into: Uint8Array, position: number): number {
    let done = 0;
    while (done < into.length) {
      const count = fs.readSync(this.fd, into, done, into.length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (done: number): void => {
        fs.write(this.fd, bytes, done, bytes.length - done, position + done, (error, count) => {
          if (error) reject(error);
          else if (done + count < bytes.length) go(done + count);
          else resolve();
        });
      };
      go(0);
    });
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.fd, (error) => (error ? reject(error) : resolve()));
    });
  }

  truncate(length: number): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.ftruncate(this.fd, length, (error) => (error ? reject(error) : resolve()));
    });
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.close(this.fd, (error) => (error ? reject(error) : resolve()));
    });
  }

  #stat(): Promise<fs.Stats> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.fd, (error, stats) => (error ? reject(error) : resolve(stats)));
    });
  }
}

function openFd(path: string, flags: string): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, flags, 0o600, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}
