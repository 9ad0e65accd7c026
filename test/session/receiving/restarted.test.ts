/** docs/contract.md, 'Towards the device', "Restarted". */
import { describe, expect, it } from 'vitest';
import { SessionHarness } from '../../support/session-harness.js';

const restarts = (harness: SessionHarness): number => harness.count('restart');
const S = 1_000_000_000n;

describe('a restart of the device is noticed by', () => {
  it('a hello (empty packet)', () => {
    const harness = SessionHarness.talking();
    harness.hello();
    expect(restarts(harness)).toBe(1);
    expect(harness.takePoints()).toEqual(['timeSync']);
  });

  it('a hello, of which the link is told with the last packets, both ways', () => {
    const harness = SessionHarness.talking();
    harness.points([{ type: 'temp', key: 'a', value: 23.5 }], 9);
    harness.packet(1, 'log', Buffer.from('stalled'));
    harness.packet(9, 'phr', new Uint8Array(48));
    harness.advance(60);
    harness.hello(0);
    const [restart] = harness.restarts;
    expect(restart).toMatchObject({ sign: 'sequence' });
    expect(restart?.why).toContain('from 9 to 0');
    const packets = restart?.packets?.slice(-4) ?? [];
    expect(packets.map(({ direction, subject, content }) => [direction, subject, content])).toEqual(
      [
        ['up', '', 'temp/a=23.5'],
        ['down', 'ack', ''],
        ['up', 'log', 'stalled'],
        ['up', '', ''],
      ],
    );
    expect(Number((packets[3]?.ns ?? 0n) - (packets[2]?.ns ?? 0n)) / 1e6).toBe(60);
    expect(packets[0]?.bytes[0]).toBe(9);
  });

  it('its uptime or its own clock, of which the link is told from what to what', () => {
    const harness = SessionHarness.talking();
    harness.points([{ type: 'uptime', value: 500, time: 500n * S }]);
    harness.points([{ type: 'uptime', value: 3, time: 3n * S }]);
    expect(harness.restarts).toMatchObject([{ sign: 'startClock', upMs: 3_000 }]);
    expect(harness.restarts[0]?.why).toContain('from 500 s to 3 s');
    harness.advance(60_000);
    harness.points([{ type: 'uptime', value: 2, time: 0n }]);
    expect(harness.restarts[1]).toMatchObject({ sign: 'uptime', upMs: 2_000 });
    expect(harness.restarts[1]?.why).toContain('uptime has fallen from 3 to 2');
  });

  it('a hello with an empty compact list', () => {
    const harness = SessionHarness.talking();
    harness.points([]);
    expect(restarts(harness)).toBe(1);
  });

  it('a hello that comes after at least 1 s without one', () => {
    const harness = SessionHarness.talking();
    for (const pause of [0, 300, 999, 500]) {
      harness.advance(pause);
      harness.hello(40);
    }
    expect(restarts(harness)).toBe(1);
    harness.advance(1_000);
    harness.hello(40);
    expect(restarts(harness)).toBe(2);
  });

  it('a falling uptime', () => {
    const harness = SessionHarness.talking();
    for (const value of [10, 11, 11, 500]) harness.points([{ type: 'uptime', value }]);
    expect(restarts(harness)).toBe(0);
    harness.points([{ type: 'uptime', value: 499 }]);
    expect(restarts(harness)).toBe(1);
    harness.points([{ type: 'uptime', value: 500 }]);
    expect(restarts(harness)).toBe(1);
  });

  it('but not by the uptimes of different parts side by side', () => {
    const harness = SessionHarness.talking();
    for (let i = 0; i < 4; i += 1) {
      harness.points([{ type: 'uptime', value: 100 + i }]);
      harness.points([{ type: 'uptime', key: 'radio', value: i }]);
    }
    expect(restarts(harness)).toBe(0);
  });

  it('a falling time of a clock that counts from its own start', () => {
    const harness = SessionHarness.talking();
    for (const time of [10n, 11n, 11n, 500n]) {
      harness.points([{ type: 'temp', value: 1, time: time * S }]);
    }
    expect(restarts(harness)).toBe(0);
    harness.points([{ type: 'temp', value: 1, time: 3n * S }]);
    expect(restarts(harness)).toBe(1);
  });

  it('but not by real times, time 0, or a falling value of another point', () => {
    const harness = SessionHarness.talking();
    const now = harness.clock.wallNs();
    harness.points([{ type: 'temp', value: 9, time: 10n * S }]);
    for (const time of [now, now - 60n * S, 0n]) harness.points([{ type: 'temp', value: 1, time }]);
    expect(restarts(harness)).toBe(0);
  });

  it.each([
    [2, 0],
    [2, 1],
    [250, 1],
    [128, 0],
  ])('a sequence that falls from %d to %d', (from, to) => {
    const harness = SessionHarness.talking();
    harness.points([{ type: 'temp', value: 1 }], from);
    harness.points([{ type: 'temp', value: 2 }], to);
    expect(restarts(harness)).toBe(1);
  });

  it.each([
    [251, 0],
    [255, 1],
    [1, 0],
    [0, 1],
    [200, 2],
    [7, 7],
    [0, 0],
    [1, 1],
  ])('but not by one that goes from %d to %d', (from, to) => {
    const harness = SessionHarness.opened();
    harness.points([{ type: 'temp', value: 1 }], from);
    harness.points([{ type: 'temp', value: 2 }], to);
    expect(restarts(harness)).toBe(0);
  });

  it('other signs, but not by a sequence that does not move', () => {
    const harness = SessionHarness.opened();
    for (const value of [1, 2, 3]) harness.points([{ type: 'uptime', value }], 0);
    expect(restarts(harness)).toBe(0);
    harness.points([{ type: 'uptime', value: 1 }], 0);
    expect(restarts(harness)).toBe(1);
    harness.hello(0);
    expect(restarts(harness)).toBe(2);
  });

  it('neither the sequence of acks, which is ours, nor that of a log, which has no CRC', () => {
    const harness = SessionHarness.talking();
    harness.points([{ type: 'temp', value: 1 }], 100);
    harness.ack(1);
    harness.packet(0, 'log', Buffer.from('x'));
    harness.points([{ type: 'temp', value: 1 }], 101);
    expect(restarts(harness)).toBe(0);
  });

  it('several signs in one packet, as one restart', () => {
    const harness = SessionHarness.talking();
    harness.points([{ type: 'uptime', value: 100, time: 100n * S }], 100);
    harness.points([{ type: 'uptime', value: 1, time: 1n * S }], 1);
    expect(restarts(harness)).toBe(1);
  });

  it('an empty packet, which is no error and is not acknowledged', () => {
    const harness = SessionHarness.talking();
    harness.hello();
    expect(harness.session.state.counters.errorCount).toBe(0);
    expect(harness.takeAcks()).toEqual([]);
  });
});

