import { describe, expect, it } from 'vitest';
import { Saver } from '../../../src/gateway/state/saver.js';
import { FakeClock } from '../../support/fake-clock.js';

/** Saves take `tookMs`. */
function rig(tookMs = 1) {
  const clock = new FakeClock();
  const at: number[] = [];
  const saver = new Saver(
    clock,
    () =>
      new Promise((resolve) => {
        at.push(clock.monotonicMs());
        clock.setTimer(tookMs, () => resolve(true));
      }),
  );
  return { clock, at, saver };
}

describe('saving', () => {
  it('with promptly() begins after 10 ms: a setting and its acknowledgement are saved once', () => {
    const { clock, at, saver } = rig();
    saver.soon();
    clock.advance(5);
    saver.promptly();
    clock.advance(9);
    saver.promptly();
    expect(at).toEqual([]);
    clock.advance(1_000);
    expect(at).toEqual([15]);
  });

  it('of one setting now and then is as prompt as of the first', async () => {
    const { clock, at, saver } = rig();
    for (let n = 0; n < 10; n += 1) {
      saver.promptly();
      await clock.advanceAsync(100);
    }
    expect(at).toEqual([10, 110, 210, 310, 410, 510, 610, 710, 810, 910]);
  });

  it('with soon() collects changes for 200 ms', () => {
    const { clock, at, saver } = rig();
    for (let n = 0; n < 100; n += 1) {
      saver.soon();
      clock.advance(1);
    }
    clock.advance(1_000);
    expect(at).toEqual([200]);
  });

  it('happens every 30 s while it runs', () => {
    const { clock, at, saver } = rig();
    saver.start();
    clock.advance(90_000);
    expect(at).toEqual([30_000, 60_000, 90_000]);
    saver.stop();
    saver.end();
    saver.promptly();
    saver.soon();
    expect(clock.pendingTimers).toBe(1);
  });

  it('happens more and more seldom in a flood, down to once a second, the last change included', async () => {
    const { clock, at, saver } = rig();
    for (let n = 0; n < 10_000; n += 1) {
      saver.promptly();
      await clock.advanceAsync(0.5);
    }
    const last = clock.monotonicMs();
    await clock.advanceAsync(1_000);
    const apart = at.map((ms, i) => Math.round(ms - (at[i - 1] ?? 0)));
    expect(apart).toEqual([10, 20, 40, 80, 160, 320, 640, 1_000, 1_000, 1_000, 1_000]);
    expect(at.at(-1)).toBeGreaterThanOrEqual(last);
    // After a pause it is prompt again.
    await clock.advanceAsync(1_000);
    saver.promptly();
    await clock.advanceAsync(10);
    saver.promptly();
    await clock.advanceAsync(20);
    expect(at.slice(-2).map((ms) => Math.round(ms - last))).toEqual([2_010, 2_030]);
  });

  it('keeps a slow disk busy for a fifth of the time', async () => {
    const { clock, at, saver } = rig(100);
    for (let n = 0; n < 5_000; n += 1) {
      saver.promptly();
      await clock.advanceAsync(1);
    }
    expect(at.length).toBeGreaterThanOrEqual(7);
    expect(at.length).toBeLessThanOrEqual(11);
  });

  it('that a caller waits for starts without a delay', async () => {
    const { clock, at, saver } = rig();
    saver.promptly();
    await clock.advanceAsync(12);
    const saved = saver.now();
    await clock.advanceAsync(1);
    await saved;
    expect(at).toEqual([10, 12]);
  });
});
