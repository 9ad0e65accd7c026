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
  it('with atOnce() begins immediately', () => {
    const { clock, at, saver } = rig();
    saver.soon();
    clock.advance(5);
    saver.atOnce();
    expect(at).toEqual([5]);
    clock.advance(1_000);
    expect(at).toEqual([5]);
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
    saver.atOnce();
    saver.soon();
    expect(clock.pendingTimers).toBe(1);
  });

  it('happens 50 times a second at most in a flood, the last change included', async () => {
    const { clock, at, saver } = rig();
    for (let n = 0; n < 10_000; n += 1) {
      saver.atOnce();
      await clock.advanceAsync(0.1);
    }
    const last = clock.monotonicMs();
    await clock.advanceAsync(1_000);
    expect(at.length).toBeGreaterThan(40);
    expect(at.length).toBeLessThanOrEqual(52);
    expect(at.at(-1)).toBeGreaterThanOrEqual(last - 20);
    expect(at.at(-1)! - last).toBeLessThanOrEqual(20);
  });

  it('keeps a slow disk busy for a fifth of the time', async () => {
    const { clock, at, saver } = rig(100);
    for (let n = 0; n < 5_000; n += 1) {
      saver.atOnce();
      await clock.advanceAsync(1);
    }
    expect(at.length).toBeGreaterThanOrEqual(9);
    expect(at.length).toBeLessThanOrEqual(11);
  });

  it('that a caller waits for starts without a delay', async () => {
    const { clock, at, saver } = rig();
    saver.atOnce();
    await clock.advanceAsync(2);
    const saved = saver.now();
    await clock.advanceAsync(1);
    await saved;
    expect(at).toEqual([0, 2]);
  });
});
