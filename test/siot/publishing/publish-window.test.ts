import { describe, expect, it } from 'vitest';
import { PublishWindow } from '../../../src/siot/publishing/publish-window.js';
import { FakeClock } from '../../support/fake-clock.js';

/** A line of that speed: what is published waits its turn, and is answered. */
function transfer(bytesPerS: number, latencyMs: number, forMs: number): number {
  const clock = new FakeClock();
  const window = new PublishWindow(clock);
  const onTheWay: { bytes: number; sentMs: number; dueMs: number }[] = [];
  let freeMs = 0;
  let most = 0;
  while (clock.monotonicMs() < forMs) {
    clock.advance(10);
    const nowMs = clock.monotonicMs();
    while ((onTheWay[0]?.dueMs ?? Number.POSITIVE_INFINITY) <= nowMs) {
      const first = onTheWay.shift();
      if (first !== undefined) window.answered(first.bytes, nowMs - first.sentMs);
    }
    while (window.open) {
      freeMs = Math.max(freeMs, nowMs) + (150 / bytesPerS) * 1_000;
      onTheWay.push({ bytes: 150, sentMs: nowMs, dueMs: freeMs + latencyMs });
      window.sent(150);
    }
    if (nowMs > forMs / 2) most = Math.max(most, freeMs - nowMs);
  }
  return most;
}

describe('the window', () => {
  it.each([500, 2_000, 20_000, 200_000])(
    'allows no more than 5 s of data on a line of %i B/s',
    (speed) => {
      expect(transfer(speed, 250, 300_000)).toBeLessThan(speed < 1_000 ? 8_000 : 5_000);
    },
  );

  it('allows 2 MB on a fast line, and never more, also when nothing is answered', () => {
    const clock = new FakeClock();
    const window = new PublishWindow(clock);
    const fill = (): number => {
      let bytes = 0;
      for (; window.open; bytes += 1_000) window.sent(1_000);
      return bytes;
    };
    let before = 0;
    for (let n = 0; n < 10; n++) {
      const bytes = fill();
      expect(bytes).toBeGreaterThanOrEqual(before);
      before = bytes;
      for (let left = bytes; left > 0; left -= 1_000) window.answered(1_000, 1);
    }
    expect(before).toBeGreaterThanOrEqual(2_097_152);
    expect(before).toBeLessThan(2_200_000);
    fill();
    expect(fill()).toBe(0);
  });

  it('gives a slow store time for its answers, and less again when it is fast', () => {
    const window = new PublishWindow(new FakeClock());
    expect(window.answerTimeoutMs).toBe(5_000);
    window.late(10_000);
    expect(window.answerTimeoutMs).toBe(20_000);
    window.late(900_000);
    expect(window.answerTimeoutMs).toBe(60_000);
    for (let n = 0; n < 500; n++) window.late(1);
    expect(window.answerTimeoutMs).toBeLessThan(5_100);
  });

  it('is reduced once for all that was on its way, however many answers come late', () => {
    const clock = new FakeClock();
    const window = new PublishWindow(clock);
    const fill = (): number => {
      let count = 0;
      for (; window.open; count++) window.sent(1_000);
      return count;
    };
    const sent = fill();
    clock.advance(3_000);
    for (let n = 0; n < sent; n++) window.answered(1_000, 3_000);
    const again = fill();
    expect(again).toBeGreaterThanOrEqual(Math.floor(sent / 2));
    expect(again).toBeLessThan(sent);
  });
});