describe('hellos', () => {
  it('are a heartbeat from the third within two minutes on, with no other sign', () => {
    const harness = SessionHarness.talking();
    for (let i = 0; i < 20; i += 1) {
      harness.hello(50 + i);
      harness.advance(30_000);
    }
    expect(restarts(harness)).toBe(2);
  });

  it('are restarts when they are further apart', () => {
    const harness = SessionHarness.talking();
    for (let i = 0; i < 5; i += 1) {
      harness.hello(50 + i);
      harness.advance(61_000);
    }
    expect(restarts(harness)).toBe(5);
  });

  it('are restarts when each comes with another sign', () => {
    const harness = SessionHarness.talking();
    for (let i = 0; i < 5; i += 1) {
      harness.hello(1);
      harness.points([{ type: 'temp', value: i }], 20);
      harness.advance(30_000);
    }
    expect(restarts(harness)).toBe(5);
  });
});

describe('all signs are compared with the last known values of the link', () => {
  const known = (): SessionHarness => {
    const harness = SessionHarness.talking();
    harness.points([{ type: 'uptime', value: 1000, time: 1000n * S }], 100);
    return harness;
  };
  const signs = [
    ['uptime', (h: SessionHarness) => void h.points([{ type: 'uptime', value: 1 }], 101)],
    ['start clock', (h: SessionHarness) => void h.points([{ type: 't', value: 1, time: S }], 101)],
    ['sequence', (h: SessionHarness) => void h.points([{ type: 't', value: 1 }], 1)],
    ['hello', (h: SessionHarness) => void h.hello(101)],
  ] as const;

  it.each(signs)('over openings: %s', (_, sign) => {
    const harness = known();
    harness.close();
    harness.advance(60_000);
    harness.open();
    expect(restarts(harness)).toBe(0);
    sign(harness);
    expect(restarts(harness)).toBe(1);
  });

  it.each(signs)('over restarts of the gateway: %s', (_, sign) => {
    const second = known().reborn();
    second.open();
    sign(second);
    expect(restarts(second)).toBe(1);
  });

  it('a device that goes on as before has not restarted', () => {
    const second = known().reborn();
    second.open();
    second.points([{ type: 'uptime', value: 1001, time: 1001n * S }], 101);
    expect(restarts(second)).toBe(0);
  });
});

