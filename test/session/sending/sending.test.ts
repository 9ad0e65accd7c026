/** docs/contract.md, 'Towards the device', "Sending". */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_VALUE, stringValue } from '../../../src/point/point.js';
import {
  SessionHarness,
  ackAll,
  ackNothing,
  shown,
  type Sent,
} from '../../support/session-harness.js';

/** A device that has acknowledged until now. */
const deaf = (options: ConstructorParameters<typeof SessionHarness>[0] = {}): SessionHarness => {
  const harness = SessionHarness.talking(options);
  harness.acks = ackNothing;
  return harness;
};
const times = (sent: readonly Sent[], fromMs: number): number[] =>
  sent.map(({ atMs }) => atMs - fromMs);

describe('packets', () => {
  it('one unacknowledged packet at a time, one point in each', () => {
    const harness = deaf();
    for (const type of ['a', 'b', 'c']) harness.set(type, 1);
    for (const type of ['a', 'b', 'c']) {
      const sent = harness.take();
      expect(sent.map(({ points }) => points.map((point) => point.type))).toEqual([[type]]);
      harness.ack(sent[0]!.sequence);
    }
    expect(harness.take()).toEqual([]);
  });

  it('own time kept to the nanosecond, origin blank', () => {
    for (const device of ['protobuf', 'compact'] as const) {
      const harness = SessionHarness.talking({ device });
      const { point } = harness.set('target', 5, { time: harness.clock.wallNs() + 7n });
      expect(harness.take()[0]!.point).toMatchObject({ time: point.time, origin: '' });
      expect(point.origin).toBe('user-1');
    }
  });

  it('sequence 1…255, also over a restart of the gateway', () => {
    const harness = SessionHarness.talking();
    for (let i = 0; i < 300; i += 1) harness.set('target', i);
    const sequences = harness.take().map(({ sequence }) => sequence);
    expect(Math.min(...sequences)).toBe(1);
    expect(Math.max(...sequences)).toBe(255);
    sequences.forEach((sequence, i) => {
      if (i > 0) expect(sequence).toBe((sequences[i - 1]! % 255) + 1);
    });
    const second = harness.reborn();
    second.open();
    expect(second.take()[0]!.sequence).toBe((sequences.at(-1)! % 255) + 1);
  });

  it('at most maxFrameLength when encoded: a larger point stays pending with the reason, others go on', () => {
    const harness = SessionHarness.talking({ maxFrameLength: 100, commands: ['long'] });
    const long = harness.set('long', stringValue('x'.repeat(200)));
    harness.set('short', 1);
    expect(harness.takePoints()).toEqual(['short=1']);
    expect(long.state).toBe('pending');
    expect(harness.session.downlink.reason(long)).toMatch(/too large.*maxFrameLength is 100/);
    harness.close();
    harness.open();
    expect(long.state).toBe('pending');
    harness.set('long', stringValue('y'));
    expect(harness.takePoints()).toContain('long=y');
  });

  it('nothing is written while the device takes nothing', () => {
    const harness = SessionHarness.talking();
    harness.congested = true;
    harness.set('target', 5);
    harness.points([{ type: 'temp', value: 2 }]);
    expect(harness.take()).toEqual([]);
    harness.congested = false;
    harness.advance(1_000);
    expect(harness.takePoints()).toEqual(['target=5']);
  });

  it('this holds also for a silent device, and while its codec is being found out', () => {
    const silent = deaf();
    silent.set('target', 5);
    silent.advance(20_000);
    const unknown = new SessionHarness();
    unknown.congested = true;
    unknown.open();
    silent.take();
    silent.congested = true;
    for (const harness of [silent, unknown]) {
      harness.advance(300_000);
      expect(harness.take()).toEqual([]);
      harness.congested = false;
      harness.advance(60_000);
      expect(harness.take()).not.toEqual([]);
    }
  });
});

