/** docs/contract.md, "Listening": equal times and far times. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floatValue, stringValue, type Point } from '../../../src/point/point.js';
import { FakeClock } from '../../support/fake-clock.js';
import {
  SessionHarness,
  ackAll,
  ackNothing,
  type HarnessOptions,
} from '../../support/session-harness.js';

const S = 1_000_000_000n;
const YEAR_S = 365 * 24 * 3_600;
const END = 2n ** 63n - 1n;
const START = -(2n ** 63n);

class Rig {
  harness: SessionHarness;

  constructor(options: HarnessOptions = {}) {
    this.harness = SessionHarness.talking({ commands: ['restart'], ...options });
  }

  get now(): bigint {
    return this.harness.clock.wallNs();
  }

  /** What went down for it: `type=value`, and its time. */
  live(value: number | Point['value'], time: bigint, type = 'target'): string[] {
    this.harness.session.settings.set(this.harness.settingPoint(type, value, { time }));
    return this.down();
  }

  reading(value: number, time: bigint, type = 'target'): string[] {
    this.harness.session.settings.set(this.harness.settingPoint(type, value, { time }), 'reading');
    return this.down();
  }

  down(): string[] {
    this.harness.flush();
    return this.harness.takePoints();
  }

  ns(type = 'target'): bigint {
    return this.harness.session.state.settings.get(type, '')!.point.time;
  }

  restart(): void {
    this.harness = this.harness.reborn({ acks: ackAll });
    this.harness.open();
    expect(this.harness.takePoints()).toEqual(['timeSync']);
  }

  stepClock(seconds: number): void {
    this.harness.clock.stepWall(seconds * 1_000);
    this.harness.session.clockStepped();
    this.down();
  }
}

