import { describe, expect, it } from 'vitest';
import { SettingRateLimiter } from '../../../src/gateway/link/setting-rate-limiter.js';
import {
  floatValue,
  makePoint,
  numberOf,
  stringValue,
  type Point,
} from '../../../src/point/point.js';
import {
  SETTING_BYTES,
  SettingQuota,
  type SettingRefusal,
} from '../../../src/session/node/setting-quota.js';
import { FakeClock } from '../../support/fake-clock.js';

function rig(mostNew = 5_000, known: readonly string[] = [], bytes = SETTING_BYTES) {
  const clock = new FakeClock();
  const routed: Point[] = [];
  const counts = { delayed: 0, refused: 0 };
  const refused: [type: string, cause: SettingRefusal][] = [];
  const room = new SettingQuota(undefined, bytes);
  let missed = 0;
  const limiter = new SettingRateLimiter({
    router: {
      live: (points) => void routed.push(...points),
      isKnown: (type) => known.includes(type),
    },
    session: {
      refuse: ({ type }, cause) => {
        counts.refused += 1;
        refused.push([type, cause]);
      },
    },
    counters: { notice: () => void (counts.delayed += 1) },
    quota: room,
    node: { readAgain: () => void (missed += 1) },
    clock,
    mostNew,
  });
  const admit = (point: Point): void => void routed.push(...limiter.admit([point]));
  const hear = (type: string, number: number, time = clock.wallNs() + BigInt(number)): void =>
    admit(makePoint({ type, value: floatValue(number), time, origin: 'user-1' }));
  const hearText = (type: string, text: string): void => {
    clock.advance(1);
    const value = stringValue(text);
    admit(makePoint({ type, value, time: clock.wallNs(), origin: 'user-1' }));
  };
  return {
    clock,
    routed,
    counts,
    refused,
    missed: () => missed,
    room,
    limiter,
    admit,
    hear,
    hearText,
  };
}

