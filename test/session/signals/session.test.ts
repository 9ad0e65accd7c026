import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SILENT_LOG } from '../../../src/point/log.js';
import {
  floatValue,
  intValue,
  makePoint,
  stringValue,
  type Point,
  type PointValue,
} from '../../../src/point/point.js';
import { NodeState, type NodeHost, type NodeOptions } from '../../../src/session/node-state.js';
import { PointBudget } from '../../../src/session/node/point-quota.js';
import type { SettingRecord } from '../../../src/session/settings/record.js';
import type { Setting } from '../../../src/session/settings/setting.js';
import {
  SignalSession,
  type SignalSessionHost,
  type SignalSessionOptions,
} from '../../../src/session/signals/session.js';
import { cansendText, parseCandumpLine } from '../../../src/signals/candump.js';
import type { Database } from '../../../src/signals/database.js';
import { planSignals, type SignalPlan } from '../../../src/signals/signal-plan.js';
import type { CanFrame } from '../../../src/transport/frame.js';
import { features, parse } from '../../signals/support.js';
import { FAKE_START_NS, FakeClock } from '../../support/fake-clock.js';
import { throwImpossible } from '../../../src/session/settings/impossible.js';

class Bus {
  readonly clock = new FakeClock();
  readonly points: Point[] = [];
  readonly sent: string[] = [];
  readonly connected: boolean[] = [];
  readonly changes: Setting[] = [];
  congested = false;
  outcome: 'taken' | 'dropped' | 'full' = 'taken';
  readonly session: SignalSession;

  constructor(
    options: Partial<SignalSessionOptions & NodeOptions> = {},
    settings: readonly SettingRecord[] = [],
    database: Database = features('dbc'),
    transmit: readonly string[] = ['Motor', 'Simple', 'Precise'],
  ) {
    const plan = planSignals(database, {
      key: '{message}_{signal}',
      transmit,
    }) as SignalPlan;
    const host: NodeHost & SignalSessionHost = {
      stream: () => 'taken',
      report: (points) => {
        if (this.outcome === 'taken') this.points.push(...points);
        return this.outcome;
      },
      connected: (connected) => this.connected.push(connected),
      settingChanged: (setting) => this.changes.push(setting),
      logged: () => undefined,
      namesChanged: () => undefined,
      staleChanged: () => undefined,
      changed: () => undefined,
    };
    const { silenceTimeoutMs = 0, ...others } = options;
    const state = new NodeState(
      host,
      { commands: [], maxPoints: 1000, silenceTimeoutMs, onImpossible: throwImpossible },
      this.clock,
      SILENT_LOG,
      new PointBudget(1000),
      settings,
    );
    this.session = new SignalSession(
      host,
      this,
      {
        plan,
        inWords: false,
        cyclic: false,
        restore: true,
        deadband: 0,
        minInterval: 0,
        maxInterval: 0,
        ...others,
      },
      this.clock,
      SILENT_LOG,
      state,
    );
  }

  write(frame: CanFrame): void {
    this.sent.push(cansendText(frame));
  }

  /** As cansend takes it. */
  receive(frame: string): void {
    const logged = parseCandumpLine(`(0) can0 ${frame}`);
    if (logged === undefined) throw new Error(`no frame: ${frame}`);
    this.session.data(logged.frame);
  }

  set(
    key: string,
    value: PointValue,
    time = this.clock.wallNs(),
    type = 'value',
  ): Setting | undefined {
    return this.session.settings.set(makePoint({ type, key, value, time, origin: 'somebody' }));
  }

  values(type = 'value'): [string, unknown][] {
    return this.points
      .filter((point) => point.type === type)
      .map(({ key, value }) => [key, value.kind === 'float' ? value.number : value]);
  }
}

const MOTOR = '123#7D00F60BFFEFD280';

