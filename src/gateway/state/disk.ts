/**
 * The file operations that `stateDir` needs. Each says what survives a loss of power.
 * There are few, so that tests can cut the power between any two.
 */
import { constants } from 'node:fs';
import { lstat, mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The file operations; tests have a disk that loses power. */
export interface Disk {
  /** Rejects with `ENOENT` when there is none. */
  read(path: string): Promise<Uint8Array>;
  /** Makes a new, empty file, and replaces one of this name. Mode 0600, since settings may be secrets. */
  create(path: string): Promise<DiskFile>;
  /** Opens an existing file to write at its end. Rejects with `ENOENT` when there is none. */
  append(path: string): Promise<DiskFile>;
  /** Replaces a file that has the new name. Survives a loss of power only after {@link syncFolder}. */
  rename(from: string, to: string): Promise<void>;
  /** Makes the folder and those above it, with mode 0700. */
  makeFolder(path: string): Promise<void>;
  /** When this resolves, the names in the folder survive a loss of power. */
  syncFolder(path: string): Promise<void>;
}

/** An open file. */
export interface DiskFile {
  write(bytes: Uint8Array): Promise<void>;
  /** When this resolves, what was written survives a loss of power. A new name does not: {@link Disk.syncFolder}. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The disk of this machine. */
export const MACHINE_DISK: Disk = {
  read: (path) => readFile(path),
  create: (path) => openFile(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC),
  // The file is opened for each write. So a deleted file is noticed, and is not written to.
  append: (path) => openFile(path, constants.O_WRONLY | constants.O_APPEND),
  rename,
  makeFolder,
  syncFolder,
};

/** What {@link writeAtomically} adds to the name of a file that is not whole yet. */
export const FRESH_ENDING = '.new';

/** After a loss of power at any time the file has its old content or the new one, whole. */
export async function writeAtomically(
  disk: Disk,
  path: string,
  content: Uint8Array,
): Promise<void> {
  const fresh = `${path}${FRESH_ENDING}`;
  await disk.makeFolder(dirname(path));
  const file = await disk.create(fresh);
  try {
    await file.write(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(fresh, path);
  // The new name is on disk only after its folder is synced. Without this a command could
  // act again after a loss of power.
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

/** Makes the folders one by one: Node's recursive mkdir never returns in a folder that takes no new ones (/proc). */
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

/** What keeps a folder from being used, when making it or a folder in it has failed. For people. */
export async function whyUnusable(path: string, error: unknown): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) return `cannot be written: ${reasonOf(error)}`;
  if (found !== undefined) return 'is a file';
  const link = await lstat(path).catch(() => undefined);
  if (link?.isSymbolicLink() === true) return 'is a symbolic link to a folder that does not exist';
  return `cannot be made: ${reasonOf(error)}`;
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
    case 'ENOENT':
      return 'a part of its path does not exist';
    case 'ELOOP':
      return 'its symbolic links lead back to themselves';
    case 'EIO':
      return 'the disk reports an error';
    case 'EDQUOT':
      return 'this user may not store more on this disk (quota)';
    default:
      return withoutCode(error);
  }
}

/** What Node says of a system call: `ENXIO: no such device or address, open '/dev/x'`. */
function withoutCode(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [, words] = /^E[A-Z0-9]+: (.*?)(?:, [a-z]+(?: '.*)?)?$/.exec(error.message) ?? [];
  return words ?? error.message;
}
