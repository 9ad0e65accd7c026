/** When points of the outbox on disk are safe: all on disk or delivered, some of them each. */
import { describe, expect, it } from 'vitest';
import { DiskOutbox } from '../../src/outbox/disk-outbox.js';
import type { OutboxLane } from '../../src/outbox/outbox.js';
import { SILENT_LOG } from '../../src/point/log.js';
import { floatValue, makePoint } from '../../src/point/point.js';
import { FakeClock } from '../support/fake-clock.js';
import { SimDisk } from './sim-disk.js';

class Bench {
  readonly clock = new FakeClock();
  readonly disk = new SimDisk();
  lane!: OutboxLane;
  safe = 0;

  async open(): Promise<this> {
    const { disk, clock } = this;
    const outbox = await DiskOutbox.open({
      folder: disk,
      maxBytes: 65_536,
      clock,
      log: SILENT_LOG,
      reasonOf: String,
    });
    this.lane = outbox.lane('node');
    return this;
  }

  /** Returns the position of the first. */
  put(count: number): number {
    const first = this.lane.next;
    const points = Array.from({ length: count }, (_, i) =>
      makePoint({ type: `t${String(i)}`, value: floatValue(i), time: 1n }),
    );
    this.lane.put(points, () => (this.safe += 1));
    return first;
  }

  /** `meanwhile`: between the first write of points and its sync. */
  async write(meanwhile: () => void = () => undefined): Promise<void> {
    let isDone = false;
    this.disk.onCall = () => {
      const written = this.disk.calls.slice(-2).join() === 'syncFolder,write';
      if (isDone || !written) return;
      isDone = true;
      meanwhile();
    };
    await this.clock.advanceAsync(20);
  }
}

describe('points of one packet, of which SIOT has taken only the last,', () => {
  it('are safe when the others are on disk', async () => {
    const bench = await new Bench().open();
    const first = bench.put(3);
    bench.lane.settle(first + 2);
    expect(bench.safe).toBe(0);
    await bench.write();
    expect(bench.disk.calls).toContain('sync');
    expect(bench.safe).toBe(1);
  });

  it('are safe also when that happens while they are written', async () => {
    const bench = await new Bench().open();
    const first = bench.put(3);
    await bench.write(() => bench.lane.settle(first + 2));
    expect(bench.safe).toBe(1);
  });

  it('are safe at once when the others are on disk already', async () => {
    const bench = await new Bench().open();
    // More than one write takes: the last is not in it.
    const count = 30_000;
    const points = Array.from({ length: count }, () =>
      makePoint({ type: 't', value: floatValue(1), time: 1n }),
    );
    expect(bench.lane.put(points, () => (bench.safe += 1))).toBe(true);
    const first = bench.lane.first;
    let syncs = 0;
    bench.disk.onCall = () => {
      if (bench.disk.calls.at(-1) !== 'sync' || ++syncs > 1) return;
      // What is on disk now is not settled; all that is not is.
      bench.disk.fails = (call) => (call === 'write' ? new Error('no room') : undefined);
    };
    await bench.clock.advanceAsync(20);
    expect(bench.safe).toBe(0);
    for (let at = first + count - 1; at >= first + 15_000; at--) bench.lane.settle(at);
    expect(bench.safe).toBe(0);
    for (let at = first + 14_999; at >= first + 10; at--) bench.lane.settle(at);
    expect(bench.safe).toBe(1);
  });
});
