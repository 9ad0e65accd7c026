import { describe, expect, it } from 'vitest';
import { BlockWriter, FILE_HEADER, fileHeader } from '../../src/outbox/block.js';
import { crc32 } from 'node:zlib';
import { DiskOutbox } from '../../src/outbox/disk-outbox.js';
import type { OutboxLane } from '../../src/outbox/outbox.js';
import {
  floatValue,
  intValue,
  jsonValue,
  makePoint,
  NO_VALUE,
  numberOf,
  stringValue,
  type Point,
} from '../../src/point/point.js';
import { FakeClock } from '../support/fake-clock.js';
import { SimDisk } from './sim-disk.js';
import { recordingLog, type Said } from '../support/recording-log.js';

const nothing = (): void => undefined;
const point = (n: number, type = 'temp'): Point =>
  makePoint({ type, value: floatValue(n), time: BigInt(n) });

class Site {
  readonly clock = new FakeClock();
  readonly said: Said[] = [];
  outbox!: DiskOutbox;

  constructor(
    public disk = new SimDisk(),
    private readonly maxBytes = 1 << 20,
  ) {}

  async open(): Promise<this> {
    this.outbox = await DiskOutbox.open({
      folder: this.disk,
      maxBytes: this.maxBytes,
      clock: this.clock,
      log: recordingLog(this.said),
      reasonOf: (error) => (error instanceof Error ? error.message : String(error)),
    });
    return this;
  }

  /** The machine loses its power; what was not synced is as the seed has it. */
  async crash(seed = 1): Promise<this> {
    this.disk = this.disk.afterCrash(seed);
    return this.open();
  }

  messages(): string {
    return this.said.map(({ message }) => message).join('\n');
  }
}

const valuesOf = (lane: OutboxLane): number[] => {
  const values: number[] = [];
  for (let at = lane.first; at < lane.next; at++) {
    const found = lane.read(at);
    if (found !== undefined) values.push(numberOf(found.value));
  }
  return values;
};

