import { describe, expect, it } from 'vitest';
import { Statistics } from '../../../src/gateway/link/statistics.js';
import type { LimitCause } from '../../../src/gateway/link/limits.js';
import { SILENT_LOG } from '../../../src/point/log.js';
import { floatValue, makePoint, numberOf, textOf, type Point } from '../../../src/point/point.js';
import { tokenProblem } from '../../../src/point/token.js';
import type { BusStatus } from '../../../src/transport/transport.js';
import { Counters } from '../../../src/session/node/counters.js';
import { FAKE_START_NS, FakeClock } from '../../support/fake-clock.js';

function rig(bus: () => BusStatus | undefined = () => undefined) {
  const clock = new FakeClock();
  const counters = new Counters(clock, SILENT_LOG);
  const load = { pending: 0, full: false };
  const limits = new Map<LimitCause, boolean>();
  const stale = new Map<string, boolean>();
  const statistics = new Statistics(counters, clock, {
    limited: limits,
    stale,
    get pendingCount() {
      return load.pending;
    },
    get outboxFull() {
      return load.full;
    },
    get bus() {
      return bus();
    },
    file: undefined,
  });
  return { clock, counters, load, limits, stale, statistics };
}

const shown = (points: readonly Point[]): Record<string, number> =>
  Object.fromEntries(
    points.map(({ type, key, value }) => [key === '0' ? type : `${type}/${key}`, numberOf(value)]),
  );

const stored = (type: string, number: number, given: Partial<Point> = {}): Point =>
  makePoint({ type, key: '0', value: floatValue(number), time: FAKE_START_NS - 1n, ...given });

const reset = (type: string, given: Partial<Point> = {}): Point =>
  stored(type, 1, { origin: 'user-1', time: FAKE_START_NS, ...given });

describe('statistics of a link', () => {
  it('have SIOT’s names, all of them at first and then those that changed', () => {
    const { clock, counters, load, statistics } = rig();
    expect(shown(statistics.changed())).toEqual({
      rx: 0,
      tx: 0,
      hrRx: 0,
      errorCount: 0,
      errorCountHR: 0,
      rate: 0,
      rateHR: 0,
      pending: 0,
      gatewayOutboxFull: 0,
    });
    clock.advance(5_000);
    expect(statistics.changed()).toEqual([]);
    counters.rx += 10;
    counters.points += 25;
    load.pending = 2;
    load.full = true;
    clock.advance(5_000);
    expect(shown(statistics.changed())).toEqual({
      rx: 10,
      rate: 5,
      pending: 2,
      gatewayOutboxFull: 1,
    });
    load.full = false;
    counters.tx += 1;
    counters.hrRx += 50;
    load.pending = 0;
    clock.advance(5_000);
    expect(shown(statistics.changed())).toEqual({
      tx: 1,
      hrRx: 50,
      rate: 0,
      rateHR: 10,
      pending: 0,
      gatewayOutboxFull: 0,
    });
    // The stream has stopped.
    clock.advance(5_000);
    expect(shown(statistics.changed())).toEqual({ rateHR: 0 });
  });

  it('have no rate over a very short time', () => {
    const { clock, counters, statistics } = rig();
    statistics.all(false);
    counters.points += 1;
    clock.advance(2);
    expect(shown(statistics.changed())).toEqual({});
    clock.advance(998);
    expect(shown(statistics.changed())).toEqual({ rate: 1 });
  });

  it('are the node’s own: blank origin, alive, with the key that stores keep', () => {
    const { counters, statistics } = rig();
    counters.discard('crc', {});
    for (const point of [...statistics.changed(), statistics.connected(true)]) {
      expect(point).toMatchObject({ origin: '', tombstone: 0 });
      expect(tokenProblem(point.type)).toBeUndefined();
      expect(tokenProblem(point.key)).toBeUndefined();
    }
  });

  it('have a count for each cause, under its name as key', () => {
    const { counters, statistics } = rig();
    statistics.changed();
    counters.discard('crc', {}, 3);
    counters.notice('restart');
    expect(shown(statistics.changed())).toEqual({
      errorCount: 3,
      'gatewayCount/crc': 3,
      'gatewayCount/restart': 1,
    });
    counters.discard('crc', {});
    expect(shown(statistics.changed())).toEqual({ errorCount: 4, 'gatewayCount/crc': 4 });
  });
});

