import { expect, it } from 'vitest';
import { within } from '../../src/point/within.js';
import { FakeClock } from '../support/fake-clock.js';

it('is what the work resolves with, or rejects with, and leaves no timer', async () => {
  const clock = new FakeClock();
  expect(await within(100, clock, Promise.resolve(7))).toBe(7);
  await expect(within(100, clock, Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(clock.pendingTimers).toBe(0);
});

it('is late after the time, and not before', async () => {
  const clock = new FakeClock();
  const seen: unknown[] = [];
  const work = new Promise<void>(() => undefined);
  const limited = within(100, clock, work).then((result) => seen.push(result));
  clock.advance(99);
  await Promise.resolve();
  expect(seen).toEqual([]);
  clock.advance(1);
  await limited;
  expect(seen).toEqual(['late']);
});
