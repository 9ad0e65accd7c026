/** docs/contract.md, 'Towards the device', "Sending": waits that follow the device's own pace. */
import { describe, expect, it } from 'vitest';
import { RetransmitTimer } from '../../../src/session/sending/retransmit-timer.js';
import { SessionHarness, ackNothing, shown, type Sent } from '../../support/session-harness.js';

/** A device that answers so late, several times over, so that its pace is known. */
function known(roundTripMs: number, options = {}): SessionHarness {
  const harness = SessionHarness.talking({ acks: () => roundTripMs, ...options });
  for (let i = 0; i < 20; i += 1) {
    harness.set('warm', i);
    harness.advance(roundTripMs + 1);
  }
  harness.advance(5_000);
  harness.take();
  return harness;
}

const times = (sent: readonly Sent[], type = 'target'): number[] => {
  const at = sent.filter(({ point }) => point?.type === type).map(({ atMs }) => atMs);
  return at.map((ms) => Math.round(ms - at[0]!));
};

/** When the packet is transmitted, and when it is given up, from its first transmission on. */
function transmissions(harness: SessionHarness, type = 'target'): number[] {
  harness.acks = ackNothing;
  const setting = harness.set(type, 5);
  const from = harness.clock.monotonicMs();
  let endMs = 0;
  for (let ms = 1; ms <= 20_000 && endMs === 0; ms += 1) {
    harness.advance(1);
    if (!harness.session.downlink.reason(setting).startsWith('sent')) {
      endMs = harness.clock.monotonicMs() - from;
    }
  }
  return [...times(harness.take(), type), endMs];
}

describe('the estimate of the round trip', () => {
  const pace = (...measured: number[]): number => {
    const one = new RetransmitTimer(1_000);
    for (const ms of measured) one.measured(ms);
    return one.timeoutMs;
  };

  it('is ackTimeoutMs while nothing is known', () => expect(pace()).toBe(1_000));

  it('is the round trip and four times its deviation, as in RFC 6298', () => {
    expect(pace(200)).toBe(200 + 4 * 100);
    // deviation (3 × 100 + 0) / 4, round trip 200
    expect(pace(200, 200)).toBe(200 + 4 * 75);
    // deviation (3 × 75 + 80) / 4, round trip 200 + 80 / 8
    expect(pace(200, 200, 280)).toBe(210 + 4 * 76.25);
  });

  it('is between 100 ms and ackTimeoutMs', () => {
    expect(pace(...Array<number>(50).fill(1))).toBe(100);
    expect(pace(900)).toBe(1_000);
    expect(pace(60_000)).toBe(1_000);
    const quick = new RetransmitTimer(20);
    quick.measured(1);
    expect(quick.timeoutMs).toBe(20);
  });

  it('leaves room for a clock in steps of 10 ms', () => {
    expect(pace(...Array<number>(200).fill(300))).toBeCloseTo(310);
  });
});

describe('retransmissions', () => {
  it.each([5, 40, 150, 400])(
    'of a device that answers in %d ms: early ones double, the last are as late as with fixed waits',
    (roundTripMs) => {
      const [first = 0, second = 0, third = 0, fourth = 0, end = 0] = transmissions(
        known(roundTripMs),
      );
      expect(first).toBe(0);
      expect(second).toBeGreaterThanOrEqual(Math.max(100, roundTripMs));
      expect(second).toBeLessThan(roundTripMs + 120);
      expect(third - second).toBeCloseTo(2 * second, -1);
      // A device that is deaf for 2 s hears the last one.
      expect(fourth).toBe(3_000);
      expect(end).toBe(4_000);
    },
  );

  it.each([
    [1_000, 3],
    [200, 3],
    [200, 1],
    [5_000, 2],
    [1_000, 0],
  ])(
    'ackTimeoutMs %d, %d retries: the last are never earlier than with fixed waits',
    (ackTimeoutMs, retries) => {
      const at = transmissions(known(5, { ackTimeoutMs, retries }));
      expect(at).toHaveLength(retries + 2);
      const end = at.at(-1)!;
      const last = at.at(-2)!;
      expect(end - last).toBe(ackTimeoutMs);
      expect(last).toBeGreaterThanOrEqual(ackTimeoutMs * retries);
      expect(end).toBeGreaterThanOrEqual(ackTimeoutMs * (1 + retries));
    },
  );

  it('of commands are not sped up: firmware may execute each of them', () => {
    const harness = known(5, { commands: ['dispense'] });
    expect(transmissions(harness, 'dispense')).toEqual([0, 1_000, 2_000, 3_000, 4_000]);
  });

  it('replace a lost packet sooner than ackTimeoutMs', () => {
    const harness = known(5);
    let lost = 1;
    harness.acks = () => (lost-- > 0 ? undefined : 5);
    const setting = harness.set('target', 5);
    harness.advance(150);
    expect(setting.state).toBe('inForce');
  });

  it('start with fixed waits on each opening: another device may be attached', () => {
    const harness = known(5);
    harness.close();
    harness.acks = ackNothing;
    harness.open();
    harness.advance(4_000);
    expect(times(harness.take(), 'timeSync')).toEqual([0, 1_000, 2_000, 3_000]);
  });
});