describe('times of statistics', () => {
  it('always increase, also when the clock steps back, and when all are published anew', () => {
    const { clock, counters, statistics } = rig();
    const last = new Map<string, bigint>();
    const check = (points: readonly Point[]): void => {
      for (const { type, key, time } of points) {
        const before = last.get(`${type}/${key}`) ?? 0n;
        expect(time, `${type}/${key}`).toBeGreaterThan(before);
        last.set(`${type}/${key}`, time);
      }
    };
    counters.discard('crc', {});
    check(statistics.all(false));
    check([statistics.connected(true)]);
    check(statistics.all(true));
    clock.stepWall(-3_600_000);
    check([statistics.connected(false)]);
    counters.rx += 1;
    check(statistics.changed());
    check(statistics.reset(reset('rxReset')));
    check(statistics.all(true));
    check(statistics.all(true));
    check([statistics.connected(false), statistics.connected(true)]);
    expect(last.size).toBe(12);
    clock.advance(4_000_000);
    check(statistics.all(true));
    expect(last.get('connected/0')).toBe(clock.wallNs());
  });

  it('are later than what SIOT has from before a start with a slow clock', () => {
    const { clock, statistics } = rig();
    statistics.all(true);
    const before = clock.wallNs() + 3_600_000_000_000n;
    const points = statistics.read([stored('connected', 0, { time: before })], true);
    expect(shown(points)).toMatchObject({ connected: 1 });
    expect(points.find(({ type }) => type === 'connected')?.time).toBeGreaterThan(before);
    const gone = statistics.connected(false);
    expect(gone.time).toBeGreaterThan(before + 1n);
  });
});

describe('counters', () => {
  const before = [
    stored('rx', 100),
    stored('tx', 20),
    stored('errorCount', 7),
    stored('gatewayCount', 5, { key: 'crc' }),
    stored('rate', 12),
    stored('pending', 3),
  ];

  it('go on from what SIOT has, and are corrected there at once', () => {
    const { counters, statistics } = rig();
    counters.rx = 2;
    statistics.all(false);
    expect(shown(statistics.read(before, false))).toMatchObject({
      rx: 102,
      tx: 20,
      errorCount: 7,
    });
    counters.discard('crc', {});
    expect(shown(statistics.changed())).toEqual({ errorCount: 8, 'gatewayCount/crc': 6 });
    expect(statistics.value('rx')).toBe(102);
    expect(statistics.causes().get('crc')).toBe(6);
  });

  it('do so once only: later values in SIOT are their own', () => {
    const { statistics } = rig();
    statistics.all(false);
    statistics.read(before, false);
    const again = statistics.changed();
    expect(again).toEqual([]);
    expect(statistics.read(before, false)).toEqual([]);
    expect(statistics.value('rx')).toBe(100);
  });

  it('take no value of others, and none that is no count', () => {
    const { statistics } = rig();
    statistics.read(
      [
        stored('rx', 100, { origin: 'user-1' }),
        stored('tx', Number.NaN),
        stored('hrRx', -5),
        stored('errorCount', 1e300),
        stored('gatewayCount', 1.5, { key: 'crc' }),
      ],
      false,
    );
    expect(statistics.changed()).toEqual([]);
    for (const name of ['rx', 'tx', 'hrRx', 'errorCount'] as const) {
      expect(statistics.value(name)).toBe(0);
    }
    expect(statistics.causes().get('crc')).toBeUndefined();
  });

  it('are published again where SIOT has something else, and later', () => {
    const { clock, statistics } = rig();
    statistics.all(true);
    clock.advance(10);
    const later = stored('pending', 9, { time: clock.wallNs() });
    statistics.read([], true);
    expect(shown(statistics.read([later], true))).toEqual({ pending: 0 });
    expect(statistics.read([later], true)).toEqual([]);
  });
});