describe('an outbox on disk', () => {
  it('reports points as safe when they are synced, and has them after a crash', async () => {
    const site = await new Site().open();
    const lane = site.outbox.lane('a');
    let safe = 0;
    lane.put([point(1), point(2)], () => (safe += 1));
    expect([safe, lane.awaited]).toEqual([0, true]);
    await site.clock.advanceAsync(12);
    expect(site.disk.calls).toEqual([]);
    await site.clock.advanceAsync(2);
    expect([safe, lane.awaited]).toEqual([1, false]);
    expect(site.disk.calls.at(-1)).toBe('sync');
    await site.crash();
    expect(valuesOf(site.outbox.lane('a'))).toEqual([1, 2]);
    expect(site.messages()).toContain('2 point(s) from before wait in the outbox');
  });

  it('has also what a killed process left unsynced, when the power fails after that', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const site = await new Site().open();
      // Written, and nothing of what comes after.
      const never = ['sync', 'remove', 'truncate'];
      site.disk.fails = (call) => (never.includes(call) ? new Error('killed') : undefined);
      site.outbox.lane('a').put([point(1)], nothing);
      await site.clock.advanceAsync(14);
      site.disk.fails = undefined;
      await site.open();
      expect(valuesOf(site.outbox.lane('a'))).toEqual([1]);
      await site.crash(seed);
      expect(valuesOf(site.outbox.lane('a'))).toEqual([1]);
    }
  });

  it('writes little where points are delivered at once', async () => {
    const site = await new Site().open();
    const lane = site.outbox.lane('a');
    let safe = 0;
    for (let n = 0; n < 100; n++) {
      lane.put([point(n)], () => (safe += 1));
      await site.clock.advanceAsync(12);
      lane.settle(n);
      expect(safe).toBe(n + 1);
    }
    await site.clock.advanceAsync(5_000);
    expect(site.disk.calls).toEqual([]);
  });

  it('writes little of a steady stream, of which something always waits', async () => {
    const site = await new Site().open();
    const lane = site.outbox.lane('a');
    for (let n = 0; n < 1_000; n++) {
      lane.put([point(n)], nothing);
      await site.clock.advanceAsync(1);
      if (n >= 11) lane.settle(n - 11);
    }
    expect(site.disk.calls).toEqual([]);
  });

  it('makes a quiet lane wait no longer beside a busy one that is written all the time', async () => {
    const site = await new Site().open();
    const [busy, quiet] = [site.outbox.lane('busy'), site.outbox.lane('quiet')];
    // A write and a sync take longer than the pause between two points.
    site.disk.onCall = () => {
      site.disk.slow = new Promise((resolve) => void site.clock.setTimer(2.5, resolve));
    };
    const waits: number[] = [];
    let isWaiting = false;
    for (let ms = 0; ms < 10_000; ms += 4) {
      const putMs = site.clock.monotonicMs();
      busy.put([point(ms)], nothing);
      if (!isWaiting && ms % 1_000 === 200) {
        isWaiting = true;
        quiet.put([point(ms)], () => {
          isWaiting = false;
          waits.push(site.clock.monotonicMs() - putMs);
        });
      }
      await site.clock.advanceAsync(4);
    }
    expect(waits).toHaveLength(10);
    expect(Math.max(...waits)).toBeLessThan(30);
  });

  it('writes nothing of a burst while some of it is delivered, and the rest after 100 ms', async () => {
    const site = await new Site().open();
    const lane = site.outbox.lane('a');
    let safe = 0;
    for (let n = 0; n < 100; n++) lane.put([point(n)], () => (safe += 1));
    for (let n = 0; n < 10; n++) {
      await site.clock.advanceAsync(10);
      lane.settle(n);
    }
    expect([site.disk.calls, safe]).toEqual([[], 10]);
    await site.clock.advanceAsync(1);
    expect(safe).toBe(100);
  });

  it('reads what has come before it writes, after the process stood still', async () => {
    const site = await new Site().open();
    const lane = site.outbox.lane('a');
    lane.put([point(0)], nothing);
    await site.clock.advanceAsync(8);
    lane.put([point(1)], nothing);
    site.clock.standStill(200);
    // The timer has fired. Now the loop reads that both are delivered.
    lane.settle(0, 2);
    await site.clock.advanceAsync(5_000);
    expect(site.disk.calls).toEqual([]);
  });

  it('writes without a delay after two deliveries that did not come', async () => {
    const site = await new Site().open();
    const lane = site.outbox.lane('a');
    const putAndWait = async (ms: number): Promise<boolean> => {
      let safe = false;
      lane.put([point(1)], () => (safe = true));
      await site.clock.advanceAsync(ms);
      return safe;
    };
    expect(await putAndWait(14)).toBe(true);
    expect(await putAndWait(0)).toBe(false);
    await site.clock.advanceAsync(14);
    expect(await putAndWait(0)).toBe(true);
  });

  it('reports points as safe also when the last of them were delivered before the write', async () => {
    const site = await new Site().open();
    const lane = site.outbox.lane('a');
    let safe = false;
    lane.put([point(0), point(1)], () => (safe = true));
    lane.settle(1);
    await site.clock.advanceAsync(14);
    expect(safe).toBe(true);
  });

  it('keeps every kind of value, time, key, tombstone and origin', async () => {
    const site = await new Site().open();
    const values = [
      NO_VALUE,
      floatValue(-0),
      floatValue(Number.POSITIVE_INFINITY),
      intValue(-(2n ** 63n)),
      stringValue('ä\u0000😀'.repeat(60)),
      { kind: 'string', text: 'on', number: 1.5 } as const,
      jsonValue('{"a":1}'),
    ];
    const points = values.flatMap((value, i) => [
      makePoint({ type: 'a', value, time: -5n + BigInt(i) }),
      makePoint({ type: 'ü', key: 'k', value, time: 2n ** 62n, tombstone: -3, origin: 'user' }),
    ]);
    site.outbox.lane('a').put(points, nothing);
    await site.outbox.close();
    await site.open();
    const lane = site.outbox.lane('a');
    expect(points.map((_, at) => lane.read(at))).toEqual(points);
    expect(lane.latestNs).toBe(2n ** 62n);
  });

  it('reads what is no longer in memory from disk', async () => {
    const site = await new Site(new SimDisk(), 64 << 20).open();
    const lane = site.outbox.lane('a');
    for (let n = 0; n < 20_000; n += 100) {
      lane.put(
        Array.from({ length: 100 }, (_, i) => point(n + i)),
        nothing,
      );
      await site.outbox.flush();
    }
    expect(lane.length).toBe(20_000);
    let reads = 0;
    site.disk.fails = (call) => {
      if (call === 'read') reads += 1;
      return undefined;
    };
    expect(valuesOf(lane)).toEqual(Array.from({ length: 20_000 }, (_, n) => n));
    // From disk, and not each of them by itself.
    expect(reads).toBeGreaterThan(2);
    expect(reads).toBeLessThan(200);
  });

  it('reads from disk what it has just written', async () => {
    const site = await new Site(new SimDisk(), 64 << 20).open();
    const lane = site.outbox.lane('a');
    for (let n = 0; n < 6_000; n += 50) {
      lane.put(
        Array.from({ length: 50 }, (_, i) => point(n + i)),
        nothing,
      );
      await site.outbox.flush();
      // Not in memory any more.
      const at = lane.next - 1_600;
      if (at >= 0) expect(numberOf(lane.read(at)!.value)).toBe(at);
    }
    expect(lane.length).toBe(6_000);
  });

  it('goes on writing where one write cannot take all that waits', async () => {
    const site = await new Site(new SimDisk(), 64 << 20).open();
    let safe = false;
    site.outbox.lane('a').put(
      Array.from({ length: 60_000 }, (_, n) => point(n)),
      () => (safe = true),
    );
    await site.clock.advanceAsync(100);
    expect(site.disk.calls.filter((call) => call === 'sync').length).toBeGreaterThan(1);
    expect(safe).toBe(true);
  });

  it('takes no more than its limit, though a lane has more than its share', async () => {
    const maxBytes = 65_536;
    const site = await new Site(new SimDisk(), maxBytes).open();
    const fill = (nodeId: string): void => {
      const lane = site.outbox.lane(nodeId);
      for (let n = 0; lane.put([point(n, 'x'.repeat(200))], nothing); n++);
    };
    fill('first');
    site.outbox.lane('second');
    site.outbox.lane('third');
    fill('second');
    fill('third');
    const lanes = [...site.outbox.lanes()];
    expect(lanes.map((lane) => lane.length > 0)).toEqual([true, true, true]);
    const share = ((maxBytes / 8) * 7) / lanes.length;
    const bytes = lanes.reduce((sum, lane) => sum + lane.used * share, 0);
    // The first point of an empty lane is always taken.
    expect(bytes).toBeLessThan((maxBytes / 8) * 7 + 3 * 300);
  });

  it('takes all or none when its share is full, and again when there is room', async () => {
    const site = await new Site(new SimDisk(), 65_536).open();
    const [full, other] = [site.outbox.lane('full'), site.outbox.lane('other')];
    let count = 0;
    while (full.put([point(count), point(count)], nothing)) count += 2;
    await site.outbox.flush();
    // As written it takes less than was thought.
    expect(full.used).toBeGreaterThan(0.7);
    expect(full.length).toBe(count);
    expect(other.put([point(0)], nothing)).toBe(true);
    full.settleThrough(count / 2);
    expect(full.put([point(0)], nothing)).toBe(true);
  });

  it('stays within its limit while one lane does not move', async () => {
    const site = await new Site(new SimDisk(), 262_144).open();
    const [stuck, busy] = [site.outbox.lane('stuck'), site.outbox.lane('busy')];
    for (let n = 0; n < 500; n++) stuck.put([point(n)], nothing);
    let most = 0;
    for (let n = 0; n < 400; n++) {
      busy.put(
        Array.from({ length: 100 }, (_, i) => point(n + i)),
        nothing,
      );
      await site.outbox.flush();
      busy.settleThrough(busy.next - 1);
      most = Math.max(most, site.disk.bytes);
    }
    expect(most).toBeLessThanOrEqual(262_144 + 262_144 / 32);
    expect(site.disk.handles).toBe((await site.disk.list()).length);
    expect(valuesOf(stuck)).toEqual(Array.from({ length: 500 }, (_, n) => n));
    await site.crash(7);
    expect(valuesOf(site.outbox.lane('stuck'))).toEqual(Array.from({ length: 500 }, (_, n) => n));
  });

  it('marks on disk what is settled, within a second or two, also when it is settled during a write', async () => {
    const site = await new Site().open();
    const lane = site.outbox.lane('a');
    lane.put([point(0)], nothing);
    await site.outbox.flush();
    let go = nothing;
    site.disk.slow = new Promise((resolve) => (go = resolve));
    lane.put([point(1)], nothing);
    await site.clock.advanceAsync(20);
    lane.settle(0);
    await site.clock.advanceAsync(1_500);
    site.disk.slow = undefined;
    go();
    await site.clock.advanceAsync(1_500);
    // The process is killed now: what it has written is there.
    await site.open();
    expect(valuesOf(site.outbox.lane('a'))).toEqual([1]);
  });

  it('marks it once more where the first mark was lost with a write that failed', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const site = await new Site().open();
      const lane = site.outbox.lane('a');
      lane.put([point(0), point(1)], nothing);
      await site.outbox.flush();
      lane.settle(0);
      await site.clock.advanceAsync(1_500);
      site.disk.fails = (call) => (call === 'write' ? new Error('no space') : undefined);
      lane.put([point(2)], nothing);
      await site.clock.advanceAsync(20);
      site.disk.fails = undefined;
      await site.clock.advanceAsync(1_500);
      await site.crash(seed);
      expect(valuesOf(site.outbox.lane('a'))).toEqual([1, 2]);
    }
  });

  it('marks it where the files of what is settled cannot be deleted', async () => {
    for (const idle of [true, false]) {
      const site = await new Site(new SimDisk(), 8 << 20).open();
      const lane = site.outbox.lane('a');
      for (let n = 0; n < 30_000; n += 1_000) {
        lane.put(
          Array.from({ length: 1_000 }, (_, i) => point(n + i)),
          nothing,
        );
        await site.outbox.flush();
      }
      site.disk.fails = (call) => (call === 'remove' ? new Error('read-only') : undefined);
      lane.settleThrough(lane.next - 1);
      if (idle) {
        await site.clock.advanceAsync(2_000);
        expect(site.messages()).toContain('the outbox cannot be written (read-only)');
        site.disk.fails = undefined;
        await site.outbox.flush();
      } else await site.outbox.close();
      await site.crash();
      expect(valuesOf(site.outbox.lane('a'))).toEqual([]);
    }
  });

  it('keeps one file while little is in it, and no long one', async () => {
    const site = await new Site(new SimDisk(), 64 << 20).open();
    const lane = site.outbox.lane('a');
    let most = 0;
    for (let n = 0; n < 300; n++) {
      lane.put(
        Array.from({ length: 200 }, (_, i) => point(i)),
        nothing,
      );
      await site.outbox.flush();
      lane.settleThrough(lane.next - 1);
      await site.clock.advanceAsync(1_000);
      most = Math.max(most, site.disk.bytes);
    }
    const created = site.disk.calls.filter((call) => call === 'create').length;
    expect(created).toBeGreaterThan(1);
    expect(created).toBeLessThan(10);
    expect(most).toBeLessThan(300_000);
  });

  it('uses no position twice, also when only the mark of a delivered point is left', async () => {
    const site = await new Site(new SimDisk(), 65_536).open();
    const [lane, other] = [site.outbox.lane('a'), site.outbox.lane('other')];
    lane.put(
      Array.from({ length: 400 }, (_, i) => point(i)),
      nothing,
    );
    await site.outbox.flush();
    lane.settleThrough(lane.next - 1);
    for (let n = 0; n < 5; n++) {
      other.put([point(n)], nothing);
      await site.outbox.flush();
    }
    expect(await site.disk.list()).toEqual(['00000002.log']);
    await site.crash();
    expect(site.outbox.lane('a').next).toBe(400);
  });

  it('leaves no file behind when nothing waits', async () => {
    const site = await new Site().open();
    site.outbox.lane('a').put([point(1)], nothing);
    await site.outbox.flush();
    site.outbox.lane('a').settle(0);
    await site.outbox.close();
    expect(await site.disk.list()).toEqual([]);
    expect(site.disk.handles).toBe(0);
  });

  it('keeps few files where failed writes leave many short ones, and one lane does not move', async () => {
    const site = await new Site(new SimDisk(), 65_536).open();
    const [stuck, busy] = [site.outbox.lane('stuck'), site.outbox.lane('busy')];
    stuck.put([point(0)], nothing);
    for (let n = 1; n < 150; n++) {
      busy.put([point(n)], nothing);
      await site.outbox.flush();
      site.disk.fails = (call) => (call === 'write' ? new Error('no space') : undefined);
      busy.put([point(n)], nothing);
      await site.outbox.flush().catch(nothing);
      site.disk.fails = undefined;
      await site.outbox.flush();
      busy.settleThrough(busy.next - 1);
    }
    expect((await site.disk.list()).length).toBeLessThan(40);
    expect(valuesOf(stuck)).toEqual([0]);
  });

  it('closes its files', async () => {
    const site = await new Site().open();
    site.outbox.lane('a').put([point(1)], nothing);
    await site.outbox.close();
    expect(await site.disk.list()).toEqual(['00000001.log', 'tally']);
    expect(site.disk.handles).toBe(0);
  });

  it('keeps marks also where the file that they are in is full', async () => {
    // Some of them leave no more room than for the mark.
    for (let count = 210; count < 228; count++) {
      const site = await new Site(new SimDisk(), 65_536).open();
      const lane = site.outbox.lane('a');
      const points = Array.from({ length: count }, (_, n) => point(n));
      lane.put(points, nothing);
      await site.outbox.flush();
      for (let at = 0; at < count; at += 2) lane.settle(at);
      await site.clock.advanceAsync(1_500);
      lane.put([point(count)], nothing);
      await site.clock.advanceAsync(20);
      await site.crash(count);
      const left = points.filter((_, at) => at % 2 === 1).map(({ time }) => Number(time));
      expect(valuesOf(site.outbox.lane('a'))).toEqual([...left, count]);
    }
  });

  it('delivers what is left of a removed link, and then forgets its lane', async () => {
    const site = await new Site().open();
    site.outbox.lane('gone').put([point(1)], nothing);
    await site.outbox.close();
    await site.open();
    const [lane] = [...site.outbox.lanes()];
    expect(lane?.nodeId).toBe('gone');
    lane?.settle(0);
    expect([...site.outbox.lanes()]).toEqual([]);
    // Should it come back, no position is used twice.
    expect(site.outbox.lane('gone').next).toBe(1);
  });
});

