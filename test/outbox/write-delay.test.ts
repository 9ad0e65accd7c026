import { expect, it } from 'vitest';
import { WriteDelay } from '../../src/outbox/write-delay.js';

/** How long points are written at once after a useless delay, ms. */
function pauseAfterFailure(delay: WriteDelay, fromMs: number): number {
  delay.failed(fromMs);
  let ms = 0;
  while (delay.isOff(fromMs + ms)) ms += 1;
  return ms;
}

it('after each useless delay it writes without a delay for longer, until a delay is useful', () => {
  const delay = new WriteDelay();
  expect(delay.isOff(0)).toBe(false);
  expect([0, 1, 2, 3, 4, 5].map((n) => pauseAfterFailure(delay, n * 10_000))).toEqual([
    250, 500, 1_000, 2_000, 4_000, 4_000,
  ]);
  delay.succeeded();
  expect(pauseAfterFailure(delay, 100_000)).toBe(250);
});
