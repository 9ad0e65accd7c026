/**
 * Files as `stateDir` needs them: few operations, each with what it makes safe
 * against a loss of power, so that tests can cut the power between any two.
 */
import { constants } from 'node:fs';
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The file operations; tests have a disk that loses power. */
export interface Disk {
  /** Rejects with `ENOENT` when there is none. */
  read(path: string): Promise<Uint8Array>;
  /** A new, empty file that replaces one of this name; mode 0600, since settings may be secrets. */
  create(path: string): Promise<DiskFile>;
  /** Opens an existing file to write at its end. Rejects with `ENOENT` when there is none. */
  append(path: string): Promise<DiskFile>;
  /** Replaces a file of the new name. Safe once {@link syncFolder} has resolved. */
  rename(from: string, to: string): Promise<void>;
  /** Makes the folder and those above it, with mode 0700. */
  makeFolder(path: string): Promise<void>;
  /** The names in a folder are safe when this resolves. */
  syncFolder(path: string): Promise<void>;
}

/** An open file. */
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
  // Opened for each write: a deleted file is noticed instead of being written to.
  append: (path) => openFile(path, constants.O_WRONLY | constants.O_APPEND),
  rename,
  makeFolder,
  syncFolder,
};

/** After a loss of power at any time the file has its old content or the new one, whole. */
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
  // The new name is on disk only after its folder is synced. Without that a command could act again after a loss of power.
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
  // Some network file systems cannot sync folders.
  await folder.datasync().catch(() => undefined);
  await folder.close();
}

/** Node's own recursive mkdir never returns in a folder that can have no new ones (/proc). */
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

/** The system's error code, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** Why a system call failed, for people. */
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