it('names the file that cannot be read when it is opened, and what to do', async () => {
  const site = await new Site().open();
  site.outbox.lane('a').put([point(1)], nothing);
  await site.outbox.close();
  site.disk.fails = (call) => (call === 'read' ? new Error('broken sector') : undefined);
  await expect(site.open()).rejects.toThrow(
    '/sim/00000001.log cannot be read (broken sector): mend that, or move it away, which loses the points in it',
  );
});

describe('an outbox whose files somebody deletes', () => {
  const deleted =
    /^somebody has deleted \d+ file\(s\) of the outbox in \/sim .*stop the gateway first/;

  it('acknowledges nothing that is written into them, and writes all of it again by itself', async () => {
    const site = await new Site().open();
    const lane = site.outbox.lane('a');
    let safe = 0;
    lane.put([point(1), point(2)], () => (safe += 1));
    await site.clock.advanceAsync(20);
    expect(safe).toBe(1);
    lane.settle(0);
    site.disk.deleteAll();
    let whole = Promise.resolve();
    lane.put([point(3)], () => {
      safe += 1;
      // What was acknowledged before is there from this moment on, too.
      whole = site.disk
        .afterCrash(1)
        .list()
        .then((names) => expect(names).toEqual(['00000002.log']));
    });
    await site.clock.advanceAsync(50);
    expect(safe).toBe(1);
    expect(site.said.at(-1)?.level).toBe('error');
    expect(site.said.at(-1)?.message).toMatch(deleted);
    await site.clock.advanceAsync(200);
    expect(safe).toBe(2);
    await whole;
    expect(site.said.at(-1)?.message).toBe('the outbox can be written again');
    await site.crash();
    expect(valuesOf(site.outbox.lane('a'))).toEqual([2, 3]);
  });

  it('writes again what was in many of them, before anything new', async () => {
    const site = await new Site(new SimDisk(), 1 << 20).open();
    const lanes = ['a', 'b'].map((id) => site.outbox.lane(id));
    for (let n = 0; n < 40; n++) {
      for (const lane of lanes) {
        const batch = Array.from({ length: 100 }, (_, i) => point(n * 100 + i));
        expect(lane.put(batch, nothing)).toBe(true);
      }
      await site.outbox.flush();
    }
    expect((await site.disk.list()).length).toBeGreaterThan(3);
    const expected = lanes.map(valuesOf);
    site.disk.deleteAll();
    const [lane] = lanes;
    let found: number | undefined;
    lane?.put([point(-1)], () => {
      const after = site.disk.afterCrash(3);
      found = after.bytes;
    });
    await site.clock.advanceAsync(1_000);
    expect(found).toBeGreaterThan(100_000);
    await site.crash();
    expect(valuesOf(site.outbox.lane('a'))).toEqual([...(expected[0] ?? []), -1]);
    expect(valuesOf(site.outbox.lane('b'))).toEqual(expected[1]);
    // And the deleted files are closed.
    const { handles } = site.disk;
    expect(handles).toBe((await site.disk.list()).length);
  });

  it('goes on writing it again when nothing new waits any more', async () => {
    const site = await new Site(new SimDisk(), 1 << 18).open();
    const lane = site.outbox.lane('a');
    for (let n = 0; n < 40; n++) {
      lane.put(
        Array.from({ length: 100 }, (_, i) => point(n * 100 + i)),
        nothing,
      );
      await site.outbox.flush();
    }
    site.disk.deleteAll();
    lane.put([point(-1)], nothing);
    await site.clock.advanceAsync(20);
    expect(site.messages()).toMatch(/somebody has deleted/);
    // It is delivered.
    lane.settle(lane.next - 1);
    const expected = valuesOf(lane);
    await site.clock.advanceAsync(1_000);
    await site.crash();
    expect(valuesOf(site.outbox.lane('a'))).toEqual(expected);
  });

  it('is written anew where they are deleted before anything was written since the start', async () => {
    const site = await new Site().open();
    site.outbox.lane('a').put([point(1)], nothing);
    await site.outbox.close();
    await site.open();
    site.disk.deleteAll();
    site.outbox.lane('a').put([point(2)], nothing);
    await site.clock.advanceAsync(1_000);
    expect(site.messages()).toMatch(/somebody has deleted 1 file/);
    await site.crash();
    expect(valuesOf(site.outbox.lane('a'))).toEqual([1, 2]);
  });

  it('has all of it when it is closed after that', async () => {
    const site = await new Site().open();
    site.outbox.lane('a').put([point(1)], nothing);
    await site.clock.advanceAsync(20);
    site.disk.deleteAll();
    site.outbox.lane('a').put([point(2)], nothing);
    await site.outbox.close();
    await site.open();
    expect(valuesOf(site.outbox.lane('a'))).toEqual([1, 2]);
  });

  it('reports points that cannot be read in them any more as lost, and goes on', async () => {
    const site = await new Site(new SimDisk(), 1 << 20).open();
    const lane = site.outbox.lane('a');
    for (let n = 0; n < 80; n++) {
      lane.put(
        Array.from({ length: 100 }, (_, i) => point(n * 100 + i)),
        nothing,
      );
      await site.outbox.flush();
    }
    site.disk.deleteAll();
    site.disk.fails = (call) => (call === 'read' ? new Error('broken sector') : undefined);
    let safe = false;
    lane.put([point(-1)], () => (safe = true));
    await site.clock.advanceAsync(2_000);
    expect(safe).toBe(true);
    expect(site.messages()).toMatch(/cannot be read \(broken sector\) and are lost/);
    expect(site.said.at(-1)?.message).toBe('the outbox can be written again');
  });
});