describe('at most one resync in 5 s', () => {
  it('a restart noticed within 5 s of the last is served when these are over, never dropped', () => {
    const harness = SessionHarness.talking();
    harness.set('target', 5);
    harness.take();
    const from = harness.clock.monotonicMs();
    for (const sequence of [60, 61, 62]) {
      harness.hello(sequence);
      harness.advance(1_500);
    }
    expect(harness.takePoints()).toEqual(['timeSync', 'target=5']);
    harness.advance(500);
    const sent = harness.take();
    expect(sent.map(({ point, atMs }) => [point?.type, atMs - from])).toEqual([
      ['timeSync', 5_000],
      ['target', 5_000],
    ]);
    harness.advance(20_000);
    expect(harness.takePoints()).toEqual([]);
  });

  it('an opening is not a resync in this sense', () => {
    const harness = SessionHarness.talking();
    harness.close();
    harness.open();
    harness.take();
    harness.hello();
    expect(harness.takePoints()).toEqual(['timeSync']);
  });

  it('this holds also when the port was closed meanwhile, or the gateway restarted', () => {
    for (const reborn of [false, true]) {
      const first = SessionHarness.talking();
      first.set('target', 5);
      first.hello();
      first.advance(1_000);
      first.hello();
      first.close();
      first.advance(2_000);
      first.take();
      const harness = reborn ? first.reborn() : first;
      harness.open();
      harness.advance(5_000);
      expect(harness.takePoints()).toContain('target=5');
      harness.hello();
    }
  });

  it('an opening after a restart that is still to be served sends the time once', () => {
    const harness = SessionHarness.talking();
    harness.set('target', 5);
    harness.hello();
    harness.advance(1_000);
    harness.hello();
    harness.close();
    harness.advance(10_000);
    harness.take();
    harness.open();
    expect(harness.takePoints()).toEqual(['timeSync', 'target=5']);
  });

  it('new settings do not wait for it', () => {
    const harness = SessionHarness.talking();
    harness.hello();
    harness.advance(1_500);
    harness.hello();
    harness.take();
    harness.set('target', 5);
    expect(harness.takePoints()).toEqual(['target=5']);
  });

  it('the packet in flight when it restarted is sent to it anew', () => {
    const harness = SessionHarness.talking();
    harness.hello();
    harness.advance(1_500);
    harness.acks = () => undefined;
    const setting = harness.set('target', 5);
    harness.take();
    harness.acks = () => 0;
    harness.hello();
    expect(harness.takePoints()).toEqual(['target=5']);
    expect(setting.state).toBe('inForce');
  });
});

it('a restart noticed in silence sends the time once', () => {
  const harness = SessionHarness.talking();
  harness.acks = () => undefined;
  harness.set('target', 5);
  harness.advance(10_000);
  harness.take();
  harness.acks = () => 0;
  harness.hello();
  expect(harness.takePoints()).toEqual(['timeSync', 'target=5']);
});