it('a codec that is probed while the other could not be is not taken for the only one acknowledged', () => {
  const harness = new SessionHarness({ acks: ackAll });
  harness.open();
  harness.congested = true;
  harness.clock.advance(5_001);
  harness.congested = false;
  harness.clock.advance(60_000);
  expect(harness.session.codecName).toBe('unknown');
  expect(harness.session.advice).toContain('acknowledges both codecs');
});

describe('retransmission', () => {
  it('unchanged, 3 retries', () => {
    const harness = deaf();
    harness.set('target', 5);
    harness.advance(10_000);
    const sent = harness.take().filter(({ point }) => point?.type === 'target');
    expect(sent).toHaveLength(4);
    expect(new Set(sent.map(({ frame }) => frame)).size).toBe(1);
    expect(harness.count('retransmission')).toBe(3);
  });

  it('each 1000 ms, which is ackTimeoutMs, to a device whose round trip is not known', () => {
    const harness = SessionHarness.opened();
    const from = harness.clock.monotonicMs();
    harness.advance(10_000);
    expect(times(harness.take(), from)).toEqual([0, 1_000, 2_000, 3_000]);
  });

  it('as configured', () => {
    const harness = deaf({ ackTimeoutMs: 200, retries: 1 });
    harness.set('target', 5);
    const from = harness.clock.monotonicMs();
    harness.advance(10_000);
    const sent = harness.take().filter(({ point }) => point?.type === 'target');
    expect(times(sent, from)).toEqual([0, 200]);
  });

  it.each([0, 1, 2, 3])('succeeds after %d lost packets or acks', (lost) => {
    const harness = deaf();
    let left = lost;
    harness.acks = () => (left-- > 0 ? undefined : 10);
    const setting = harness.set('target', 5);
    harness.advance(4_000);
    expect(setting.state).toBe('inForce');
    expect(harness.takePoints()).toHaveLength(lost + 1);
    expect(harness.connected).toEqual([true]);
  });

  it('a device whose acks take longer than the timeout gets its settings, and then nothing more', () => {
    const harness = new SessionHarness({ codec: 'compact', acks: () => 1_500 });
    harness.set('target', 5);
    harness.open();
    harness.advance(20_000);
    expect(harness.takePoints()).toContain('target=5');
    expect(harness.session.downlink.pendingCount).toBe(0);
    harness.points([{ type: 'temp', value: 1 }]);
    harness.advance(25_000);
    expect(harness.takePoints()).toEqual([]);
  });
});

describe('unanswered while something else was heard', () => {
  const refusing = (): SessionHarness => {
    const harness = deaf();
    harness.acks = (packet) => (packet.point?.type === 'bad' ? undefined : 0);
    return harness;
  };
  const chat = (harness: SessionHarness, ms: number): void => {
    for (let gone = 0; gone < ms; gone += 500) {
      harness.advance(500);
      harness.points([{ type: 'temp', value: gone }]);
    }
  };

  it('that point is set aside, others go on', () => {
    const harness = refusing();
    const bad = harness.set('bad', 1);
    harness.set('good', 1);
    chat(harness, 5_000);
    expect(harness.takePoints()).toEqual([...Array<string>(4).fill('bad=1'), 'good=1']);
    expect(bad.state).toBe('pending');
    const reason = harness.session.downlink.reason(bad);
    const progress = harness.session.downlink.progress(bad);
    expect(progress).toMatch(/^next try in \d+ s$/);
    harness.advance(2_000);
    expect(harness.session.downlink.progress(bad)).not.toBe(progress);
    expect(harness.session.downlink.reason(bad)).toBe(reason);
    expect(harness.connected).toEqual([true]);
  });

  it('one transmission a try, with pauses growing to 10 min', () => {
    const harness = refusing();
    harness.set('bad', 1);
    chat(harness, 5_000);
    harness.take();
    chat(harness, 2 * 3_600_000);
    const at = harness.take().flatMap((sent) => (shown(sent) === 'bad=1' ? [sent.atMs] : []));
    const pauses = at.slice(1).map((ms, i) => ms - at[i]!);
    pauses.forEach((pause, i) => {
      expect(pause).toBeGreaterThanOrEqual(i === 0 ? 0 : pauses[i - 1]!);
      expect(pause).toBeLessThan(602_000);
    });
    expect(pauses.at(-1)).toBeGreaterThanOrEqual(600_000);
    expect(at.length).toBeGreaterThan(10);
  });

  it('after all others', () => {
    const harness = refusing();
    const bad = harness.set('bad', 1);
    chat(harness, 4_000);
    harness.acks = ackNothing;
    harness.set('good', 1);
    harness.take();
    // Its pause ends while the other is in flight.
    harness.advance(500);
    const { life } = bad;
    const untilMs = life.name === 'setAside' ? life.untilMs : Number.NaN;
    expect(untilMs).toBeGreaterThan(harness.clock.monotonicMs());
    while (harness.clock.monotonicMs() < untilMs + 1) chat(harness, 500);
    expect(harness.takePoints()[0]).toBe('good=1');
  });

  it('acknowledged at last, it is in force', () => {
    const harness = refusing();
    const bad = harness.set('bad', 1);
    chat(harness, 5_000);
    harness.acks = ackAll;
    chat(harness, 20_000);
    expect(bad.state).toBe('inForce');
  });
});