describe('frames of a bus', () => {
  it('have their unit said once it was taken, not before', () => {
    const bus = new Bus();
    bus.session.opened();
    bus.outcome = 'dropped';
    bus.receive(MOTOR);
    bus.outcome = 'taken';
    bus.receive('123#7E00F60BFFEFD280');
    expect(bus.values('units')).toContainEqual(['Motor_Speed', stringValue('rpm')]);
  });

  it('become points, with unit and comment once', () => {
    const bus = new Bus();
    bus.session.opened();
    bus.receive(MOTOR);
    bus.receive('123#7E00F60BFFEFD280');
    expect(bus.values()).toEqual([
      ['Motor_Speed', 12.5],
      ['Motor_Temperature', -45],
      ['Motor_Gear', 3],
      ['Motor_Running', 1],
      ['Motor_Torque', -0.5],
      ['Motor_Angle', 80],
      ['Motor_Speed', 12.6],
    ]);
    expect(bus.values('units')).toEqual([
      ['Motor_Speed', stringValue('rpm')],
      ['Motor_Temperature', stringValue('°C')],
      ['Motor_Torque', stringValue('Nm')],
      ['Motor_Angle', stringValue('deg')],
    ]);
    expect(bus.values('description')).toEqual([
      ['Motor_Speed', stringValue('Of the shaft,\nover two lines.')],
    ]);
    expect(bus.points[0]).toMatchObject({ origin: '', tombstone: 0, time: FAKE_START_NS });
    expect(bus.session.state.counters.rx).toBe(2);
  });

  it('say nothing of units that SIOT has', () => {
    const bus = new Bus();
    bus.session.settings.shown([
      makePoint({ type: 'units', key: 'Motor_Speed', value: stringValue('rpm') }),
    ]);
    bus.receive('123#7D00');
    expect(bus.values('units')).toEqual([]);
  });

  it('may come as words', () => {
    const bus = new Bus({ inWords: true });
    bus.receive('123#7D00F60B');
    expect(bus.values()).toContainEqual([
      'Motor_Gear',
      { kind: 'string', text: 'third', number: 3 },
    ]);
    expect(bus.values()).toContainEqual(['Motor_Speed', 12.5]);
  });

  it('keep all digits of what no double holds', () => {
    const bus = new Bus();
    bus.receive('00000123#FFFFFFFFFFFFFFFF');
    expect(bus.values()).toEqual([
      ['MotorExtended_Counter', { kind: 'string', text: '18446744073709551615', number: 2 ** 64 }],
    ]);
  });

  it('leave out what is not a number, and what the database does not know', () => {
    const bus = new Bus();
    bus.receive('201##00000C07F000000000000F07F');
    bus.receive('7FF#00');
    bus.receive('123#R');
    expect(bus.values()).toEqual([['Floats_Double', 1]]);
    expect(bus.session.state.counters.get('nan')).toBe(1);
    expect(bus.session.state.counters.rx).toBe(1);
  });

  it('are published no more often than configured, and the last one is published', () => {
    const bus = new Bus({ minInterval: 1000 });
    for (let i = 0; i < 100; i++) {
      bus.receive(`123#${i.toString(16).padStart(2, '0')}00`);
      bus.clock.advance(25);
    }
    bus.clock.advance(1000);
    expect(bus.values().map(([, value]) => value)).toEqual([0, 3.9, 7.9, 9.9]);
  });

  it('wait when there is no room for points, the newest of each', () => {
    const bus = new Bus();
    bus.outcome = 'full';
    bus.receive('123#0100');
    bus.receive('123#0200');
    bus.outcome = 'taken';
    bus.clock.advance(1000);
    expect(bus.values()).toEqual([['Motor_Speed', 0.2]]);
    expect(bus.values('units')).toHaveLength(1);
  });

  it('show that the bus is alive, and how long it must be silent to be gone', () => {
    const bus = new Bus({ silenceTimeoutMs: 1000 });
    bus.session.opened();
    expect(bus.connected).toEqual([]);
    bus.receive(MOTOR);
    bus.clock.advance(900);
    bus.receive(MOTOR);
    bus.clock.advance(900);
    expect(bus.connected).toEqual([true]);
    bus.clock.advance(200);
    expect(bus.connected).toEqual([true, false]);
    bus.session.closed();
    expect(bus.clock.pendingTimers).toBe(0);
  });
});

