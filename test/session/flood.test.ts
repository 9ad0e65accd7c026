/** docs/contract.md, "On every opening": settings that change faster than the device takes them. */
import { describe, expect, it } from 'vitest';
import { SessionHarness, ackNothing, shown } from '../support/session-harness.js';
import { SLOWNESS } from '../support/slowness.js';

describe('10,000 changes a second on five points', () => {
  const TYPES = ['a', 'b', 'c', 'd', 'e'];

  it('are sent in fair turns, the latest only; at the end each is in force', () => {
    const harness = SessionHarness.talking({ acks: () => 20 });
    harness.advance(1_000);
    harness.take();
    let most = 0;
    let value = 0;
    for (let ms = 0; ms < 2_000; ms += 1) {
      for (let n = 0; n < 10; n += 1) {
        // One of them changes ten times as often as the others.
        const type = n < 5 ? 'a' : TYPES[(ms + n) % 5]!;
        value += 1;
        harness.session.settings.set(
          harness.settingPoint(type, value, { time: harness.clock.wallNs() + BigInt(n) }),
        );
      }
      harness.advance(1);
      most = Math.max(most, harness.session.downlink.pendingCount);
    }
    expect(most).toBeLessThanOrEqual(5);
    const sent = harness.take().filter(({ subject }) => subject !== 'ack');
    const turns = TYPES.map((type) => sent.filter(({ point }) => point?.type === type).length);
    expect(Math.max(...turns) - Math.min(...turns)).toBeLessThanOrEqual(1);
    expect(sent.length).toBeGreaterThan(80);
    harness.advance(1_000);
    expect(harness.session.downlink.pendingCount).toBe(0);
    const last = new Map(
      [...sent, ...harness.take()].map((one) => [one.point?.type, shown(one)] as const),
    );
    for (const setting of harness.session.state.settings.all()) {
      expect(setting.state).toBe('inForce');
      const { type, value: set } = setting.point;
      expect(last.get(type)).toBe(`${type}=${set.kind === 'float' ? String(set.number) : ''}`);
    }
  });

  it('make five settings to be saved, not 10,000', () => {
    const harness = SessionHarness.talking({ acks: ackNothing });
    harness.session.state.settings.takeChanged();
    for (let value = 0; value < 10_000; value += 1) {
      harness.session.settings.set(
        harness.settingPoint(TYPES[value % 5]!, value, {
          time: harness.clock.wallNs() + BigInt(value),
        }),
      );
    }
    expect(harness.session.state.settings.takeChanged()).toHaveLength(5);
  });

  it('cost no more with 5,000 other settings waiting', () => {
    const many = SessionHarness.talking({ acks: ackNothing });
    many.acks = ackNothing;
    for (let n = 0; n < 4_990; n += 1) {
      many.session.settings.set(many.settingPoint('t', n, { key: String(n) }));
    }
    expect(many.session.downlink.pendingCount).toBe(4_990);
    const began = performance.now();
    for (let value = 0; value < 20_000; value += 1) {
      many.session.settings.set(
        many.settingPoint('t', value, {
          key: String(value % 4_000),
          time: many.clock.wallNs() + BigInt(value + 1),
        }),
      );
    }
    // 4,990 looked at for each would be 100 million.
    expect(performance.now() - began).toBeLessThan(2_000 * SLOWNESS);
    expect(many.session.downlink.pendingCount).toBe(4_990);
  });
});