describe('a damaged outbox', () => {
  async function written(...values: number[]): Promise<Site> {
    const site = await new Site().open();
    for (const n of values) {
      site.outbox.lane('a').put([point(n)], nothing);
      await site.outbox.flush();
    }
    return site;
  }
  const FILE = '00000001.log';

  it('has a torn end cut off, and says so', async () => {
    const site = await written(1, 2);
    const file = await site.disk.open(FILE);
    await file.truncate((await file.size()) - 3);
    await site.open();
    expect(valuesOf(site.outbox.lane('a'))).toEqual([1]);
    expect(site.messages()).toMatch(
      /the last \d+ byte\(s\) of 00000001\.log in the outbox are no whole block/,
    );
    await site.open();
    expect(site.said.filter(({ message }) => message.includes('no whole block'))).toHaveLength(1);
  });

  it('loses what is damaged in the middle, says so, and goes on', async () => {
    const site = await written(1, 2, 3);
    const content = site.disk.content(FILE);
    const middle = Math.floor(content.length / 2);
    content[middle] = (content[middle] ?? 0) ^ 1;
    await site.open();
    expect(valuesOf(site.outbox.lane('a'))).toEqual([1, 3]);
    expect(site.messages()).toMatch(
      /\d+ byte\(s\) of 00000001\.log in the outbox are no whole block .*may be lost/,
    );
  });

  it('accepts no block in a place where it was not written', async () => {
    const site = await written(1, 2);
    const content = site.disk.content(FILE);
    // As a file system may leave it that has given old bytes to a new file.
    const file = await site.disk.create('00000002.log');
    await file.write(fileHeader(2), 0);
    await file.write(content.subarray(24), 24);
    await (await site.disk.open(FILE)).truncate(24);
    await site.open();
    expect([...site.outbox.lanes()]).toEqual([]);
  });

  it('takes points as settled that a later block of the same points leaves out', async () => {
    const site = await new Site().open();
    const writer = new BlockWriter();
    writer.start(1, FILE_HEADER);
    const points = [1, 2, 3, 4].map((n) => point(n));
    writer.points({ nodeId: 'a', positions: [0, 1, 2, 3], points });
    writer.points({ nodeId: 'a', positions: [0, 3], points: [point(1), point(4)] });
    const file = await site.disk.create(FILE);
    await file.write(fileHeader(1), 0);
    await file.write(writer.bytes, FILE_HEADER);
    await site.open();
    expect(valuesOf(site.outbox.lane('a'))).toEqual([1, 4]);
    expect(site.outbox.lane('a').length).toBe(2);
    expect(site.messages()).not.toContain('lost');
  });

  it('of another version is refused, with what to do', async () => {
    const site = await written(1);
    const header = fileHeader(1);
    header[15] = 9;
    header.writeUInt32LE(crc32(header.subarray(0, 20)), 20);
    header.copy(site.disk.content(FILE));
    await expect(site.open()).rejects.toThrow(/another version \(9\).*let that one empty it/);
  });

  it('that cannot be read while it is emptied says what is lost, and goes on', async () => {
    const site = await written(1, 2);
    await site.outbox.close();
    await site.open();
    site.disk.fails = (call) => (call === 'read' ? new Error('broken sector') : undefined);
    const lane = site.outbox.lane('a');
    expect(lane.read(0)).toBeUndefined();
    expect(lane.length).toBe(0);
    expect(site.messages()).toContain('2 point(s) in the outbox cannot be read (broken sector)');
  });
});