describe('unanswered in silence', () => {
  const silent = (): SessionHarness => {
    const harness = deaf({ commands: ['restart'] });
    harness.set('a', 1);
    harness.set('b', 2);
    harness.advance(4_000);
    harness.take();
    return harness;
  };

  it('`connected` becomes 0', () => {
    const harness = deaf();
    harness.set('a', 1);
    harness.advance(3_999);
    expect(harness.connected).toEqual([true]);
    harness.advance(1);
    expect(harness.connected).toEqual([true, false]);
  });

  it('a timeSync, then each pending setting once, go out every 30 s as a probe (commands wait)', () => {
    const harness = silent();
    // `b` was set 1 ms after `a`, whose last retry told of the silence.
    const from = harness.clock.monotonicMs() - 1;
    const restart = harness.set('restart', 1);
    harness.advance(65_000);
    const sent = harness.take();
    expect(sent.map((one) => (shown(one) === 'timeSync' ? 'timeSync' : one.point!.type))).toEqual([
      'timeSync',
      'b',
      'a',
      'timeSync',
      'b',
      'a',
    ]);
    expect(times(sent, from)).toEqual([30_000, 31_000, 32_000, 60_000, 61_000, 62_000]);
    expect(harness.session.downlink.reason(restart)).toMatch(/command waits/);
  });

  it('nothing else goes out meanwhile', () => {
    const harness = silent();
    harness.set('c', 3);
    harness.advance(29_000);
    expect(harness.take()).toEqual([]);
  });

  it('all goes out at the next sign of life: the time first, commands too', () => {
    const harness = silent();
    harness.set('restart', 1);
    harness.advance(10_000);
    harness.acks = ackAll;
    harness.points([{ type: 'temp', value: 1 }]);
    expect(harness.takePoints()).toEqual(['timeSync', 'b=2', 'a=1', 'restart=1']);
    expect(harness.connected).toEqual([true, false, true]);
    harness.advance(25_000);
    expect(harness.takePoints()).toEqual([]);
  });

  it('its answer to a probe is a sign of life: settings follow', () => {
    const harness = silent();
    harness.acks = ackAll;
    harness.advance(30_000);
    expect(harness.takePoints()).toEqual(['timeSync', 'b=2', 'a=1']);
  });

  it.each([
    ['a packet with points', (h: SessionHarness) => void h.points([{ type: 't', value: 1 }])],
    ['a hello', (h: SessionHarness) => void h.hello()],
    ['an ack', (h: SessionHarness) => h.ack(200)],
    ['high-rate data', (h: SessionHarness) => void h.packet(9, 'phr', new Uint8Array(48))],
    [
      'a packet whose points do not decode',
      (h: SessionHarness) => void h.packet(9, '', Buffer.from('x')),
    ],
  ])('%s is a sign of life', (_, speak) => {
    const harness = silent();
    speak(harness);
    expect(harness.connected.at(-1)).toBe(true);
    expect(harness.takePoints()).toEqual(['timeSync']);
  });

  it('a log packet, which has no CRC, and broken bytes are no sign of life', () => {
    const harness = silent();
    harness.packet(9, 'log', Buffer.from('hello'));
    harness.bytes(Uint8Array.of(0, 3, 1, 2, 0));
    expect(harness.connected.at(-1)).toBe(false);
    expect(harness.take()).toEqual([]);
  });

  it('a sign of life during a probe waits for the probe: one packet at a time', () => {
    const harness = silent();
    harness.advance(30_500);
    expect(harness.takePoints()).toEqual(['timeSync']);
    harness.points([{ type: 'temp', value: 1 }]);
    expect(harness.takePoints()).toEqual([]);
    harness.acks = ackAll;
    harness.advance(500);
    expect(harness.takePoints()).toEqual(['timeSync', 'b=2', 'a=1']);
  });

  it('a setting on its way as a probe is not set aside, but is sent again with all the others', () => {
    const harness = silent();
    harness.advance(31_500);
    expect(harness.takePoints()).toEqual(['timeSync', 'b=2']);
    harness.points([{ type: 'temp', value: 1 }]);
    harness.acks = ackAll;
    harness.advance(500);
    expect(harness.takePoints()).toEqual(['timeSync', 'b=2', 'a=1']);
  });

  it('one point that is never acknowledged does not keep the others waiting', () => {
    const harness = deaf();
    harness.acks = (packet) => (packet.point?.type === 'bad' ? undefined : 0);
    harness.set('bad', 1);
    const good = harness.set('good', 1);
    // It says nothing by itself.
    harness.advance(120_000);
    expect(good.state).toBe('inForce');
  });
});

