/** docs/contract.md, 'Towards the device', "Times", "Log lines" and "Removed points". */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringValue } from '../../../src/point/point.js';
import { SessionHarness, ackAll } from '../../support/session-harness.js';

const MS = 1_000_000n;
const S = 1_000n * MS;
const last = (harness: SessionHarness): bigint => harness.published.at(-1)!.time;
const report = (harness: SessionHarness, time: bigint, value = 1): bigint => {
  harness.points([{ type: 'temp', value, time }]);
  return last(harness);
};

describe('time 0 is replaced by the time of arrival', () => {
  it.each(['protobuf', 'compact'] as const)('%s', (device) => {
    const harness = SessionHarness.opened({ device });
    harness.advance(1_234);
    expect(report(harness, 0n)).toBe(harness.clock.wallNs());
    expect(harness.count('stampedTime')).toBe(1);
  });

  it('and so is what Go writes for an unset time', () => {
    const harness = SessionHarness.opened();
    expect(report(harness, -6795364578871345152n)).toBe(harness.clock.wallNs());
  });
});

describe("times that count from the device's own start", () => {
  it('are mapped onto real time by an offset estimated for the session', () => {
    const harness = SessionHarness.opened();
    const start = harness.clock.wallNs() - 10n * S;
    expect(report(harness, 10n * S)).toBe(start + 10n * S);
    harness.advance(5_000);
    // Held back for 3 s by the device, or the line.
    expect(report(harness, 12n * S, 2)).toBe(start + 12n * S);
    expect(harness.count('mappedTime')).toBe(2);
  });

  it('the packet with the least delay gives the offset', () => {
    const harness = SessionHarness.opened();
    const start = harness.clock.wallNs();
    harness.advance(900);
    report(harness, 100n * MS);
    harness.advance(300);
    report(harness, 1_190n * MS);
    harness.advance(1_800);
    expect(report(harness, 2_000n * MS)).toBe(start + 2_010n * MS);
  });

  it('samples of one packet keep their distances', () => {
    const harness = SessionHarness.opened();
    harness.points([1n, 2n, 3n].map((s) => ({ type: 'temp', value: Number(s), time: s * S })));
    const [a, b, c] = harness.published.map(({ time }) => time);
    expect(c).toBe(harness.clock.wallNs());
    expect(b).toBe(c! - S);
    expect(a).toBe(c! - 2n * S);
  });

  it('a new session, or a restart, is estimated anew', () => {
    for (const anew of [
      (h: SessionHarness) => {
        h.close();
        h.open();
      },
      (h: SessionHarness) => {
        h.hello();
      },
    ]) {
      const harness = SessionHarness.opened();
      report(harness, 1_000n * S);
      harness.advance(60_000);
      anew(harness);
      expect(report(harness, 2n * S)).toBe(harness.clock.wallNs());
    }
  });

  it('are those before 1981', () => {
    const harness = SessionHarness.opened();
    const y1981 = BigInt(Date.UTC(1981, 0, 1)) * MS;
    report(harness, y1981 - 1n);
    expect(harness.count('mappedTime')).toBe(1);
    expect(report(harness, y1981, 2)).toBe(y1981);
  });

  it('never come out ahead of their arrival', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(5_000), fc.nat(3_600_000)), { maxLength: 20 }),
        (packets) => {
          const harness = SessionHarness.opened();
          packets.forEach(([pause, ms], i) => {
            harness.advance(pause);
            harness.points([{ type: `t${i}`, value: 1, time: BigInt(ms + 1) * MS }]);
            expect(last(harness) <= harness.clock.wallNs()).toBe(true);
          });
          harness.close();
        },
      ),
    );
  });
});

describe('times ahead', () => {
  it('of more than 1 s are brought back to now, and counted', () => {
    const harness = SessionHarness.opened();
    expect(report(harness, harness.clock.wallNs() + S + 1n)).toBe(harness.clock.wallNs());
    expect(harness.count('futureTime')).toBe(1);
    expect(report(harness, 9_000_000_000n * S)).toBe(harness.clock.wallNs() + 1n);
  });

  it('up to 1 s are passed on as they are', () => {
    const harness = SessionHarness.opened();
    const time = harness.clock.wallNs() + S;
    expect(report(harness, time)).toBe(time);
    expect(harness.count('futureTime')).toBe(0);
  });
});

