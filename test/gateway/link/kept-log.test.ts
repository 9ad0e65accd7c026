import { mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KeptLog } from '../../../src/gateway/link/kept-log.js';
import { MACHINE_DISK, type Disk } from '../../../src/gateway/state/disk.js';
import { LogFile } from '../../../src/gateway/state/log-file.js';
import { FakeClock } from '../../support/fake-clock.js';
import { complaints, recordingLog, type Said } from '../../support/recording-log.js';
import { tempDir } from '../../support/temp-dir.js';
import { until } from '../../support/until.js';

const ALL = 1_000_000;

async function rig(folder = tempDir()) {
  const clock = new FakeClock();
  const said: Said[] = [];
  let writes = 0;
  const disk: Disk = {
    ...MACHINE_DISK,
    create: (path) => {
      writes += 1;
      return MACHINE_DISK.create(path);
    },
  };
  const path = join(folder, 'pump.log');
  const file = new LogFile(path, disk, recordingLog(said));
  const kept = new KeptLog(file, () => 2_000, clock);
  await kept.load();
  const lines = () => kept.ring.read({}, ALL).lines.map(({ line }) => line);
  return { clock, said, kept, path, folder, lines, writes: () => writes };
}

describe('log lines of a device', () => {
  it('are kept over a restart of the gateway, the last 200, with times and levels', async () => {
    const first = await rig();
    for (let n = 0; n < 500; n++) first.kept.add(n % 2 === 0 ? `line ${n}` : `W: line ${n}`);
    await first.kept.save();
    const second = await rig(first.folder);
    expect(second.lines()).toHaveLength(200);
    expect(second.lines()).toEqual(first.lines().slice(-200));
    expect(statSync(first.path).mode & 0o077).toBe(0);
  });

  it('are written seldom, however many come, and not at all while there is nothing new', async () => {
    const { kept, clock, writes } = await rig();
    for (let second = 0; second < 3_600; second++) {
      kept.add(`line ${second}`);
      clock.advance(1_000);
    }
    await until(() => writes() > 1, 'the first writes');
    await kept.save();
    expect(writes()).toBeLessThanOrEqual(13);
    const before = writes();
    clock.advance(3_600_000);
    await kept.save();
    expect([writes(), clock.pendingTimers]).toEqual([before, 0]);
  });

  it('that could not be written are written at the end, though no other came', async () => {
    const { kept, path, folder, said } = await rig();
    mkdirSync(`${path}.new`);
    kept.add('last words');
    await kept.save();
    expect(complaints(said)).toHaveLength(1);
    rmdirSync(`${path}.new`);
    await kept.save();
    expect((await rig(folder)).lines().map(({ text }) => text)).toEqual(['last words']);
  });

  it('are read once, and whoever asks for them waits for that', async () => {
    const { kept, folder } = await rig();
    kept.add('old');
    await kept.save();
    const second = await rig(folder);
    await second.kept.load();
    expect(second.lines()).toHaveLength(1);
  });

  it('take little room on disk, however long they are', async () => {
    const { kept, path } = await rig();
    for (let n = 0; n < 400; n++) kept.add('é'.repeat(4_000));
    await kept.save();
    expect(readFileSync(path).length).toBeLessThan(150_000);
  });

  it('that are broken on disk are told, and cost nothing else', async () => {
    const folder = tempDir();
    writeFileSync(join(folder, 'pump.log'), '{"lines":[{"time":"x"');
    const { said, kept, lines } = await rig(folder);
    expect(complaints(said)).toEqual([expect.stringContaining('cannot be read')]);
    kept.add('new');
    expect(lines().map(({ text }) => text)).toEqual(['new']);
  });
});