describe('after 30 s of silence', () => {
  it('a device that acknowledges gets a timeSync, to see whether it lives', () => {
    const harness = deaf();
    harness.advance(29_999);
    expect(harness.take()).toEqual([]);
    harness.advance(1);
    expect(harness.takePoints()).toEqual(['timeSync']);
    harness.advance(4_000);
    expect(harness.connected).toEqual([true, false]);
  });

  it('and stays connected when it answers', () => {
    const harness = SessionHarness.talking();
    harness.advance(300_000);
    expect(harness.connected).toEqual([true]);
    expect(harness.takePoints()).toHaveLength(10);
  });

  it('one that talks gets none', () => {
    const harness = SessionHarness.talking();
    for (let i = 0; i < 20; i += 1) {
      harness.advance(29_000);
      harness.points([{ type: 'temp', value: i }]);
    }
    expect(harness.takePoints()).toEqual([]);
  });
});

describe('a removed point (odd tombstone)', () => {
  it.each(['protobuf', 'compact'] as const)(
    'goes to the device as such, with the last value: %s',
    (device) => {
      const harness = SessionHarness.talking({ device });
      harness.points([{ type: 'target', value: 7 }]);
      harness.set('target', NO_VALUE, { tombstone: 1, key: '0' });
      const sent = harness.take().find(({ point }) => point?.type === 'target')!;
      // With the key as the device spells it.
      expect(sent.point).toMatchObject({ tombstone: 1, value: 7, key: '' });
    },
  );

  it('the last value is the one at the time of sending', () => {
    const harness = deaf();
    harness.points([{ type: 'target', value: 7 }]);
    harness.set('first', 1);
    harness.set('target', NO_VALUE, { tombstone: 1 });
    harness.points([{ type: 'target', value: 9 }]);
    harness.acks = ackAll;
    harness.advance(1_000);
    expect(harness.take().at(-1)!.point).toMatchObject({ tombstone: 1, value: 9 });
  });

  it('this holds also after a restart of the gateway', () => {
    const harness = SessionHarness.talking();
    harness.points([{ type: 'target', value: 7 }]);
    harness.acks = ackNothing;
    harness.set('target', NO_VALUE, { tombstone: 1 });
    const second = harness.reborn({ acks: ackAll });
    second.open();
    expect(second.take().at(-1)!.point).toMatchObject({ tombstone: 1, value: 7 });
  });

  it('with the value set last, when the device has never reported it', () => {
    const harness = SessionHarness.talking();
    harness.set('target', 5);
    harness.take();
    harness.set('target', NO_VALUE, { tombstone: 1 });
    expect(harness.take()[0]!.point).toMatchObject({ tombstone: 1, value: 5 });
  });

  it('lives again when the device reports it', () => {
    const harness = SessionHarness.talking();
    const gone = harness.set('target', NO_VALUE, { tombstone: 1 });
    harness.advance(1);
    harness.points([{ type: 'target', value: 8 }]);
    expect(harness.published.at(-1)).toMatchObject({ tombstone: 0 });
    harness.points([{ type: 'target', value: 8 }]);
    expect(gone.state).toBe('replaced');
  });

  it('all settings have the key as the device spells it', () => {
    const harness = SessionHarness.talking();
    harness.points([
      { type: 'a', key: '', value: 1 },
      { type: 'b', key: '0', value: 1 },
    ]);
    harness.take();
    harness.set('a', 2, { key: '0' });
    harness.set('b', 2, { key: '' });
    expect(harness.take().map(({ point }) => [point!.type, point!.key])).toEqual([
      ['a', ''],
      ['b', '0'],
    ]);
  });
});

