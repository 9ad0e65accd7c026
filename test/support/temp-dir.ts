import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A new folder that is gone when the running test has finished. */
export function tempDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'siot-mcu-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