describe('a device that becomes slow', () => {
  it('does not get everything twice for ever: doubled waits stay until a round trip is measured', () => {
    const harness = known(5);
    harness.acks = () => 700;
    const counts: number[] = [];
    for (let i = 0; i < 10; i += 1) {
      const before = harness.count('retransmission');
      harness.set('target', i);
      harness.advance(2_000);
      counts.push(harness.count('retransmission') - before);
    }
    expect(counts[0]).toBe(2);
    expect(counts.slice(3)).toEqual(Array(7).fill(0));
  });

  it('an ack of a packet sent twice gives no measurement', () => {
    const harness = known(5);
    let lost = 3;
    harness.acks = () => (lost-- > 0 ? undefined : 5);
    harness.set('target', 1);
    harness.advance(4_000);
    expect(times(harness.take())).toEqual([0, 100, 300, 3_000]);
    // One that is answered at once, and the device is known to be as quick as ever.
    harness.set('target', 2);
    harness.advance(4_000);
    harness.take();
    lost = 1;
    harness.set('target', 3);
    harness.advance(4_000);
    expect(times(harness.take())).toEqual([0, 100]);
  });

  it('an ack of any transmission counts, and a late one for its own packet', () => {
    const harness = known(5);
    harness.acks = ackNothing;
    const first = harness.set('target', 1);
    harness.advance(150);
    const [sent] = harness.take();
    const newer = harness.set('target', 2);
    harness.ack(sent!.sequence);
    expect(first.state).toBe('superseded');
    expect(newer.state).toBe('pending');
    const [second, ...more] = harness.take();
    expect([shown(second!), more]).toEqual(['target=2', []]);
    // Not acknowledged while the device talks: set aside; its ack comes after all.
    for (let i = 0; i < 10; i += 1) {
      harness.advance(500);
      harness.points([{ type: 'temp', value: i }]);
    }
    expect(harness.session.downlink.reason(newer)).toMatch(/not acknowledged while/);
    harness.ack(second!.sequence);
    expect(newer.state).toBe('inForce');
  });

  it('an ack with a wrong sequence confirms nothing, and a second one neither', () => {
    const harness = known(5);
    harness.acks = ackNothing;
    const setting = harness.set('target', 1);
    const [sent] = harness.take();
    for (const wrong of [0, 255, sent!.sequence + 1, sent!.sequence - 1]) harness.ack(wrong);
    expect(setting.state).toBe('pending');
    harness.ack(sent!.sequence);
    const other = harness.set('other', 1);
    harness.ack(sent!.sequence);
    expect(setting.state).toBe('inForce');
    expect(other.state).toBe('pending');
  });
});

describe('a device that erases its flash for 2 s', () => {
  /** Deaf and mute for 2 s out of each 7; what comes meanwhile is lost, or answered afterwards. */
  function erasing(phaseMs: number, buffered: boolean): SessionHarness {
    const harness = known(5);
    const deafFor = (atMs: number): number => 2_000 - ((atMs + phaseMs) % 7_000);
    harness.acks = ({ atMs }) => {
      const deafMs = deafFor(atMs);
      if (deafMs <= 0) return 5;
      return buffered ? deafMs + 5 : undefined;
    };
    for (let i = 0; i < 120; i += 1) {
      harness.set(`t${String(i % 3)}`, i);
      harness.advance(517);
      if (deafFor(harness.clock.monotonicMs()) <= 0) harness.points([{ type: 'temp', value: i }]);
    }
    harness.advance(10_000);
    return harness;
  }
  const phases = Array.from({ length: 14 }, (_, i) => i * 500);

  it.each([
    ['loses what comes meanwhile', false],
    ['answers it afterwards', true],
  ])('and %s: stays connected, gets everything, no resync', (_, buffered) => {
    for (const phaseMs of phases) {
      const harness = erasing(phaseMs, buffered);
      expect(harness.connected).toEqual([true]);
      expect(harness.count('restart')).toBe(0);
      expect(harness.log.filter(({ message }) => message.includes('set aside'))).toEqual([]);
      for (const setting of harness.session.state.settings.all())
        expect(setting.state).toBe('inForce');
      expect(harness.session.downlink.pendingCount).toBe(0);
    }
  });
});
