import { expect, it } from 'vitest';
import { WriteDelay } from '../../src/outbox/write-delay.js';

/** How long points are written at once after a useless delay, ms. */
function pauseAfterFailure(delay: WriteDelay, fromMs: number): number {
  delay.failed(fromMs);
  let ms = 0;
  while (delay.isOff(fromMs + ms)) ms += 1;
  return ms;
}

it('after one useless delay it tries once more; after each further one it writes without a delay for longer, until a delay is useful', () => {
  const delay = new WriteDelay();
  expect(delay.isOff(0)).toBe(false);
  expect(pauseAfterFailure(delay, 0)).toBe(0);
  expect([0, 1, 2, 3, 4, 5].map((n) => pauseAfterFailure(delay, n * 10_000))).toEqual([
    250, 500, 1_000, 2_000, 4_000, 4_000,
  ]);
  delay.succeeded();
  expect(pauseAfterFailure(delay, 99_000)).toBe(0);
  expect(pauseAfterFailure(delay, 100_000)).toBe(250);
});