describe('of settings with equal times', () => {
  it('one with another value counts, one after the other, each 1 ns later: SIOT’s page has steps of 4 s', () => {
    const rig = new Rig();
    const t = rig.now;
    const down = [1, 2, 3, 1, 2, 0].map((value) => [...rig.live(value, t), rig.ns() - t]);
    expect(down).toEqual([
      ['target=1', 0n],
      ['target=2', 1n],
      ['target=3', 2n],
      ['target=1', 3n],
      ['target=2', 4n],
      ['target=0', 5n],
    ]);
    expect(rig.harness.take()).toEqual([]);
  });

  it('one with the same value is the same message: an echo, or a repetition', () => {
    const rig = new Rig();
    const t = rig.now;
    expect(rig.live(1, t)).toEqual(['target=1']);
    expect(rig.live(1, t)).toEqual([]);
    expect(rig.live(2, t)).toEqual(['target=2']);
    expect(rig.live(2, t)).toEqual([]);
    expect(rig.live(stringValue('2'), t)).toEqual(['target=2']);
  });

  it('older ones do not count', () => {
    const rig = new Rig();
    const t = rig.now;
    rig.live(1, t);
    rig.live(2, t);
    expect(rig.live(3, t - 1n)).toEqual([]);
  });

  it('one with a later time is newer than all of them', () => {
    const rig = new Rig();
    const t = rig.now;
    rig.live(1, t);
    rig.live(2, t);
    rig.live(3, t);
    expect(rig.live(4, t + 4n * S)).toEqual(['target=4']);
    expect(rig.ns()).toBe(t + 4n * S);
    expect(rig.live(3, t)).toEqual([]);
  });

  it('none counts when it is read', () => {
    const rig = new Rig();
    const t = rig.now;
    rig.live(1, t);
    expect(rig.reading(2, t)).toEqual([]);
    rig.live(2, t);
    expect(rig.reading(1, t)).toEqual([]);
    rig.restart();
    expect(rig.reading(1, t)).toEqual([]);
  });

  it('a third one counts after a restart of the gateway', () => {
    const rig = new Rig();
    const t = rig.now;
    rig.live(1, t);
    rig.live(2, t);
    rig.restart();
    expect(rig.live(2, t)).toEqual([]);
    expect(rig.live(1, t)).toEqual(['target=1']);
    expect(rig.ns()).toBe(t + 2n);
  });

  it('a command is executed once for each value: never twice, whatever comes in between', () => {
    const rig = new Rig();
    const t = rig.now;
    expect(rig.live(1, t, 'restart')).toEqual(['restart=1']);
    expect(rig.live(2, t, 'restart')).toEqual(['restart=2']);
    expect(rig.live(1, t, 'restart')).toEqual([]);
    expect(rig.live(2, t, 'restart')).toEqual([]);
    expect(rig.live(1, t + 1n * S, 'restart')).toEqual(['restart=1']);
  });

  describe('the value is published with the present time, since a store may keep the first one', () => {
    const edits = (rig: Rig): bigint => {
      const t = rig.now;
      rig.live(1, t);
      rig.harness.advance(1_000);
      rig.live(2, t);
      return t;
    };
    const shown = (rig: Rig): unknown[] =>
      rig.harness.published
        .filter(({ type }) => type === 'target' || type === 'restart')
        .map(({ value, time, origin }) => [value, time, origin]);

    it('once it is acknowledged', () => {
      const rig = new Rig();
      edits(rig);
      expect(shown(rig)).toEqual([[floatValue(2), rig.now, '']]);
    });

    it('not before, and not that of one whose place another has taken', () => {
      const rig = new Rig({ acks: ackAll });
      rig.harness.acks = ackNothing;
      edits(rig);
      expect(shown(rig)).toEqual([]);
      rig.harness.acks = ackAll;
      rig.harness.advance(10_000);
      expect(shown(rig)).toHaveLength(1);
      expect(shown(rig)[0]).toMatchObject([floatValue(2), expect.any(BigInt), '']);
    });

    it('after a restart of the gateway, too', () => {
      const rig = new Rig();
      rig.harness.acks = ackNothing;
      const t = edits(rig);
      rig.harness = rig.harness.reborn({ acks: ackAll });
      rig.harness.open();
      expect(rig.harness.takePoints()).toEqual(['timeSync', 'target=2']);
      expect(shown(rig)).toEqual([[floatValue(2), rig.now, '']]);
      expect(rig.now).toBeGreaterThan(t);
    });

    it('later than the time itself, where that is of a clock that is a little ahead', () => {
      const rig = new Rig();
      const t = rig.now + 30n * S;
      rig.live(1, t);
      rig.live(2, t);
      expect(shown(rig)).toEqual([[floatValue(2), t + 1n, '']]);
    });

    it('of a device that does not acknowledge, once it was sent', () => {
      const rig = new Rig({ record: { acknowledges: 'no' }, acks: ackNothing });
      edits(rig);
      rig.harness.advance(100);
      expect(shown(rig)).toMatchObject([[floatValue(2), expect.any(BigInt), '']]);
    });

    it('also of one that SIOT did not have when it was read', () => {
      const rig = new Rig({ record: { acknowledges: 'no' }, acks: ackNothing });
      rig.harness.session.hold(true);
      rig.live(1, rig.now);
      rig.harness.session.state.settings.get('target', '')!.lacked = true;
      rig.harness.session.hold(false);
      rig.harness.advance(100);
      expect(shown(rig)).toMatchObject([[floatValue(1), expect.any(BigInt), '']]);
    });

    it('of a command that ends unconfirmed', () => {
      const rig = new Rig();
      rig.harness.acks = ackNothing;
      const t = rig.now;
      rig.live(1, t, 'restart');
      rig.live(2, t, 'restart');
      rig.harness.advance(20_000);
      rig.harness.points([{ type: 'temp', value: 1 }]);
      rig.harness.advance(20_000);
      expect(rig.harness.session.state.settings.get('restart', '')).toMatchObject({
        state: 'ended',
      });
      expect(shown(rig)).toMatchObject([[floatValue(2), expect.any(BigInt), '']]);
    });

    it('but not where the device has reported the point since: then its report stands', () => {
      const rig = new Rig();
      rig.harness.acks = () => 100;
      const t = rig.now;
      rig.live(1, t);
      rig.harness.advance(200);
      rig.live(2, t);
      rig.harness.points([{ type: 'target', value: 2 }]);
      rig.harness.advance(200);
      expect(shown(rig)).toHaveLength(1);
    });
  });
});