describe('times that the gateway gives always increase for a point', () => {
  it('also within one chunk, and one packet', () => {
    const harness = SessionHarness.opened();
    harness.points([1, 2, 3].map((value) => ({ type: 'temp', value })));
    const now = harness.clock.wallNs();
    expect(harness.published.map(({ time }) => time)).toEqual([now, now + 1n, now + 2n]);
  });

  it('also when its clock steps back, whatever the device says', () => {
    const time = fc.oneof(
      fc.constant(0n),
      fc.bigInt({ min: 1n, max: 1_000n * S }),
      fc.constant(9_000_000_000n * S),
    );
    const step = fc.tuple(time, fc.nat(3_000), fc.integer({ min: -7_200_000, max: 3_600_000 }));
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 20 }), (steps) => {
        const harness = SessionHarness.opened();
        steps.forEach(([t, pause, wall], i) => {
          harness.advance(pause);
          if (i % 3 === 0) harness.clock.stepWall(wall);
          harness.points([{ type: 'temp', value: i, time: t }]);
        });
        const given = harness.published.map((point) => point.time);
        given.forEach((t, i) => {
          if (i > 0) expect(t > given[i - 1]!).toBe(true);
        });
        harness.close();
      }),
    );
  });

  it('also behind a time of the device that is a little ahead', () => {
    const harness = SessionHarness.opened();
    const ahead = harness.clock.wallNs() + S;
    report(harness, ahead);
    expect(report(harness, 0n, 2)).toBe(ahead + 1n);
  });

  it('also behind those of an earlier run that wait or are shown, whenever they become known', () => {
    const first = SessionHarness.opened();
    for (const type of ['temp', 'flow']) first.points([{ type, value: 1 }]);
    const [temp, flow] = first.published.map(({ time }) => time);
    const second = first.reborn();
    second.clock.stepWall(-3_600_000);
    second.session.state.replica.givenBefore([first.published[0]!]);
    second.open();
    for (const type of ['temp', 'flow']) second.points([{ type, value: 2 }]);
    second.session.state.replica.givenBefore([first.published[1]!]);
    for (const type of ['temp', 'flow']) second.points([{ type, value: 3 }]);
    const times = (type: string): bigint[] =>
      second.published.filter((point) => point.type === type).map(({ time }) => time);
    expect(times('temp')).toEqual([temp! + 1n, temp! + 2n]);
    // Nothing was known of it yet.
    expect(times('flow')).toEqual([second.clock.wallNs(), flow! + 1n]);
    second.clock.stepWall(3_700_000);
    expect(report(second, 0n)).toBe(second.clock.wallNs());
  });

  it('"" and "0" are one point in this, too', () => {
    const harness = SessionHarness.opened();
    harness.points([
      { type: 'temp', key: '', value: 1 },
      { type: 'temp', key: '0', value: 2 },
    ]);
    const [a, b] = harness.published;
    expect([a!.key, b!.key]).toEqual(['0', '0']);
    expect(b!.time).toBe(a!.time + 1n);
  });
});

describe('a real time from the device', () => {
  it('is passed on as it is, older or not', () => {
    const harness = SessionHarness.opened();
    const now = harness.clock.wallNs();
    for (const time of [now, now - 3_600n * S, now - 1n]) expect(report(harness, time)).toBe(time);
  });

  it('the very same point again is acknowledged and not published', () => {
    const harness = SessionHarness.opened();
    const time = harness.clock.wallNs();
    harness.take();
    harness.points([{ type: 'temp', value: 1, time }], 5);
    harness.points([{ type: 'temp', value: 1, time }], 6);
    expect(harness.takeAcks()).toEqual([5, 6]);
    expect(harness.published).toHaveLength(1);
    expect(harness.count('samePoint')).toBe(1);
  });

  it('another value, or a tombstone, of the same time is another point', () => {
    const harness = SessionHarness.opened();
    const time = harness.clock.wallNs();
    harness.points([{ type: 'temp', value: 1, time }]);
    harness.points([{ type: 'temp', value: 2, time }]);
    harness.points([{ type: 'temp', value: 2, time, tombstone: 1 }]);
    expect(harness.published).toHaveLength(3);
  });
});