describe('a disk that is full', () => {
  it('makes points safe only by delivery, is reported once, and catches up', async () => {
    const site = await new Site().open();
    const lane = site.outbox.lane('a');
    site.disk.fails = (call) => (call === 'write' ? new Error('no space') : undefined);
    const safe: number[] = [];
    for (let n = 0; n < 5; n++) lane.put([point(n)], () => safe.push(n));
    await site.clock.advanceAsync(2_000);
    expect(safe).toEqual([]);
    lane.settle(3);
    expect(safe).toEqual([3]);
    await site.clock.advanceAsync(60_000);
    // Less and less often, and not more for what is put in meanwhile.
    expect(site.disk.calls.filter((call) => call === 'write').length).toBeLessThan(20);
    expect((await site.disk.list()).length).toBeLessThan(2);
    const told = (): Said[] => site.said.filter(({ level }) => level === 'error');
    expect(told().map(({ message }) => message)).toEqual([
      expect.stringMatching(/cannot be written \(no space\).*only when their points are delivered/),
    ]);
    site.disk.fails = undefined;
    await site.clock.advanceAsync(10_000);
    expect(safe).toEqual([3, 0, 1, 2, 4]);
    expect(site.messages()).toContain('the outbox can be written again');
    // Of what it had room for before it was full nothing is left that would look damaged.
    site.disk.fails = (call) => (call === 'write' ? new Error('no space') : undefined);
    lane.put([point(5)], nothing);
    await site.clock.advanceAsync(20);
    site.disk.fails = undefined;
    await site.clock.advanceAsync(10_000);
    await site.open();
    expect(valuesOf(site.outbox.lane('a'))).toEqual([0, 1, 2, 4, 5]);
    expect(site.messages()).not.toContain('damaged');
    await site.crash(3);
    expect(valuesOf(site.outbox.lane('a'))).toEqual([0, 1, 2, 4, 5]);
  });

  it('or does not answer: the same, and closing waits for it', async () => {
    const site = await new Site().open();
    const lane = site.outbox.lane('a');
    let answers = nothing;
    site.disk.slow = new Promise((resolve) => (answers = resolve));
    const safe: number[] = [];
    for (let n = 0; n < 5; n++) lane.put([point(n)], () => safe.push(n));
    await site.clock.advanceAsync(9_000);
    expect(site.messages()).toBe('');
    await site.clock.advanceAsync(60_000);
    lane.settle(3);
    expect(safe).toEqual([3]);
    const told = 'the outbox cannot be written (the disk does not answer)';
    expect(site.said.map(({ message }) => message)).toEqual([expect.stringContaining(told)]);
    let closed = false;
    void site.outbox.close().then(() => (closed = true));
    await site.clock.advanceAsync(60_000);
    expect([closed, safe]).toEqual([false, [3]]);
    site.disk.slow = undefined;
    answers();
    await site.clock.advanceAsync(0);
    expect([closed, safe]).toEqual([true, [3, 0, 1, 2, 4]]);
    expect(site.messages()).toContain('can be written again');
  });

  it('does not make the memory grow: from some point on nothing is taken', async () => {
    const site = await new Site(new SimDisk(), 1 << 30).open();
    site.disk.fails = () => new Error('no space');
    const lane = site.outbox.lane('a');
    const packet = Array.from({ length: 1_000 }, (_, n) => point(n));
    let packets = 0;
    while (lane.put(packet, nothing)) packets += 1;
    expect(packets * 1_000 * 160).toBeLessThan(32 << 20);
    expect(packets).toBeGreaterThan(10);
  });
});