describe('an extreme time', () => {
  it.each([END, END - 1n])('far ahead counts once, as now, and the next one counts: %d', (far) => {
    const rig = new Rig();
    expect(rig.live(1, far)).toEqual(['target=1']);
    expect(rig.ns()).toBe(rig.now);
    expect(rig.live(1, far)).toEqual([]);
    expect(rig.reading(1, far)).toEqual([]);
    expect(rig.live(2, rig.now + 1n)).toEqual(['target=2']);
    // SIOT holds the other one for ever.
    for (let i = 0; i < 3; i++) {
      expect(rig.reading(1, far)).toEqual([]);
      expect(rig.live(1, far)).toEqual([]);
      rig.restart();
    }
    expect(rig.reading(1, far)).toEqual([]);
    rig.harness.advance(1);
    expect(rig.live(3, rig.now)).toEqual(['target=3']);
  });

  it('is one more than 60 s ahead: others stay as their authors have dated them', () => {
    const rig = new Rig();
    rig.live(1, rig.now + 60n * S);
    expect(rig.ns()).toBe(rig.now + 60n * S);
    expect(rig.live(2, rig.now + 1n)).toEqual([]);
    expect(rig.live(2, rig.now + 60n * S + 1n)).toEqual(['target=2']);
    expect(rig.ns()).toBe(rig.now + 60n * S + 1n);
  });

  it('counts as just after the last setting, where that is ahead', () => {
    const rig = new Rig();
    const ahead = rig.now + 50n * S;
    rig.live(1, ahead);
    rig.live(2, END);
    expect(rig.ns()).toBe(ahead + 1n);
  });

  it('of a clock that stands still there counts once for each new value', () => {
    const rig = new Rig();
    expect([1, 2, 1].flatMap((value) => rig.live(value, END))).toEqual([
      'target=1',
      'target=2',
      'target=1',
    ]);
    expect(rig.live(1, END)).toEqual([]);
  });

  it('is the same setting when it finally lies in the past', () => {
    const rig = new Rig();
    const far = rig.now + 90n * S;
    rig.live(1, far);
    for (const seconds of [20, 20, 60, 600]) {
      rig.harness.advance(seconds * 1_000);
      rig.down();
      expect(rig.reading(1, far)).toEqual([]);
      expect(rig.live(1, far)).toEqual([]);
    }
    expect(rig.live(2, rig.now)).toEqual(['target=2']);
  });

  it('of two: the later one counts that was read after the gateway was away', () => {
    const rig = new Rig();
    rig.live(1, END - 5n);
    rig.restart();
    expect(rig.reading(2, END - 4n)).toEqual(['target=2']);
    expect(rig.reading(2, END - 4n)).toEqual([]);
    expect(rig.reading(1, END - 5n)).toEqual([]);
  });

  it('in the far past is a time like any other', () => {
    const rig = new Rig();
    expect(rig.live(1, START)).toEqual(['target=1']);
    expect(rig.live(2, -1n)).toEqual(['target=2']);
    expect(rig.live(3, START)).toEqual([]);
    expect(rig.live(3, rig.now)).toEqual(['target=3']);
  });

  it('that an earlier version has kept unchanged blocks no later setting', () => {
    const clock = new FakeClock();
    const rig = new Rig({
      clock,
      record: {
        settings: [
          {
            type: 'target',
            key: '',
            time: END.toString(),
            value: { kind: 'float', number: '1' },
            tombstone: 0,
            origin: 'user-1',
            state: 'inForce',
            transmissions: 1,
          },
        ],
      },
    });
    expect(rig.reading(1, END)).toEqual([]);
    expect(rig.live(2, rig.now)).toEqual(['target=2']);
    expect(rig.live(3, rig.now + 1n)).toEqual(['target=3']);
    expect(rig.reading(1, END)).toEqual([]);
    expect(rig.ns()).toBe(END);
  });

  it('of a command executes it once, whatever is read, and over restarts', () => {
    const rig = new Rig();
    expect(rig.live(1, END, 'restart')).toEqual(['restart=1']);
    expect(rig.live(2, rig.now, 'restart')).toEqual([]);
    rig.harness.advance(1);
    expect(rig.live(2, rig.now, 'restart')).toEqual(['restart=2']);
    expect(rig.live(1, END, 'restart')).toEqual([]);
    rig.restart();
    expect(rig.reading(1, END, 'restart')).toEqual([]);
  });

  it('of a command that was read and passed over never executes it', () => {
    const rig = new Rig();
    const point = rig.harness.settingPoint('restart', 1, { time: END });
    rig.harness.session.state.settings.passOver(point, rig.now);
    expect(rig.reading(1, END, 'restart')).toEqual([]);
    rig.restart();
    expect(rig.reading(1, END, 'restart')).toEqual([]);
    rig.harness.advance(1);
    expect(rig.live(1, rig.now, 'restart')).toEqual(['restart=1']);
    const later = rig.harness.settingPoint('restart', 1, { time: rig.now + 5n });
    rig.harness.session.state.settings.passOver(later, rig.now);
    expect(rig.reading(1, later.time, 'restart')).toEqual([]);
  });
});