describe("when the gateway's clock steps", () => {
  it('devices get the time again', () => {
    const harness = SessionHarness.talking();
    harness.clock.stepWall(5_000);
    harness.session.clockStepped();
    harness.flush();
    const sent = harness.take();
    expect(sent.map(({ point }) => [point!.type, point!.time])).toEqual([
      ['timeSync', harness.clock.wallNs()],
    ]);
  });

  it('not on a closed port', () => {
    const harness = SessionHarness.talking();
    harness.close();
    harness.session.clockStepped();
    expect(harness.take()).toEqual([]);
  });
});

describe('what a device sends', () => {
  const sent = (...points: Parameters<SessionHarness['points']>[0]): SessionHarness => {
    const harness = SessionHarness.opened();
    harness.points(points);
    return harness;
  };
  const good = { type: 'good', value: 1 };

  it('goes out with blank origin, whatever origin its points carry', () => {
    const harness = sent({ ...good, origin: 'another-node' });
    expect(harness.published).toMatchObject([{ type: 'good', origin: '' }]);
  });

  it.each([
    ['empty', { type: '', value: 1 }],
    ['forbiddenCharacter', { type: 'a.b', value: 1 }],
    ['forbiddenCharacter', { type: 'a b', value: 1 }],
    ['forbiddenCharacter', { type: 'ok', key: '>', value: 1 }],
    ['forbiddenCharacter', { type: 'ok', key: 'a\n', value: 1 }],
    ['tooLong', { type: 'x'.repeat(256), value: 1 }],
    ['tooLong', { type: 'ok', key: 'x'.repeat(256), value: 1 }],
    ['nan', { type: 'ok', value: Number.NaN }],
    ['nan', { type: 'ok', value: { float32: Number.NaN } }],
    ['reserved', { type: 'port', value: 'x' }],
    ['reserved', { type: 'gatewaySomething', value: 1 }],
    ['reserved', { type: 'timeSync', value: 1 }],
  ] as const)(
    '%s: the point is counted under its cause, the rest of its packet goes on',
    (cause, bad) => {
      const harness = sent(good, bad, { type: 'also', value: 2 });
      expect(harness.published.map(({ type }) => type)).toEqual(['good', 'also']);
      expect(harness.count(cause)).toBe(1);
    },
  );

  it('an odd value is counted, the rest goes on', () => {
    const harness = sent(good, { type: 'odd', value: { dataType: 9, data: new Uint8Array(3) } });
    expect(harness.count('oddValue')).toBe(1);
    expect(harness.published).toHaveLength(1);
  });

  it('infinities are fine', () => {
    expect(sent({ type: 'inf', value: Number.NEGATIVE_INFINITY }).published).toHaveLength(1);
  });

  it('description, uptime and log are for it to report', () => {
    const types = ['description', 'uptime', 'log'];
    const harness = sent(...types.map((type) => ({ type, value: 1 })));
    expect(harness.published.map(({ type }) => type)).toEqual(types);
  });

  it('a point that cannot stand on NATS is logged not more than once a minute', () => {
    const harness = SessionHarness.opened();
    const lines = (): number => harness.log.filter(({ fields }) => fields.cause === 'nan').length;
    for (let i = 0; i < 59; i += 1) {
      harness.points([{ type: 'x', value: Number.NaN }]);
      harness.advance(1_000);
    }
    expect(lines()).toBe(1);
    harness.advance(1_000);
    harness.points([{ type: 'x', value: Number.NaN }]);
    expect(lines()).toBe(2);
    expect(harness.count('nan')).toBe(60);
  });

  it('a point refused because it is the gateway’s is counted and logged once a type', () => {
    const harness = SessionHarness.opened();
    for (let i = 0; i < 5; i += 1) {
      harness.points([
        { type: 'port', value: 1 },
        { type: 'debug', value: 1 },
      ]);
      harness.advance(60_000);
    }
    const logged = harness.log.filter(({ fields }) => fields.cause === 'reserved');
    expect(logged.map(({ fields }) => fields.type).sort()).toEqual(['debug', 'port']);
    expect(harness.count('reserved')).toBe(10);
  });

  it('more distinct points than allowed are counted, known ones go on', () => {
    const harness = SessionHarness.opened({ maxPoints: 2 });
    for (const type of ['a', 'b', 'c', 'a']) harness.points([{ type, value: 1 }]);
    expect(harness.published.map(({ type }) => type)).toEqual(['a', 'b', 'a']);
    expect(harness.count('tooManyPoints')).toBe(1);
  });

  it('integers of every width arrive with their sign', () => {
    const harness = sent(
      { type: 'i1', value: { int: -40n, bytes: 1 } },
      { type: 'i2', value: { int: -300n, bytes: 2 } },
      { type: 'i4', value: { int: -32768n, bytes: 4 } },
      { type: 'i8', value: -(2n ** 63n) },
    );
    expect(harness.published.map(({ value }) => value)).toEqual(
      [-40n, -300n, -32768n, -(2n ** 63n)].map((integer) => ({ kind: 'int', integer })),
    );
  });

  it('mended text is counted', () => {
    const harness = sent({ type: 't', value: { dataType: 3, data: Uint8Array.of(0xff) } });
    expect(harness.count('mendedText')).toBe(1);
    expect(harness.published).toMatchObject([{ value: stringValue('\ufffd') }]);
  });
});