describe('what others set', () => {
  it('is routed at once as long as it is not too much', () => {
    const { clock, routed, counts, hear } = rig();
    for (let n = 0; n < 500; n++) hear(`t${n}`, n);
    expect(routed).toHaveLength(500);
    clock.advance(5_000);
    for (let n = 0; n < 500; n++) hear(`t${n}`, n);
    expect(routed).toHaveLength(1_000);
    expect(counts).toEqual({ delayed: 0, refused: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('10,000 times a second is routed 2,000 times a second, and last comes the newest', () => {
    const { clock, routed, counts, hear } = rig();
    for (let ms = 0; ms < 3_000; ms++) {
      for (let n = 0; n < 10; n++) hear('limit', ms * 10 + n);
      clock.advance(1);
    }
    expect(routed.length).toBeGreaterThan(500);
    expect(routed.length).toBeLessThan(500 + 3 * 2_000 + 10);
    clock.advance(1_000);
    expect(numberOf(routed.at(-1)!.value)).toBe(29_999);
    expect(counts.delayed).toBeGreaterThan(20_000);
    expect(clock.pendingTimers).toBe(0);
  });

  it('goes on as fast as the device acknowledges, if the points are known', () => {
    const { clock, routed, counts, limiter, hear } = rig(5_000, ['limit']);
    let acknowledged = 0;
    for (let ms = 0; ms < 1_000; ms++) {
      for (let n = 0; n < 8; n++) hear('limit', ms * 8 + n);
      for (; acknowledged < routed.length; acknowledged++) limiter.acknowledged();
      clock.advance(1);
    }
    expect(routed).toHaveLength(8_000);
    expect(counts.delayed).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('faster than the device acknowledges waits for acknowledgements, and each takes the newest', () => {
    const { clock, routed, limiter, hear } = rig(5_000, ['a', 'b']);
    for (let n = 0; n < 500; n++) hear('a', n);
    hear('a', 500);
    hear('b', 501);
    hear('a', 502);
    expect(routed).toHaveLength(500);
    limiter.acknowledged();
    expect(routed.slice(500).map(({ value }) => numberOf(value))).toEqual([502]);
    limiter.acknowledged();
    expect(routed.slice(501).map(({ type }) => type)).toEqual(['b']);
    limiter.acknowledged();
    hear('b', 503);
    expect(routed).toHaveLength(503);
    // A device that is silent gets what it got before: 2,000 a second.
    hear('a', 504);
    clock.advance(5);
    expect(routed.slice(503).map(({ value }) => numberOf(value))).toEqual([504]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is routed 2,000 times a second more than the device acknowledges, at the most', () => {
    const { clock, routed, limiter, hear } = rig(5_000, ['limit']);
    for (let ms = 0; ms < 3_000; ms++) {
      for (let n = 0; n < 20; n++) hear('limit', ms * 20 + n);
      limiter.acknowledged();
      clock.advance(1);
    }
    expect(routed.length).toBeGreaterThan(3 * 3_000);
    expect(routed.length).toBeLessThan(500 + 3 * 3_000 + 20);
    clock.advance(1_000);
    expect(numberOf(routed.at(-1)!.value)).toBe(59_999);
  });

  it('of new points is routed no faster for acknowledgements', () => {
    const { clock, routed, limiter, hear } = rig();
    for (let n = 0; n < 1_000; n++) {
      hear(`t${n}`, n);
      limiter.acknowledged();
    }
    expect(routed).toHaveLength(500);
    clock.advance(100);
    expect(routed.length).toBeLessThanOrEqual(700);
  });

  it('stays in order where a point becomes known while it waits', () => {
    const known: string[] = [];
    const { clock, routed, limiter, hear } = rig(5_000, known);
    for (let n = 0; n < 500; n++) hear(`t${n}`, n);
    const t = clock.wallNs();
    hear('limit', 1, t);
    known.push('limit');
    hear('limit', 2, t);
    limiter.acknowledged();
    expect(routed).toHaveLength(500);
    clock.advance(5);
    expect(routed.slice(500).map(({ value }) => numberOf(value))).toEqual([1, 2]);
  });

  it('takes turns: a point that is set without end keeps no other waiting, and does not wait for others', () => {
    const { clock, routed, hear } = rig(5_000, ['busy', 'a', 'b']);
    for (let n = 0; n < 500; n++) hear('busy', n);
    hear('busy', 500);
    for (let n = 0; n < 9; n++) hear(n % 2 === 0 ? 'a' : 'b', n);
    hear('busy', 501);
    clock.advance(5);
    expect(routed.slice(500).map(({ type }) => type)).toEqual(['busy', 'a', 'b']);
  });

  it('loses no point: of each, the newest by its time is kept', () => {
    const { clock, routed, counts, hear } = rig();
    for (let n = 0; n < 3_000; n++) hear(`t${n}`, n);
    hear('t2999', 7, 1n);
    clock.advance(20_000);
    expect(new Set(routed.map(({ type }) => type)).size).toBe(3_000);
    expect(numberOf(routed.find(({ type }) => type === 't2999')!.value)).toBe(2_999);
    expect(counts.refused).toBe(0);
  });

  it('loses nothing where times cannot order the points: far ones, and equal ones', () => {
    const { clock, routed, hear } = rig();
    const far = 2n ** 63n - 1n;
    for (let n = 0; n < 500; n++) hear(`t${n}`, n);
    const t = clock.wallNs();
    for (const [number, time] of [
      [1, far],
      [2, t],
      [3, t],
      [4, t - 1n],
      [5, t],
      [6, far - 1n],
      [7, far],
      [7, far],
    ] as const) {
      hear('limit', number, time);
    }
    hear('again', 1, t);
    hear('again', 1, t);
    clock.advance(1_000);
    const of = (type: string): number[] =>
      routed.filter((point) => point.type === type).map(({ value }) => numberOf(value));
    // Of each kind the first of the latest time, and the last.
    expect(of('limit')).toEqual([1, 2, 5, 7]);
    expect(of('again')).toEqual([1]);
  });

  it('keeps a bounded number of points when somebody invents them', () => {
    const { routed, counts, limiter, hear } = rig();
    for (let n = 0; n < 20_000; n++) hear(`t${n}`, n);
    expect(counts.refused).toBe(20_000 - 5_500);
    limiter.flush();
    expect(routed).toHaveLength(5_500);
  });

  it('has a place for each known point, whatever somebody invents', () => {
    const { routed, counts, limiter, hear } = rig(100, ['limit', 'disabled']);
    for (let n = 0; n < 1_000; n++) hear(`t${n}`, n);
    // It does not wait for what somebody invents, either.
    for (let n = 0; n < 500; n++) hear('limit', n);
    expect(routed).toHaveLength(1_000);
    hear('limit', 500);
    hear('disabled', 1);
    expect(counts.refused).toBe(400);
    expect(limiter.size).toBe(102);
    expect([...limiter.waiting].map(({ type }) => type)).toContain('disabled');
    limiter.flush();
    const known = routed.slice(1_000).filter(({ type }) => !type.startsWith('t'));
    expect(known.map(({ type }) => type)).toEqual(['limit', 'disabled']);
  });

  it('is routed completely at the end', () => {
    const { clock, routed, limiter, hear } = rig();
    for (let n = 0; n < 700; n++) hear(`t${n}`, n);
    limiter.flush();
    expect(routed).toHaveLength(700);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is bounded in bytes of text, whatever the number of texts; what is refused unseen is read again', () => {
    const { clock, routed, refused, missed, room, limiter, admit, hear, hearText } = rig(
      5_000,
      [],
      10_000,
    );
    for (let n = 0; n < 500; n++) hear(`t${n}`, n);
    for (let n = 0; n < 20; n++) admit(text(clock, `text${n}`, 'x'.repeat(2_000)));
    expect(limiter.size).toBe(4);
    expect(room.bytes).toBeLessThanOrEqual(10_000);
    expect(refused).toHaveLength(16);
    expect(new Set(refused.map(([, cause]) => cause))).toEqual(new Set(['tooManySettingBytes']));
    // A newer one of a point takes the turn of the one before it, and ends it where there is no room.
    clock.advance(1);
    admit(text(clock, 'text0', 'y'.repeat(1_000)));
    admit(text(clock, 'text1', 'y'.repeat(9_000)));
    expect([...limiter.waiting].map(({ type }) => type)).not.toContain('text1');
    clock.advance(1_000);
    expect(routed.map(({ type }) => type).slice(500)).toEqual(['text0', 'text2', 'text3']);
    expect(room.bytes).toBe(0);
    expect(missed()).toBe(0);
    clock.advance(5_000);
    expect(missed()).toBe(1);
    hearText('text', 'z');
    clock.advance(20_000);
    expect(missed()).toBe(1);
  });

  it('is not read again when it was refused at the end of the link', () => {
    const { clock, missed, limiter, hear } = rig(10);
    for (let n = 0; n < 600; n++) hear(`t${n}`, n);
    limiter.flush();
    expect(clock.pendingTimers).toBe(0);
    expect(missed()).toBe(0);
  });
});

const text = (clock: FakeClock, type: string, value: string): Point =>
  makePoint({ type, value: stringValue(value), time: clock.wallNs(), origin: 'user-1' });