describe('a gateway whose own clock is behind', () => {
  /** Its settings were made with a good clock, in an earlier life. */
  function behind(seconds: number): { rig: Rig; true: () => bigint; first: bigint } {
    const rig = new Rig();
    const first = rig.now;
    rig.live(1, first);
    rig.live(1, first, 'restart');
    rig.harness.advance(1_000);
    const missing = BigInt(seconds) * S;
    rig.harness.clock.stepWall(-seconds * 1_000);
    rig.restart();
    return { rig, true: () => rig.now + missing, first };
  }

  describe.each([
    ['at 1970', 56 * YEAR_S],
    ['two years', 2 * YEAR_S],
    ['two minutes', 120],
  ])('%s', (_what, seconds) => {
    it('takes what people set, in order, each once', () => {
      const { rig, true: now, first } = behind(seconds);
      expect(rig.reading(1, first)).toEqual([]);
      const times: bigint[] = [rig.ns()];
      for (let value = 2; value <= 5; value++) {
        rig.harness.advance(1_000);
        const t = now();
        expect(rig.live(value, t)).toEqual([`target=${value}`]);
        expect(rig.live(value, t)).toEqual([]);
        expect(rig.reading(value, t)).toEqual([]);
        times.push(rig.ns());
      }
      expect(times).toEqual([...times].sort((a, b) => (a < b ? -1 : 1)));
      expect(new Set(times).size).toBe(5);
    });

    it('executes nothing again once its clock is set right, and all goes on', () => {
      const { rig, true: now, first } = behind(seconds);
      const [t2, c2] = [now() + 1n, now() + 2n];
      expect(rig.live(2, t2)).toEqual(['target=2']);
      expect(rig.live(2, c2, 'restart')).toEqual(['restart=2']);
      rig.harness.advance(1_000);
      const t3 = now();
      expect(rig.live(3, t3)).toEqual(['target=3']);
      rig.stepClock(seconds);
      for (let i = 0; i < 2; i++) {
        expect(rig.reading(3, t3)).toEqual([]);
        expect(rig.reading(2, t2)).toEqual([]);
        expect(rig.reading(1, first)).toEqual([]);
        expect(rig.reading(2, c2, 'restart')).toEqual([]);
        expect(rig.reading(1, first, 'restart')).toEqual([]);
        expect(rig.live(2, c2, 'restart')).toEqual([]);
        expect(rig.live(2, t2)).toEqual([]);
        rig.restart();
      }
      rig.harness.advance(1_000);
      expect(rig.live(4, rig.now)).toEqual(['target=4']);
      expect(rig.ns()).toBe(rig.now);
      expect(rig.live(3, rig.now, 'restart')).toEqual(['restart=3']);
    });
  });

  it('does not take an older setting of a good clock that comes late, once its own clock is right', () => {
    const { rig, true: now } = behind(56 * YEAR_S);
    const t = now();
    expect(rig.live(2, t)).toEqual(['target=2']);
    rig.stepClock(56 * YEAR_S);
    rig.harness.advance(1_000);
    expect(rig.live(3, t - 1n)).toEqual([]);
    expect(rig.live(3, t + 1n)).toEqual(['target=3']);
  });

  it('takes what is set on the same machine, where the clock is as wrong', () => {
    const { rig, true: now } = behind(56 * YEAR_S);
    expect(rig.live(2, rig.now)).toEqual(['target=2']);
    expect(rig.live(3, now())).toEqual(['target=3']);
    rig.harness.advance(1_000);
    expect(rig.live(4, rig.now)).toEqual(['target=4']);
  });

  it('takes what is set after its clock was ahead for a moment', () => {
    const rig = new Rig();
    rig.harness.clock.stepWall(14 * YEAR_S * 1_000);
    rig.live(1, rig.now);
    rig.stepClock(-14 * YEAR_S);
    expect(rig.live(2, rig.now)).toEqual(['target=2']);
    rig.harness.advance(1_000);
    expect(rig.live(3, rig.now)).toEqual(['target=3']);
    expect(rig.live(2, rig.now - 1n * S)).toEqual([]);
  });
});

describe('whatever times come, in whatever order', () => {
  it('each one that counts has a later time, and what was read once is never new again', () => {
    const time = (now: bigint) =>
      fc.oneof(
        fc.bigInt({ min: START, max: END }),
        fc.constantFrom(START, 0n, END - 1n, END, now, now + 59n * S, now + 61n * S),
        fc.bigInt({ min: now - 200n * S, max: now + 200n * S }),
      );
    const start = new FakeClock().wallNs();
    const step = fc.record({
      what: fc.constantFrom('live', 'live', 'reading', 'restart', 'wait', 'step'),
      time: time(start),
      value: fc.integer({ min: 0, max: 2 }),
      seconds: fc.integer({ min: -200, max: 200 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const rig = new Rig();
        let last: bigint | undefined;
        for (const { what, time: t, value, seconds } of steps) {
          if (what === 'restart') rig.restart();
          else if (what === 'wait') rig.harness.advance(Math.abs(seconds) * 1_000);
          else if (what === 'step') rig.stepClock(seconds * 1_000);
          else if (rig[what](value, t).length > 0) {
            const ns = rig.ns();
            if (last !== undefined && last < END) expect(ns).toBeGreaterThan(last);
            last = ns;
            expect(rig.reading(value, t)).toEqual([]);
            expect(rig.reading((value + 1) % 3, t)).toEqual([]);
            expect(rig.live(value, t)).toEqual([]);
          }
          rig.down();
        }
      }),
      { numRuns: 300 },
    );
  });
});