describe('settings', () => {
  it('become frames, and are in force when these are written', () => {
    const bus = new Bus();
    bus.session.opened();
    const setting = bus.set('Motor_Speed', floatValue(12.5));
    // The start value of Temperature beside it.
    expect(bus.sent).toEqual(['123#7D00500000000000']);
    expect(setting?.state).toBe('inForce');
    expect(setting?.confirmedBy).toBe('bus');
    bus.clock.advance(1);
    bus.set('Motor_Gear', stringValue('third'));
    expect(bus.sent.at(-1)).toBe('123#7D00500300000000');
    expect(bus.session.downlink.pendingCount).toBe(0);
  });

  it('keep what others have sent in the same message', () => {
    const bus = new Bus();
    bus.session.opened();
    bus.receive(MOTOR);
    bus.set('Motor_Speed', intValue(1n));
    expect(bus.sent).toEqual(['123#0A00F60BFFE00280']);
    bus.receive('123#7D00F60AFFEFD280');
    bus.clock.advance(1);
    bus.set('Motor_Running', floatValue(0));
    expect(bus.sent.at(-1)).toBe('123#0A00F602FFE00280');
  });

  it('of multiplexed signals select them', () => {
    const bus = new Bus();
    bus.session.opened();
    bus.set('Simple_High', floatValue(-2));
    expect(bus.sent).toEqual(['300#01FFFE0000000000']);
  });

  it('carry all digits', () => {
    const bus = new Bus();
    bus.session.opened();
    bus.set('Precise_Energy', stringValue('9223372036854775.807'));
    expect(bus.sent).toEqual(['200#7FFFFFFFFFFFFFFF']);
  });

  it('wait for the interface, and say so', () => {
    const bus = new Bus();
    const setting = bus.set('Motor_Speed', floatValue(1));
    if (setting === undefined) throw new Error('not taken');
    expect([bus.sent, bus.session.downlink.pending()]).toEqual([[], [setting]]);
    expect(bus.session.downlink.reason(setting)).toBe('the interface is not there');
    bus.session.opened();
    expect(bus.sent).toHaveLength(1);
    expect(setting.state).toBe('inForce');
  });

  it('are pending while the interface takes no frames', () => {
    const bus = new Bus();
    bus.session.opened();
    bus.congested = true;
    const setting = bus.set('Motor_Speed', floatValue(1));
    bus.clock.advance(1000);
    expect(setting?.state).toBe('pending');
    bus.congested = false;
    bus.clock.advance(1000);
    expect(setting?.state).toBe('inForce');
    expect(bus.sent).toHaveLength(1);
  });

  it('that no frame can carry stay pending with the reason, and harm no others', () => {
    const bus = new Bus();
    bus.session.opened();
    const tooMuch = bus.set('Motor_Speed', floatValue(7000));
    const unknown = bus.set('Motor_Gear', stringValue('tenth'));
    expect(bus.sent).toEqual([]);
    const reasons = [tooMuch, unknown].map((one) => one && bus.session.downlink.reason(one));
    expect(reasons).toEqual([
      'the value is outside 0 to 6553.5 rpm',
      '"tenth" is no value; give 0 to 7, or first, second, third, not available',
    ]);
    bus.clock.advance(1);
    expect(bus.set('Motor_Speed', floatValue(1))?.state).toBe('inForce');
    expect(bus.sent).toEqual(['123#0A00500000000000']);
  });

  it('of other messages and types are refused and counted', () => {
    const bus = new Bus();
    bus.session.opened();
    expect(bus.set('Nested_Outer', floatValue(1))).toBeUndefined();
    expect(bus.set('Motor_Speed', floatValue(1), undefined, 'setpoint')).toBeUndefined();
    expect(bus.session.state.counters.get('refusedSetting')).toBe(2);
    expect(bus.sent).toEqual([]);
  });

  it('count only when they are newer', () => {
    const bus = new Bus();
    bus.session.opened();
    bus.set('Motor_Speed', floatValue(1));
    expect(bus.set('Motor_Speed', floatValue(2), FAKE_START_NS - 1n)).toBeUndefined();
    expect(bus.sent).toHaveLength(1);
  });

  it('survive a restart of the gateway, and go out once when the interface is back', () => {
    const before = new Bus();
    before.session.opened();
    before.set('Motor_Speed', floatValue(12.5));
    before.set('Motor_Gear', floatValue(3));
    const records = before.session.state.settings.records();
    const after = new Bus({}, records);
    after.session.opened();
    expect(after.sent).toEqual(['123#7D00500300000000']);
    const kept = new Bus({ restore: false }, records);
    kept.session.opened();
    expect(kept.sent).toEqual([]);
    kept.clock.advance(1);
    kept.set('Motor_Running', floatValue(1));
    expect(kept.sent).toEqual(['123#7D00500B00000000']);
  });

  it('are published once more where frames have overtaken them', () => {
    const bus = new Bus();
    bus.session.opened();
    bus.clock.advance(10);
    bus.receive('123#7D00');
    bus.set('Motor_Speed', floatValue(1), FAKE_START_NS + 1n);
    expect(bus.values()).toEqual([
      ['Motor_Speed', 12.5],
      ['Motor_Speed', 1],
    ]);
  });

  it('are sent again and again where the database gives a cycle time and the link is to keep it', () => {
    const bus = new Bus({ cyclic: true });
    bus.session.opened();
    bus.clock.advance(1000);
    expect(bus.sent).toEqual([]);
    bus.set('Motor_Speed', floatValue(1));
    bus.clock.advance(250);
    expect(bus.sent).toHaveLength(3);
    bus.session.closed();
    bus.clock.advance(1000);
    expect(bus.sent).toHaveLength(3);
  });

  it('are not sent again while the bus has not taken the last frame', () => {
    const bus = new Bus({ cyclic: true });
    bus.session.opened();
    bus.set('Motor_Speed', floatValue(1));
    bus.congested = true;
    bus.clock.advance(1000);
    expect(bus.sent).toHaveLength(1);
    bus.congested = false;
    bus.clock.advance(100);
    expect(bus.sent).toHaveLength(2);
    bus.session.closed();
    expect(bus.clock.pendingTimers).toBe(0);
  });

  it('that are replaced while the bus takes nothing wait as one frame, and only the newest goes out', () => {
    const bus = new Bus();
    bus.session.opened();
    bus.congested = true;
    for (let speed = 1; speed <= 1000; speed += 1) {
      bus.set('Motor_Speed', floatValue(speed));
      bus.clock.advance(1);
    }
    const gear = bus.set('Motor_Gear', floatValue(3));
    expect(bus.sent).toEqual([]);
    bus.congested = false;
    bus.clock.advance(100);
    expect(bus.sent).toEqual(['123#1027500300000000']);
    expect(gear?.state).toBe('inForce');
    expect(bus.session.state.settings.get('value', 'Motor_Speed')?.inForce).toBe(true);
  });

  it('do not overtake frames that wait, also when there is room again', () => {
    const bus = new Bus();
    bus.session.opened();
    bus.congested = true;
    bus.set('Motor_Speed', floatValue(1));
    bus.clock.advance(5);
    bus.congested = false;
    bus.set('Motor_Speed', floatValue(2));
    bus.clock.advance(100);
    expect(bus.sent.at(-1)).toBe('123#1400500000000000');
  });

  it('of different multiplexers wait as one frame each, the one that was set last at the end', () => {
    const bus = new Bus();
    bus.session.opened();
    bus.congested = true;
    bus.set('Simple_Low', floatValue(1));
    bus.set('Simple_High', floatValue(2));
    bus.clock.advance(1);
    bus.set('Simple_Low', floatValue(3));
    bus.congested = false;
    bus.clock.advance(100);
    expect(bus.sent).toEqual(['300#0100020000000000', '300#0003000000000000']);
  });

  it('that wait are forgotten with the channel, and sent when it is open again', () => {
    const bus = new Bus();
    bus.session.opened();
    bus.congested = true;
    bus.set('Motor_Speed', floatValue(1));
    bus.session.closed();
    expect(bus.clock.pendingTimers).toBe(0);
    bus.congested = false;
    bus.session.opened();
    bus.clock.advance(100);
    expect(bus.sent).toHaveLength(1);
  });

  it('that were replaced before the bus took their frame are never in force', () => {
    const bus = new Bus();
    bus.session.opened();
    bus.congested = true;
    const first = bus.set('Motor_Speed', floatValue(1));
    bus.clock.advance(1);
    const second = bus.set('Motor_Speed', floatValue(2));
    bus.congested = false;
    bus.clock.advance(100);
    expect([first?.inForce, second?.inForce]).toEqual([false, true]);
  });

  it('wait while the link is held', () => {
    const bus = new Bus();
    bus.session.hold(true);
    bus.session.opened();
    bus.set('Motor_Speed', floatValue(1));
    expect(bus.sent).toEqual([]);
    bus.session.hold(false);
    expect(bus.sent).toHaveLength(1);
  });
});