describe('a log packet', () => {
  it('becomes a log point and a log line', () => {
    const harness = SessionHarness.opened();
    harness.packet(1, 'log', Buffer.from('Hi there'));
    expect(harness.published).toEqual([
      {
        type: 'log',
        key: '0',
        time: harness.clock.wallNs(),
        value: stringValue('Hi there'),
        tombstone: 0,
        origin: '',
      },
    ]);
    expect(harness.log.filter(({ fields }) => fields.device === 'Hi there')).toHaveLength(1);
    expect(harness.session.state.counters.errorCount).toBe(0);
  });

  it('its text is mended and counted', () => {
    const harness = SessionHarness.opened();
    harness.packet(1, 'log', Uint8Array.of(0x61, 0xff));
    expect(harness.published).toMatchObject([{ value: stringValue('a\ufffd') }]);
    expect(harness.count('mendedText')).toBe(1);
  });

  it('two in one chunk have increasing times', () => {
    const harness = SessionHarness.opened({ acks: ackAll });
    harness.packet(1, 'log', Buffer.from('a'));
    harness.packet(2, 'log', Buffer.from('b'));
    expect(harness.published[1]!.time).toBe(harness.published[0]!.time + 1n);
  });
});

describe('the end of time', () => {
  const END = 2n ** 63n - 1n;

  it('is where the gateway’s times stop: they never wrap', () => {
    const harness = SessionHarness.opened();
    harness.session.state.replica.givenBefore([{ type: 'temp', key: '0', time: END - 2n }]);
    expect([1, 2, 3, 4].map((value) => report(harness, 0n, value))).toEqual([
      END - 1n,
      END,
      END,
      END,
    ]);
    expect(harness.published.at(-1)).toMatchObject({ value: { kind: 'float', number: 4 } });
    harness.points([{ type: 'flow', value: 1, time: 0n }]);
    expect(last(harness)).toBe(harness.clock.wallNs());
  });

  it('is no time at all where it comes before the first: -2^63', () => {
    const harness = SessionHarness.opened();
    harness.session.state.replica.givenBefore([{ type: 'temp', key: '0', time: -(2n ** 63n) }]);
    expect(report(harness, 0n)).toBe(harness.clock.wallNs());
    expect(report(harness, -(2n ** 63n))).toBe(harness.clock.wallNs() + 1n);
  });
});
