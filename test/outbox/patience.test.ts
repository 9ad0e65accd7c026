import { expect, it } from 'vitest';
import { Patience } from '../../src/outbox/patience.js';

/** How long it is lost after a wait in vain then, ms. */
function lostFor(patience: Patience, fromMs: number): number {
  patience.inVain(fromMs);
  let ms = 0;
  while (patience.isLost(fromMs + ms)) ms += 1;
  return ms;
}

it('patience is lost for longer with each wait in vain, until one pays off', () => {
  const patience = new Patience();
  expect(patience.isLost(0)).toBe(false);
  expect([0, 1, 2, 3, 4, 5].map((n) => lostFor(patience, n * 10_000))).toEqual([
    250, 500, 1_000, 2_000, 4_000, 4_000,
  ]);
  patience.paidOff();
  expect(lostFor(patience, 100_000)).toBe(250);
});