describe('where only the newest counts', () => {
  const open = async (): Promise<{ site: Site; lane: OutboxLane; superseded: () => number }> => {
    const site = await new Site().open();
    let superseded = 0;
    const onSuperseded = (count: number): void => void (superseded += count);
    const lane = site.outbox.lane('a', { backlog: 'latest', onSuperseded });
    return { site, lane, superseded: () => superseded };
  };

  it('an older one is dropped when the newer is on disk, not before', async () => {
    const { site, lane, superseded } = await open();
    lane.put([point(1)], nothing);
    await site.outbox.flush();
    lane.put([point(2), point(3, 'flow')], nothing);
    expect(valuesOf(lane)).toEqual([1, 2, 3]);
    // Also while it is being written.
    const flushed = site.outbox.flush();
    await Promise.resolve();
    expect(valuesOf(lane)).toEqual([1, 2, 3]);
    await flushed;
    expect(valuesOf(lane)).toEqual([2, 3]);
    expect(superseded()).toBe(1);
    await site.outbox.flush();
    await site.crash(2);
    expect(valuesOf(site.outbox.lane('a'))).toEqual([2, 3]);
  });

  it('what is on its way stays, until it is no longer', async () => {
    const { site, lane } = await open();
    lane.put([point(1)], nothing);
    lane.claimBefore(lane.next);
    lane.put([point(2)], nothing);
    await site.outbox.flush();
    expect(valuesOf(lane)).toEqual([1, 2]);
    lane.claimBefore(0);
    expect(valuesOf(lane)).toEqual([2]);
  });

  it('the newest is the one with the latest time', async () => {
    const { site, lane } = await open();
    lane.put([point(5)], nothing);
    await site.outbox.flush();
    lane.put([point(4)], nothing);
    expect(valuesOf(lane)).toEqual([5]);
  });

  it('this holds also when it came before the older, and neither was on disk yet', async () => {
    const { site, lane } = await open();
    for (const n of [5, 4, 8, 7, 6]) lane.put([point(n)], nothing);
    await site.outbox.flush();
    expect(valuesOf(lane)).toEqual([8]);
  });

  it('this holds also when the clock of the device has stepped back, and a newer one was on its way', async () => {
    const { site, lane } = await open();
    lane.put([point(100)], nothing);
    lane.claimBefore(lane.next);
    for (const n of [1, 2, 3]) lane.put([point(n)], nothing);
    await site.outbox.flush();
    expect(valuesOf(lane)).toEqual([100, 3]);
    lane.settle(0);
    for (const n of [4, 5]) lane.put([point(n)], nothing);
    await site.outbox.flush();
    expect(valuesOf(lane)).toEqual([5]);
    // Nothing is on its way any more.
    lane.claimBefore(lane.next);
    lane.put([point(4)], nothing);
    await site.outbox.flush();
    expect(valuesOf(lane)).toEqual([5, 4]);
    lane.claimBefore(0);
    expect(valuesOf(lane)).toEqual([5]);
  });

  it('nothing is dropped for a point that was delivered before it came', async () => {
    const { site, lane } = await open();
    lane.put([point(100)], nothing);
    await site.outbox.flush();
    lane.settle(0);
    lane.put([point(1)], nothing);
    await site.outbox.flush();
    expect(valuesOf(lane)).toEqual([1]);
  });

  it('an older one is dropped when the newer is delivered, on disk or not', async () => {
    const { lane } = await open();
    lane.put([point(1), point(2)], nothing);
    lane.settle(1);
    expect(valuesOf(lane)).toEqual([]);
  });

  it('points that are found on disk are dropped in the same way', async () => {
    const site = await new Site().open();
    site.outbox.lane('a').put([point(1), point(2), point(3, 'flow'), point(4)], nothing);
    await site.outbox.close();
    await site.open();
    const lane = site.outbox.lane('a', { backlog: 'latest', onSuperseded: nothing });
    expect(valuesOf(lane)).toEqual([3, 4]);
  });
});