describe('resets', () => {
  it.each([
    ['rxReset', 'rx'],
    ['txReset', 'tx'],
    ['hrRxReset', 'hrRx'],
    ['errorCountReset', 'errorCount'],
    ['errorCountResetHR', 'errorCountHR'],
  ] as const)('by writing 1 to %s', (type, counted) => {
    const { counters, statistics } = rig();
    counters[counted] = 5;
    statistics.read([stored(counted, 100)], false);
    expect(statistics.value(counted)).toBe(105);
    expect(shown(statistics.reset(reset(type)))).toEqual({ [type]: 0, [counted]: 0 });
    expect(statistics.value(counted)).toBe(0);
    counters[counted] += 2;
    expect(shown(statistics.changed())).toEqual({ [counted]: 2 });
  });

  it('need a 1 that is not deleted', () => {
    const { counters, statistics } = rig();
    counters.rx = 5;
    for (const odd of [
      reset('rxReset', { value: floatValue(0) }),
      reset('rxReset', { value: floatValue(2) }),
      reset('rxReset', { tombstone: 1 }),
      reset('rx'),
    ]) {
      expect(statistics.reset(odd)).toEqual([]);
    }
    expect(statistics.value('rx')).toBe(5);
  });

  it('are done also for a person whose clock is ahead: SIOT takes the 0', () => {
    const { clock, statistics } = rig();
    const ahead = clock.wallNs() + 3_600_000_000_000n;
    const [flag] = statistics.reset(reset('rxReset', { time: ahead }));
    expect(flag?.time).toBeGreaterThan(ahead);
  });

  it('stay when the older values of SIOT are read only afterwards', () => {
    const { counters, statistics } = rig();
    counters.rx = 5;
    statistics.all(false);
    statistics.reset(reset('rxReset'));
    statistics.read([stored('rx', 100), stored('tx', 20)], false);
    expect([statistics.value('rx'), statistics.value('tx')]).toEqual([0, 20]);
  });
});

describe('statistics of a link on a bus', () => {
  const ofBus = (points: readonly Point[]): Record<string, string | number> =>
    Object.fromEntries(
      points
        .filter(({ type }) => type.startsWith('gatewayBus'))
        .map(({ type, key, value }) => [
          `${type}/${key}`,
          value.kind === 'string' ? textOf(value) : numberOf(value),
        ]),
    );

  it('show the state of the bus: only what is known of it, and only what has changed', () => {
    let bus: BusStatus | undefined = { state: 'up', lost: 0, busOffs: 0 };
    const { statistics } = rig(() => bus);
    expect(ofBus(statistics.changed())).toEqual({
      'gatewayBusState/0': 'up',
      'gatewayBusLost/0': 0,
      'gatewayBusOffs/0': 0,
    });
    bus = { state: 'error-passive', errors: { tx: 128, rx: 3 }, load: 45.5, lost: 7, busOffs: 0 };
    expect(ofBus(statistics.changed())).toEqual({
      'gatewayBusState/0': 'error-passive',
      'gatewayBusErrors/tx': 128,
      'gatewayBusErrors/rx': 3,
      'gatewayBusLoad/0': 45.5,
      'gatewayBusLost/0': 7,
    });
    bus = { ...bus, state: 'bus-off', busOffs: 1 };
    expect(ofBus(statistics.changed())).toEqual({
      'gatewayBusState/0': 'bus-off',
      'gatewayBusOffs/0': 1,
    });
    bus = undefined;
    expect(ofBus(statistics.changed())).toEqual({});
  });
});
