/** A file that readers of files are given. */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

let folder: string | undefined;

/** Writes it and returns its path, which is absolute. */
export function scratchFile(name: string, content: Uint8Array): string {
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), 'siot-mcu-fuzz-'));
    process.once('exit', removeScratch);
  }
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** Also when the process ends; not every test runner lets its workers hear of that. */
export function removeScratch(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
}
