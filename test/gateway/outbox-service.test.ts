import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  symlinkSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backlogOf, openOutbox } from '../../src/gateway/outbox-service.js';
import { StateError } from '../../src/gateway/state/state-dir.js';
import { DiskOutbox } from '../../src/outbox/disk-outbox.js';
import { floatValue, makePoint } from '../../src/point/point.js';
import { FAKE_START_NS, FakeClock } from '../support/fake-clock.js';
import { tempDir } from '../support/temp-dir.js';
import { configOf } from './plant.js';
import { complaints, recordingLog, type Said } from '../support/recording-log.js';

const open = (stateDir: string, durability: 'disk' | 'memory', said: Said[] = []) =>
  openOutbox(
    configOf({ stateDir, outbox: { durability }, links: [] }),
    new FakeClock(),
    recordingLog(said),
  );

it.each(['disk', 'memory'] as const)('says what waits in an outbox on %s', async (durability) => {
  const clock = new FakeClock();
  const outbox = await open(tempDir(), durability);
  expect(backlogOf(outbox, clock)).toEqual({ points: 0, bytes: 0 });
  const at = (seconds: number) =>
    makePoint({
      type: 'temp',
      value: floatValue(seconds),
      time: FAKE_START_NS - BigInt(seconds * 1_000_000_000),
    });
  const [a, b] = [outbox.lane('a'), outbox.lane('b')];
  a.put([at(7), at(60)], () => undefined);
  b.put([at(9)], () => undefined);
  const full = backlogOf(outbox, clock);
  expect(full).toEqual({ points: 3, bytes: a.bytes + b.bytes, oldestMs: 9_000 });
  expect(full.bytes).toBeGreaterThan(3 * 10);
  b.settle(b.first);
  a.settle(a.first);
  expect(backlogOf(outbox, clock)).toEqual({ points: 1, bytes: a.bytes, oldestMs: 60_000 });
  a.settle(a.first);
  expect(backlogOf(outbox, clock)).toEqual({ points: 0, bytes: 0 });
  // Of a device whose clock is ahead.
  a.put([at(-5)], () => undefined);
  expect(backlogOf(outbox, clock).oldestMs).toBe(0);
  await outbox.close();
});

describe('the outbox of a gateway', () => {
  it('is in stateDir, and is found there again', async () => {
    const stateDir = tempDir();
    const outbox = await open(stateDir, 'disk');
    const point = makePoint({ type: 'temp', value: floatValue(1), time: 1n });
    outbox.lane('a').put([point], () => undefined);
    await outbox.close();
    expect(readdirSync(join(stateDir, 'outbox'))).toEqual(['00000001.log', 'tally']);
    const again = await open(stateDir, 'disk');
    expect(again.lane('a').read(0)).toEqual(point);
    await again.close();

    // With the outbox in memory, the log tells of what is left on disk.
    const said: Said[] = [];
    await open(stateDir, 'memory', said);
    expect(said.map(({ message }) => message).join()).toContain('holds points from before');
  });

  it.each([
    ['its files', ''],
    ['its folder', 'outbox'],
    ['all of stateDir', '.'],
  ])('writes what waits once more where somebody deletes %s', async (_, what) => {
    const stateDir = join(tempDir(), 'state');
    const folder = join(stateDir, 'outbox');
    const said: Said[] = [];
    const outbox = await open(stateDir, 'disk', said);
    if (!(outbox instanceof DiskOutbox)) throw new Error('not on disk');
    const points = Array.from({ length: 1_000 }, (_, n) =>
      makePoint({ type: 'temp', value: floatValue(n), time: BigInt(n) }),
    );
    const lane = outbox.lane('a');
    for (let n = 0; n < 20; n++) {
      lane.put(points, () => undefined);
      await outbox.flush();
    }
    lane.settleThrough(4_999);
    if (what === '') for (const name of readdirSync(folder)) rmSync(join(folder, name));
    else rmSync(join(stateDir, what), { recursive: true });
    // What a process finds that starts when this one is killed at that moment.
    const kept = join(tempDir(), 'kept');
    lane.put(points, () => cpSync(stateDir, kept, { recursive: true }));
    await outbox.flush();
    expect(said.map(({ level, message }) => `${level} ${message}`)).toEqual([
      expect.stringMatching(/^error somebody has deleted \d+ file.* stop the gateway first/),
      'info the outbox can be written again',
    ]);
    const again = await open(kept, 'disk');
    const found = again.lane('a');
    expect([found.first, found.length]).toEqual([5_000, 16_000]);
    for (let at = found.first; at < found.next; at++) {
      expect(found.read(at)).toEqual(points[at % 1_000]);
    }
    await again.close();
    await outbox.close();
  });

  it('goes on where somebody has deleted files in which nothing waits', async () => {
    const stateDir = tempDir();
    const outbox = await open(stateDir, 'disk');
    if (!(outbox instanceof DiskOutbox)) throw new Error('not on disk');
    const point = makePoint({ type: 'temp', value: floatValue(1), time: 1n });
    const lane = outbox.lane('a');
    lane.put([point], () => undefined);
    await outbox.flush();
    lane.settle(0);
    await outbox.flush();
    rmSync(join(stateDir, 'outbox'), { recursive: true });
    let safe = false;
    lane.put([point], () => (safe = true));
    await outbox.flush();
    expect(safe).toBe(true);
    await outbox.close();
    const again = await open(stateDir, 'disk');
    expect(again.lane('a').read(1)).toEqual(point);
    await again.close();
  });

  it.each<[string, string, (path: string) => void]>([
    ['a folder', '00000099.log', (path) => mkdirSync(path)],
    ['a link that leads nowhere', '00000099.log', (path) => symlinkSync('/nonexistent/x', path)],
    ['a pipe', '00000002.log', (path) => void execFileSync('mkfifo', [path])],
    [
      'a file with a number that none can have',
      '9999999999.log',
      (path) => writeFileSync(path, 'x'),
    ],
    ['a file with the last number there is', '4294967295.log', (path) => writeFileSync(path, 'x')],
  ])('leaves %s alone and says so', async (_, name, make) => {
    const stateDir = tempDir();
    const point = makePoint({ type: 'temp', value: floatValue(1), time: 1n });
    const fill = async (said: Said[] = []): Promise<number> => {
      const outbox = await open(stateDir, 'disk', said);
      if (!(outbox instanceof DiskOutbox)) throw new Error('not on disk');
      outbox.lane('a').put([point], () => undefined);
      await outbox.flush();
      const { length } = outbox.lane('a');
      await outbox.close();
      return length;
    };
    await fill();
    const path = join(stateDir, 'outbox', name);
    make(path);
    const said: Said[] = [];
    expect(await fill(said)).toBe(2);
    expect(complaints(said)).toEqual([
      `${path} is none of the outbox’s files and is left alone: move it away`,
    ]);
    expect(await fill()).toBe(3);
    expect(lstatSync(path)).toBeDefined();
  });

  it('names the file that cannot be read, and what to do', async (context) => {
    context.skip(process.getuid?.() === 0, 'root may read all the same');
    const stateDir = tempDir();
    const outbox = await open(stateDir, 'disk');
    const point = makePoint({ type: 'temp', value: floatValue(1), time: 1n });
    outbox.lane('a').put([point], () => undefined);
    await outbox.close();
    chmodSync(join(stateDir, 'outbox', '00000001.log'), 0);
    await expect(open(stateDir, 'disk')).rejects.toThrow(
      /00000001\.log cannot be read \(not permitted\): .*or move it away/,
    );
  });

  it('is refused, with what to do, where a file is in its place', async () => {
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