describe('with random losses below the retry limit', () => {
  it('the device ends with the latest of each setting, one packet at a time, and then nothing more is sent', () => {
    const step = fc.record({
      type: fc.constantFrom('a', 'b', 'c'),
      pause: fc.nat(3_000),
      late: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 12 }),
        fc.array(fc.constantFrom('ok', 'lost', 'ackLost', 'lateAck', 'twice'), { maxLength: 60 }),
        fc.constantFrom('protobuf' as const, 'compact' as const),
        (steps, outcomes, device) => {
          const harness = SessionHarness.talking({ device });
          const has = new Map<string, number>();
          let next = 0;
          let badInARow = 0;
          let unacked: number | undefined;
          harness.acks = (packet) => {
            const { point, sequence, atMs } = packet;
            let what = outcomes[next++] ?? 'ok';
            if (what === 'lost' || what === 'ackLost') badInARow += 1;
            if (badInARow > 3) what = 'ok';
            if (what !== 'lost' && what !== 'ackLost') badInARow = 0;
            if (unacked !== undefined && unacked !== sequence) {
              throw new Error(
                `a second packet at ${String(atMs)} before the first was acknowledged`,
              );
            }
            unacked = sequence;
            if (what !== 'lost' && point?.type !== 'timeSync') {
              has.set(point!.type, point!.value as number);
            }
            if (what === 'lost' || what === 'ackLost') return undefined;
            const delay = what === 'lateAck' ? 900 : 5;
            harness.clock.setTimer(delay, () => (unacked = undefined));
            if (what === 'twice') harness.clock.setTimer(delay, () => harness.ack(sequence));
            return delay;
          };
          const latest = new Map<string, number>();
          steps.forEach(({ type, pause }, i) => {
            harness.set(type, i + 1);
            latest.set(type, i + 1);
            harness.advance(pause);
            // It keeps talking, so that it is not taken for silent.
            harness.points([{ type: 'temp', value: i }]);
          });
          for (let i = 0; i < 200; i += 1) {
            harness.advance(900);
            harness.points([{ type: 'temp', value: i }]);
          }
          expect([...has].sort()).toEqual([...latest].sort());
          for (const setting of harness.session.state.settings.all()) {
            expect(setting.state).toBe('inForce');
          }
          harness.take();
          harness.advance(20_000);
          expect(harness.takePoints()).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });
});
