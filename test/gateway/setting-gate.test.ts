import { describe, expect, it } from 'vitest';
import { SettingGate } from '../../src/gateway/setting-gate.js';
import { floatValue, makePoint, numberOf, type Point } from '../../src/point/point.js';
import { FakeClock } from '../support/fake-clock.js';

function rig(mostNew = 5_000, known: readonly string[] = []) {
  const clock = new FakeClock();
  const judged: Point[] = [];
  const counts = { delayed: 0, refused: 0 };
  const gate = new SettingGate(
    clock,
    {
      judge: (points) => void judged.push(...points),
      isKnown: (type) => known.includes(type),
      delayed: () => void (counts.delayed += 1),
      refused: () => void (counts.refused += 1),
    },
    mostNew,
  );
  const hear = (type: string, number: number, time = clock.wallNs() + BigInt(number)): void =>
    gate.heard([makePoint({ type, value: floatValue(number), time, origin: 'user-1' })]);
  return { clock, judged, counts, gate, hear };
}

describe('what others set', () => {
  it('is judged at once as long as it is not too much', () => {
    const { clock, judged, counts, hear } = rig();
    for (let n = 0; n < 500; n++) hear(`t${n}`, n);
    expect(judged).toHaveLength(500);
    clock.advance(5_000);
    for (let n = 0; n < 500; n++) hear(`t${n}`, n);
    expect(judged).toHaveLength(1_000);
    expect(counts).toEqual({ delayed: 0, refused: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('10,000 times a second is judged 2,000 times a second, and last comes the newest', () => {
    const { clock, judged, counts, hear } = rig();
    for (let ms = 0; ms < 3_000; ms++) {
      for (let n = 0; n < 10; n++) hear('limit', ms * 10 + n);
      clock.advance(1);
    }
    expect(judged.length).toBeGreaterThan(500);
    expect(judged.length).toBeLessThan(500 + 3 * 2_000 + 10);
    clock.advance(1_000);
    expect(numberOf(judged.at(-1)!.value)).toBe(29_999);
    expect(counts.delayed).toBeGreaterThan(20_000);
    expect(clock.pendingTimers).toBe(0);
  });

  it('loses no point: of each the newest by its time', () => {
    const { clock, judged, counts, hear } = rig();
    for (let n = 0; n < 3_000; n++) hear(`t${n}`, n);
    hear('t2999', 7, 1n);
    clock.advance(20_000);
    expect(new Set(judged.map(({ type }) => type)).size).toBe(3_000);
    expect(numberOf(judged.find(({ type }) => type === 't2999')!.value)).toBe(2_999);
    expect(counts.refused).toBe(0);
  });

  it('keeps no more than it must of somebody who invents points', () => {
    const { judged, counts, gate, hear } = rig();
    for (let n = 0; n < 20_000; n++) hear(`t${n}`, n);
    expect(counts.refused).toBe(20_000 - 5_500);
    gate.flush();
    expect(judged).toHaveLength(5_500);
  });

  it('has a place for each point that is known, whatever somebody makes up', () => {
    const { judged, counts, gate, hear } = rig(100, ['limit', 'disabled']);
    for (let n = 0; n < 1_000; n++) hear(`t${n}`, n);
    hear('limit', 1);
    hear('disabled', 1);
    expect(counts.refused).toBe(400);
    expect(gate.size).toBe(102);
    expect([...gate.waiting].map(({ type }) => type)).toContain('disabled');
    gate.flush();
    expect(judged.slice(-2).map(({ type }) => type)).toEqual(['limit', 'disabled']);
  });

  it('is all judged at the end', () => {
    const { clock, judged, gate, hear } = rig();
    for (let n = 0; n < 700; n++) hear(`t${n}`, n);
    gate.flush();
    expect(judged).toHaveLength(700);
    expect(clock.pendingTimers).toBe(0);
  });
});