describe('settings on several pages of a multiplexed message', () => {
  const LOW = '300#0001000000000000';
  const HIGH = '300#0100020000000000';
  /** Low on page 0, then High on page 1. */
  const setBoth = (bus: Bus) => {
    const low = bus.set('Simple_Low', floatValue(1));
    bus.clock.advance(1);
    return [low, bus.set('Simple_High', floatValue(2))];
  };

  it('are all sent when the interface comes, the newest last, and in force then', () => {
    const bus = new Bus();
    const both = setBoth(bus);
    bus.session.opened();
    expect(bus.sent).toEqual([LOW, HIGH]);
    expect(both.map((one) => one?.inForce)).toEqual([true, true]);
  });

  it('are all restored, also after a restart of the gateway', () => {
    const bus = new Bus();
    bus.session.opened();
    setBoth(bus);
    bus.session.closed();
    bus.sent.length = 0;
    bus.session.opened();
    expect(bus.sent).toEqual([LOW, HIGH]);
    const later = new Bus({}, bus.session.state.settings.records());
    later.session.opened();
    expect(later.sent).toEqual([LOW, HIGH]);
  });

  it('go out on their pages, whatever others have shown since', () => {
    const bus = new Bus();
    bus.set('Simple_Low', floatValue(1));
    bus.clock.advance(1);
    bus.set('Simple_Always', floatValue(5));
    bus.receive('300#0100090000000000');
    bus.session.opened();
    expect(bus.sent).toEqual(['300#0001000500000000']);
  });

  it('share a frame where they can, and a page that was set itself counts as one', () => {
    const bus = new Bus();
    for (const [name, value] of [
      ['Always', 5],
      ['Low', 1],
      ['Page', 1],
    ] as const) {
      bus.set(`Simple_${name}`, floatValue(value));
      bus.clock.advance(1);
    }
    bus.session.opened();
    expect(bus.sent).toEqual(['300#0001000500000000', '300#0100000500000000']);
  });

  it('are never put in force by a frame that does not hold them, though their pages overlap', () => {
    const multiplexed = (name: string, start: number, ranges: string) =>
      ` SG_ ${name} m0 : ${start}|8@1+ (1,0) [0|0] "" X\n${ranges}`;
    const text =
      'BO_ 1 M: 8 X\n SG_ Page M : 0|8@1+ (1,0) [0|0] "" X\n' +
      [8, 16, 24].map((start, at) => multiplexed('ABC'[at] ?? '', start, '')).join('') +
      'SG_MUL_VAL_ 1 A Page 1-9;\nSG_MUL_VAL_ 1 B Page 2-3;\nSG_MUL_VAL_ 1 C Page 3-4;\n';
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.record({ set: fc.constantFrom('A', 'B', 'C', 'Page'), value: fc.nat(9) }),
            fc.record({ foreign: fc.nat(9) }),
            fc.constantFrom('open' as const, 'close' as const),
          ),
          { maxLength: 30 },
        ),
        (steps) => {
          const bus = new Bus({}, [], parse(text), ['M']);
          let open = false;
          for (const step of [...steps, 'open' as const]) {
            bus.clock.advance(1);
            if (typeof step === 'string') {
              if ((step === 'open') === open) continue;
              open = !open;
              if (open) bus.session.opened();
              else bus.session.closed();
            } else if ('foreign' in step) bus.receive(`001#0${step.foreign}00000000000000`);
            else bus.set(`M_${step.set}`, floatValue(step.value));
          }
          const decoded = bus.sent.map((frame) => Buffer.from(frame.slice(4), 'hex'));
          for (const [at, name] of ['A', 'B', 'C'].entries()) {
            const setting = bus.session.state.settings.get('value', `M_${name}`);
            if (setting === undefined) continue;
            const [from = 0, to = 0] =
              [
                [1, 9],
                [2, 3],
                [3, 4],
              ][at] ?? [];
            const { number } = setting.point.value as { number: number };
            const last = decoded.findLast(([page = 0]) => page >= from && page <= to);
            expect([setting.inForce, last?.[1 + at]]).toEqual([true, number]);
          }
        },
      ),
      // B and C share page 3, and neither is sent as long as Page is 4.
      {
        examples: [
          [
            [
              { set: 'Page', value: 4 },
              { set: 'B', value: 0 },
              { set: 'C', value: 0 },
              { set: 'B', value: 0 },
            ],
          ],
        ],
      },
    );
  });

  const cyclicBus = (): Bus => {
    const database = features('dbc');
    const messages = database.messages.map((one) =>
      one.name === 'Simple' ? { ...one, cycleMs: 50 } : one,
    );
    return new Bus({ cyclic: true }, [], { ...database, messages });
  };

  it('are sent in turn also while one of them is set again and again', () => {
    const bus = cyclicBus();
    bus.session.opened();
    setBoth(bus);
    bus.sent.length = 0;
    for (let value = 3; value < 23; value += 1) {
      bus.clock.advance(45);
      bus.set('Simple_High', floatValue(value));
    }
    const low = bus.sent.filter((frame) => frame === LOW);
    expect(low.length).toBeGreaterThanOrEqual(8);
  });

  it('are sent in turn at the cycle time', () => {
    const bus = cyclicBus();
    bus.session.opened();
    setBoth(bus);
    bus.sent.length = 0;
    bus.receive('300#0200000000000000');
    bus.clock.advance(200);
    expect(bus.sent).toEqual([LOW, HIGH, LOW, HIGH]);
  });
});

it('cyclic frames go on after the interface was away, also where nothing is to be restored', () => {
  const bus = new Bus({ cyclic: true, restore: false });
  bus.session.opened();
  bus.set('Motor_Speed', floatValue(1));
  bus.session.closed();
  bus.sent.length = 0;
  bus.session.opened();
  expect(bus.sent).toEqual([]);
  bus.clock.advance(250);
  expect(bus.sent).toHaveLength(2);
});

it('a word that somebody sets is a text of the signal, or else what it is for any device', () => {
  const word = (bus: Bus, key: string, text: string) =>
    bus.session.settings.valueOfWord('value', key, text);
  const bus = new Bus();
  expect(word(bus, 'Motor_Gear', 'second')).toEqual(stringValue('second'));
  expect(word(bus, 'Motor_Gear', '2')).toEqual(floatValue(2));
  expect(word(bus, 'Motor_Speed', 'off')).toEqual(floatValue(0));
  expect(word(bus, 'Motor_Speed', 'fast')).toEqual(stringValue('fast'));
  const named = new Bus({ inWords: true });
  named.session.opened();
  named.receive('123#7D00F609FFEFD280');
  expect(word(named, 'Motor_Gear', 'off')).toEqual(stringValue('off'));
});
