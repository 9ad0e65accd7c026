import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { headOf } from '../../../src/gateway/link/restart-report.js';
import { Restarts } from '../../../src/gateway/link/restarts.js';
import { MACHINE_DISK, type Disk } from '../../../src/gateway/state/disk.js';
import { RestartFiles } from '../../../src/gateway/state/restart-files.js';
import type { DeviceRestart } from '../../../src/session/device-session.js';
import { LogRing } from '../../../src/session/node/log-ring.js';
import { FakeClock } from '../../support/fake-clock.js';
import { complaints, recordingLog, type Said } from '../../support/recording-log.js';
import { tempDir } from '../../support/temp-dir.js';

const HOUR_MS = 3_600_000;
const hello: DeviceRestart = { sign: 'hello', why: 'it said hello' };

/** A disk on which files can be made and not written. */
class FullDisk {
  isFull = false;
  /** Names in the folder when a file was made. */
  before: string[] = [];

  readonly disk: Disk = {
    ...MACHINE_DISK,
    create: async (path) => {
      this.before = readdirSync(dirname(path)).sort();
      const file = await MACHINE_DISK.create(path);
      const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      return {
        ...file,
        write: (bytes) => (this.isFull ? Promise.reject(full) : file.write(bytes)),
      };
    },
  };
}

function rig(folder = join(tempDir(), 'restarts', 'pump'), disk: Disk = MACHINE_DISK) {
  const clock = new FakeClock();
  const said: Said[] = [];
  const told: string[] = [];
  const ring = new LogRing(() => 2_000, clock);
  const files = new RestartFiles(folder, disk);
  const host = { restartKept: (text: string) => void told.push(text) };
  const restarts = new Restarts(
    'pump',
    'restarts/pump',
    files,
    ring,
    clock,
    recordingLog(said),
    host,
  );
  const restart = async (given: Partial<DeviceRestart> = {}): Promise<void> => {
    restarts.restarted({ ...hello, ...given });
    await restarts.idle();
  };
  const names = (): string[] => readdirSync(folder).sort();
  return { clock, said, told, ring, files, folder, restart, names };
}

