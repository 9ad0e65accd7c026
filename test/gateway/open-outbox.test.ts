import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openOutbox } from '../../src/gateway/open-outbox.js';
import { StateError } from '../../src/gateway/state-dir.js';
import { DiskOutbox } from '../../src/outbox/disk-outbox.js';
import { floatValue, makePoint } from '../../src/point/point.js';
import { FakeClock } from '../support/fake-clock.js';
import { tempDir } from '../support/temp-dir.js';
import { configOf } from './plant.js';
import { recordingLog, type Said } from './support.js';

const open = (stateDir: string, durability: 'disk' | 'memory', said: Said[] = []) =>
  openOutbox(
    configOf({ stateDir, outbox: { durability }, links: [] }),
    new FakeClock(),
    recordingLog(said),
  );

describe('the outbox of a gateway', () => {
  it('is in stateDir, and there again', async () => {
    const stateDir = tempDir();
    const outbox = await open(stateDir, 'disk');
    const point = makePoint({ type: 'temp', value: floatValue(1), time: 1n });
    outbox.lane('a').put([point], () => undefined);
    await outbox.close();
    expect(readdirSync(join(stateDir, 'outbox'))).toEqual(['00000001.log']);
    const again = await open(stateDir, 'disk');
    expect(again.lane('a').read(0)).toEqual(point);
    await again.close();

    // Who has it in memory now is told of what is left there.
    const said: Said[] = [];
    await open(stateDir, 'memory', said);
    expect(said.map(({ message }) => message).join()).toContain('holds points from before');
  });

  it('goes on where somebody deletes its files', async () => {
    const stateDir = tempDir();
    const said: Said[] = [];
    const outbox = await open(stateDir, 'disk', said);
    if (!(outbox instanceof DiskOutbox)) throw new Error('not on disk');
    const points = Array.from({ length: 1_000 }, (_, n) =>
      makePoint({ type: 'temp', value: floatValue(n), time: BigInt(n) }),
    );
    const lane = outbox.lane('a');
    for (let n = 0; n < 50; n++) {
      lane.put(points, () => undefined);
      await outbox.flush();
    }
    for (const name of readdirSync(join(stateDir, 'outbox'))) {
      rmSync(join(stateDir, 'outbox', name));
    }
    lane.settleThrough(lane.next - 1);
    let safe = false;
    lane.put(points, () => (safe = true));
    await outbox.flush();
    expect(safe).toBe(true);
    await outbox.close();
    expect(said).toEqual([]);
  });

  it('is refused with a remedy where it cannot be: a file is in its place', async () => {
    const stateDir = tempDir();
    writeFileSync(join(stateDir, 'outbox'), '');
    const refused = open(stateDir, 'disk');
    await expect(refused).rejects.toThrow(StateError);
    await expect(refused).rejects.toThrow(
      /outbox .*cannot be used: .*set outbox\.durability to memory/,
    );
    await open(stateDir, 'memory');
  });

  it('is refused where stateDir is read-only', async (context) => {
    context.skip(process.getuid?.() === 0, 'root may write all the same');
    const stateDir = tempDir();
    mkdirSync(join(stateDir, 'outbox'));
    chmodSync(join(stateDir, 'outbox'), 0o555);
    await expect(open(stateDir, 'disk')).rejects.toThrow(/not permitted/);
  });
});
