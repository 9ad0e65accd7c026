import { describe, expect, it } from 'vitest';
import { FAKE_START_NS, FakeClock } from './fake-clock.js';

describe('FakeClock', () => {
  it('stands still until it is moved', () => {
    const clock = new FakeClock();
    expect(clock.monotonicMs()).toBe(0);
    expect(clock.wallNs()).toBe(FAKE_START_NS);
    clock.advance(1.5);
    expect(clock.monotonicMs()).toBe(1.5);
    expect(clock.wallNs()).toBe(FAKE_START_NS + 1_500_000n);
  });

  it('runs timers in order of time, then of setting, and those set on the way', () => {
    const clock = new FakeClock();
    const ran: string[] = [];
    const mark = (name: string) => () => void ran.push(`${name}@${String(clock.monotonicMs())}`);
    clock.setTimer(20, mark('b'));
    clock.setTimer(10, () => {
      mark('a')();
      clock.setTimer(0, mark('a0'));
      clock.setTimer(10, mark('a10'));
      clock.setTimer(100, mark('later'));
    });
    clock.setTimer(20, mark('c')).cancel();
    clock.advance(30);
    expect(ran).toEqual(['a@10', 'a0@10', 'b@20', 'a10@20']);
    expect(clock.monotonicMs()).toBe(30);
    expect(clock.pendingTimers).toBe(1);
    expect(clock.nextTimerMs).toBe(80);
  });

  it('steps only the wall clock', () => {
    const clock = new FakeClock();
    let fired = false;
    clock.setTimer(1000, () => (fired = true));
    clock.stepWall(-5000);
    expect(clock.wallNs()).toBe(FAKE_START_NS - 5_000_000_000n);
    expect(clock.monotonicMs()).toBe(0);
    expect(fired).toBe(false);
  });

  it('does not lose nanoseconds to fractions', () => {
    const clock = new FakeClock(0n);
    for (let i = 0; i < 3000; i += 1) clock.advance(1 / 3);
    expect(Number(clock.wallNs() - 1_000_000_000n)).toBeCloseTo(0, -1);
  });

  it('lets promises run between timers', async () => {
    const clock = new FakeClock();
    const ran: number[] = [];
    const sleep = (ms: number) => new Promise<void>((resolve) => clock.setTimer(ms, resolve));
    const loop = (async () => {
      for (let i = 0; i < 3; i += 1) {
        await sleep(10);
        ran.push(clock.monotonicMs());
      }
    })();
    await clock.advanceAsync(30);
    await loop;
    expect(ran).toEqual([10, 20, 30]);
  });
});
