/** A folder on a disk: what is written to tmpfs is written to no disk, and is not counted. */
import { mkdtempSync, rmSync, writeFileSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memoryAndDiskOf } from './usage.js';

/** Of the checkout. */
const BUILD = fileURLToPath(new URL('../../build', import.meta.url));

/** A folder of the bench, which ends with it. */
export interface BenchFolder {
  readonly path: string;
  /** Whether Linux counts what is written there. */
  readonly isOnDisk: boolean;
}

const folders = new Set<string>();
// Also when a signal ends this process.
process.once('exit', () => folders.forEach(removeFolder));

/** A new folder: among temporary files, or in the checkout where those are on no disk. */
export function makeFolder(): BenchFolder {
  const made = [tmpdir(), BUILD].map((parent) => {
    const path = mkdtempSync(join(parent, 'siot-mcu-bench-'));
    folders.add(path);
    return { path, isOnDisk: isCounted(join(path, 'probe')) };
  });
  const chosen = made.find(({ isOnDisk }) => isOnDisk) ?? made[0]!;
  for (const { path } of made) if (path !== chosen.path) removeFolder(path);
  return chosen;
}

export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true });
  folders.delete(path);
}

function isCounted(file: string): boolean {
  const before = memoryAndDiskOf('self').writtenBytes;
  writeFileSync(file, Buffer.alloc(65_536, 1));
  rmSync(file);
  return memoryAndDiskOf('self').writtenBytes > before;
}

/** By name: size, file and time of the last write of each file in a folder; empty without the folder. */
export type FolderState = ReadonlyMap<string, string>;

export function stateOf(folder: string): FolderState {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return new Map();
  }
  return new Map(
    names.flatMap((name) => {
      try {
        const { size, ino, mtimeNs } = statSync(join(folder, name), { bigint: true });
        return [[name, `${String(size)} ${String(ino)} ${String(mtimeNs)}`]];
      } catch {
        // It was removed meanwhile.
        return [];
      }
    }),
  );
}

/** Files that were made or written to between two moments. */
export function writtenBetween(before: FolderState, after: FolderState): number {
  return [...after].filter(([name, state]) => before.get(name) !== state).length;
}
