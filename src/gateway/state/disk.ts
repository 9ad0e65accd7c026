/**
 * Files as `stateDir` needs them: few operations, each of which says what it
 * makes safe against a loss of power, so that tests can lose it between any two.
 */
import { constants } from 'node:fs';
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface Disk {
  /** Rejects with `ENOENT` when there is none. */
  read(path: string): Promise<Uint8Array>;
  /** A new, empty file, in place of one of this name. For its user only: settings may be secrets. */
  create(path: string): Promise<DiskFile>;
  /** A file that is there, to be written at its end. Rejects with `ENOENT` when there is none. */
  append(path: string): Promise<DiskFile>;
  /** Takes the place of what has the new name. Safe once {@link syncFolder} is done. */
  rename(from: string, to: string): Promise<void>;
  /** With all above it; each that is made is for its user only. */
  makeFolder(path: string): Promise<void>;
  /** The names in a folder are safe when this resolves. */
  syncFolder(path: string): Promise<void>;
}

export interface DiskFile {
  write(bytes: Uint8Array): Promise<void>;
  /** What was written is safe when this resolves, except for a new name. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The disk of this machine. */
export const MACHINE_DISK: Disk = {
  read: (path) => readFile(path),
  create: (path) => openFile(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC),
  // Opened for each writing: what somebody has taken away is not written to unseen.
  append: (path) => openFile(path, constants.O_WRONLY | constants.O_APPEND),
  rename,
  makeFolder,
  syncFolder,
};

/** The old content or the new one, whenever the power goes: never half of it, never nothing. */
export async function writeAtomically(
  disk: Disk,
  path: string,
  content: Uint8Array,
): Promise<void> {
  const fresh = `${path}.new`;
  await disk.makeFolder(dirname(path));
  const file = await disk.create(fresh);
  try {
    await file.write(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(fresh, path);
  // A new name is on disk only when its folder is: a command must not come back with the power.
  await disk.syncFolder(dirname(path));
}

async function openFile(path: string, flags: number): Promise<DiskFile> {
  const file = await open(path, flags, 0o600);
  return {
    write: (bytes) => file.writeFile(bytes),
    sync: () => file.datasync(),
    close: () => file.close(),
  };
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  // Some file systems of other machines cannot do this for folders.
  await folder.datasync().catch(() => undefined);
  await folder.close();
}

/** Node's own recursive mkdir never returns where a system has no folder to give (/proc). */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, 0o700);
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path, 0o700);
  }
  await syncFolder(dirname(path));
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** Why the system refused, for people. */
export function reasonOf(error: unknown): string {
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
      return 'not permitted';
    case 'EROFS':
      return 'the file system is read-only';
    case 'ENOSPC':
      return 'the disk is full';
    case 'EEXIST':
    case 'ENOTDIR':
      return 'a part of its path is not a folder';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
