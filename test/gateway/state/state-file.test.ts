import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MACHINE_DISK } from '../../../src/gateway/state/disk.js';
import { StateFile } from '../../../src/gateway/state/state-file.js';
import { tempDir } from '../../support/temp-dir.js';
import { complaints, recordingLog, type Said } from '../../support/recording-log.js';

function rig() {
  const folder = join(tempDir(), 'state');
  const at = join(folder, 'gateway.json');
  const said: Said[] = [];
  return { folder, at, said, file: new StateFile(at, MACHINE_DISK, recordingLog(said)) };
}

const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

describe('a small file', () => {
  it('is never changed in place: another one replaces it, so that a crash leaves the old or the new one', async () => {
    const { file, at, folder } = rig();
    await file.save({ n: 1 });
    const before = openSync(at, 'r');
    try {
      await file.save({ n: 2, more: 'x'.repeat(100) });
      expect(JSON.parse(readFileSync(before, 'utf8'))).toEqual({ n: 1 });
    } finally {
      closeSync(before);
    }
    expect(read(at)).toMatchObject({ n: 2 });
    expect(readdirSync(folder)).toEqual(['gateway.json']);
  });

  it('is not affected by what a crash has left behind', async () => {
    const { file, at, folder } = rig();
    mkdirSync(folder);
    writeFileSync(`${at}.new`, '{"n": 1, "half": "x'.repeat(100));
    await file.save({ n: 2 });
    expect(read(at)).toEqual({ n: 2 });
  });

  it('resolves each saving when its content, or a later one, is on disk; the last one wins', async () => {
    const { file, at } = rig();
    const seen: [saved: number, onDisk: number][] = [];
    let count = 0;
    const savings = Array.from({ length: 30 }, async (_, n) => {
      // Some at once, some while others are being written.
      for (let turn = 0; turn < n % 7; turn++) await new Promise((next) => setImmediate(next));
      const order = (count += 1);
      await file.save({ n: order });
      seen.push([order, (read(at) as { n: number }).n]);
    });
    await Promise.all(savings);
    expect(seen).toHaveLength(30);
    for (const [saved, onDisk] of seen) expect(onDisk).toBeGreaterThanOrEqual(saved);
    expect(read(at)).toEqual({ n: 30 });
  });

  it('is not written again while nothing has changed', async () => {
    const { file, at } = rig();
    const inode = (): bigint => statSync(at, { bigint: true }).ino;
    await file.save({ n: 1 });
    // Held open, so that no new file gets its number.
    const held = openSync(at, 'r');
    const first = inode();
    await file.save({ n: 1 });
    expect(inode()).toBe(first);
    await file.save({ n: 2 });
    expect(inode()).not.toBe(first);
    closeSync(held);
  });

  it('is not written while there is no disk, which is logged once, and is written when the disk is back', async () => {
    const { file, at, folder, said } = rig();
    await file.save({ n: 1 });
    renameSync(folder, `${folder}-away`);
    writeFileSync(folder, 'in the way');
    await file.save({ n: 2 });
    await Promise.all([file.save({ n: 3 }), file.save({ n: 2 })]);
    expect(complaints(said)).toEqual([
      `state cannot be written to ${at} (a part of its path is not a folder): it would be lost in a restart of the gateway`,
    ]);
    rmSync(folder);
    renameSync(`${folder}-away`, folder);
    expect(read(at)).toEqual({ n: 1 });
    // What failed before is not taken for written.
    await file.save({ n: 2 });
    expect(read(at)).toEqual({ n: 2 });
    expect(said.at(-1)?.message).toBe(`state can be written again to ${at}`);
    await file.save({ n: 3 });
    expect(said).toHaveLength(2);
  });
});