describe('a restart of a device', () => {
  it('leaves a file with the lines and packets before it, and a text that names it and says why', async () => {
    const { clock, ring, restart, told, names, folder, files } = rig();
    ring.add(
      "Guru Meditation Error: Core  0 panic'ed (LoadProhibited).\nBacktrace: 0x400d1231:0x3ffb4f50\nRebooting...",
    );
    const bytes = Uint8Array.from([12, 0, 0xff]);
    const packets: DeviceRestart['packets'] = [
      {
        ns: 0n,
        direction: 'up',
        sequence: 12,
        subject: 'a\nb',
        length: 300,
        content: 'temp=\u001b[31m1',
        bytes,
      },
    ];
    await restart({ why: 'its uptime has fallen from 90 to 2', packets });
    const [name = ''] = names();
    expect(name).toBe('20260102T030405.678Z-hello.txt');
    expect(told).toEqual([
      `its uptime has fallen from 90 to 2, after a panic (Guru Meditation Error: Core  0 panic'ed (LoadProhibited).); restarts/pump/${name}`,
    ]);
    const text = readFileSync(join(folder, name), 'utf8');
    expect(text).toContain('\n2026-01-02T03:04:05.678Z error Backtrace: 0x400d1231:0x3ffb4f50\n');
    expect(text).toContain(
      '1970-01-01T00:00:00.000Z up   a b sequence 12, 300 bytes (the first 3 below): temp=1\n    0c 00 ff\n',
    );
    expect(headOf(text)).toEqual({
      ns: (clock.wallNs() / 1_000_000n) * 1_000_000n,
      why: 'its uptime has fallen from 90 to 2',
    });
    expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
    expect(await files.all()).toEqual([{ path: join(folder, name), head: text }]);
  });

  it('of a console leaves its last lines both ways in place of packets', async () => {
    const { restart, names, folder } = rig();
    const text = Buffer.from('pt label 0 STR "\u001b[31ma b"');
    const unit = { ns: 0n, length: text.length, bytes: text };
    const lines: DeviceRestart['lines'] = [
      { ...unit, direction: 'down', bytes: Buffer.from('siot dump'), length: 9 },
      { ...unit, direction: 'up' },
      { ...unit, direction: 'up', length: 1_000 },
    ];
    await restart({ sign: 'banner', lines });
    const report = readFileSync(join(folder, names()[0] ?? ''), 'utf8');
    expect(report).toMatch(
      new RegExp(
        'Lines of the console before it, both ways: 3\n' +
          '1970-01-01T00:00:00.000Z down siot dump\n' +
          '1970-01-01T00:00:00.000Z up {3}pt label 0 STR "a b"\n' +
          '1970-01-01T00:00:00.000Z up {3}pt label 0 STR "a b" … \\(1000 bytes\\)\n$',
      ),
    );
    expect(report).not.toContain('Packets');
  });

  it('is one, though several things tell of it: at once, and later by its age', async () => {
    const { clock, restart, told } = rig();
    await restart();
    clock.advance(3_000);
    await restart({ sign: 'uptime', upMs: 2_000 });
    clock.advance(57_000);
    await restart({ sign: 'startClock', upMs: 59_000 });
    expect(told).toHaveLength(1);
    clock.advance(60_000);
    await restart({ sign: 'uptime', upMs: 2_000 });
    expect(told).toHaveLength(2);
    clock.advance(60_000);
    await restart({ sign: 'startClock', upMs: 62_500 });
    expect(told).toHaveLength(2);
  });

  it('is not taken for the one before, though its uptime is in milliseconds', async () => {
    const { clock, restart, told } = rig();
    for (let n = 0; n < 5; n++) {
      await restart({ sign: 'uptime', upMs: 2_000_000 });
      clock.advance(60_000);
    }
    expect(told).toHaveLength(5);
  });

  it('is blamed on a panic only shortly after it, and once', async () => {
    const { clock, ring, restart, told } = rig();
    ring.add('E: ***** MPU FAULT *****');
    clock.advance(HOUR_MS);
    await restart();
    clock.advance(HOUR_MS);
    ring.add('E: ***** BUS FAULT *****');
    await restart();
    clock.advance(10_000);
    await restart();
    expect(told.map((text) => /after a panic \((.*)\)/.exec(text)?.[1])).toEqual([
      undefined,
      'E: ***** BUS FAULT *****',
      undefined,
    ]);
  });

  it('all the time writes few files; the next one says how many have none', async () => {
    const { clock, restart, told, names, files } = rig();
    for (let n = 0; n < 720; n++) {
      await restart();
      clock.advance(10_000);
    }
    expect(told).toHaveLength(720);
    expect(told[6]).toBe('it said hello; no file: it restarts too often');
    expect(names()).toHaveLength(20);
    const all = await files.all();
    expect(all.at(-1)?.head).toMatch(/before: {2}29 restarts/);
  });

  it('leaves the last 20 files, and those that are none of ours', async () => {
    const { clock, restart, names, folder } = rig();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    for (let n = 0; n < 30; n++) {
      await restart();
      clock.advance(HOUR_MS);
    }
    expect(names()).toHaveLength(21);
    expect(names()).toContain('notes.txt');
    expect(names()[0]).toMatch(/^20260102T130405/);
  });

  it('leaves nothing on a full disk, on which it first makes room, and nothing of a kill', async () => {
    const full = new FullDisk();
    const { clock, restart, names, folder, told, files } = rig(undefined, full.disk);
    for (let n = 0; n < 20; n++) {
      await restart();
      clock.advance(HOUR_MS);
    }
    const [oldest = '', ...others] = names();
    const half = `${oldest}.new`;
    writeFileSync(join(folder, half), 'half');
    writeFileSync(join(folder, 'notes.txt.new'), 'mine');
    expect(await files.all()).toHaveLength(20);
    full.isFull = true;
    await restart();
    expect(told.at(-1)).toBe('it said hello; no file: the disk is full');
    expect(full.before).toEqual([...others, 'notes.txt.new']);
    expect(names()).toEqual(full.before);
    clock.advance(HOUR_MS);
    full.isFull = false;
    await restart();
    expect(names()).toHaveLength(21);
    expect(names()).toEqual(expect.arrayContaining(others));
  });

  it('is told also where nothing can be written', async () => {
    const parent = tempDir();
    writeFileSync(join(parent, 'restarts'), 'a file');
    const { restart, told, said } = rig(join(parent, 'restarts', 'pump'));
    await restart();
    expect(told).toEqual(['it said hello; no file: a part of its path is not a folder']);
    expect(complaints(said)).toEqual([expect.stringContaining('cannot be kept')]);
  });

  it('keeps a file of limited size, however much was said', async () => {
    const { ring, restart, folder, names, files } = rig();
    for (let n = 0; n < 2_000; n++) ring.add('é'.repeat(1_000));
    await restart();
    expect(statSync(join(folder, names()[0] ?? '')).size).toBeLessThan(200_000);
    // To list it takes its first lines only.
    const [{ head } = { head: '' }] = await files.all();
    expect([head.length < 5_000, headOf(head)?.why]).toEqual([true, 'it said hello']);
  });
});
