/** What is known of points, by the configuration and by the device, over the whole session. */
import { describe, expect, it } from 'vitest';
import { isNeverSentDown } from '../../../src/point/reserved.js';
import { floatValue, makePoint, plainValue, stringValue } from '../../../src/point/point.js';
import { numberIn, type PointLike } from '../../../firmware-sim/points.js';
import type { PointInfo } from '../../../src/point/point-info.js';
import { Counters } from '../../../src/session/node/counters.js';
import { MOST_TOLD, PointInfos } from '../../../src/session/node/point-infos.js';
import { FakeClock } from '../../support/fake-clock.js';
import { complaints, recordingLog } from '../../support/recording-log.js';
import { ackAll, SessionHarness, type HarnessOptions } from '../../support/session-harness.js';

const announcement = (key: string, info: object): PointLike => ({
  type: 'pointInfo',
  key,
  value: { json: JSON.stringify(info) },
});

const published = (harness: SessionHarness): string[] =>
  harness.published.map(({ type, key, value }) => `${type}/${key}=${String(plainValue(value))}`);

describe.each(['compact', 'protobuf'] as const)('what a %s device announces', (device) => {
  const talking = (options: HarnessOptions = {}) => SessionHarness.talking({ device, ...options });
  const infosOf = ({ session }: SessionHarness) => session.state.infos;

  it('is known from then on, and goes to SIOT like any point', () => {
    const harness = talking();
    expect(infosOf(harness).version).toBeUndefined();
    harness.points([
      announcement('flow', { kind: 'number', unit: 'l/min' }),
      announcement('flow/second', { name: 'Second flow' }),
    ]);
    expect(infosOf(harness).of('flow', '')).toEqual({ kind: 'number', unit: 'l/min' });
    expect(infosOf(harness).of('flow', 'second')).toEqual({
      name: 'Second flow',
      kind: 'number',
      unit: 'l/min',
    });
    expect(published(harness)).toContain('pointInfo/flow={"kind":"number","unit":"l/min"}');
    expect([...infosOf(harness).all()].map(({ type, key }) => [type, key])).toEqual([
      ['flow', undefined],
      ['flow', 'second'],
    ]);
  });

  it('loses against the configuration, field by field', () => {
    const harness = talking({
      points: { flow: { unit: 'm³/h' }, 'flow/second': { max: 5 } },
    });
    harness.points([
      announcement('flow', { unit: 'l/min', name: 'Flow', max: 100 }),
      announcement('flow/second', { name: 'Second', unit: 'gal', max: 7 }),
    ]);
    expect(infosOf(harness).of('flow', '')).toEqual({ unit: 'm³/h', name: 'Flow', max: 100 });
    expect(infosOf(harness).of('flow', 'second')).toEqual({ unit: 'm³/h', name: 'Second', max: 5 });
  });

  it('is counted and told once where it cannot be used, and the rest is used', () => {
    const harness = talking();
    const bad: PointLike = { type: 'pointInfo', key: 'flow', value: '{"unit":"l","min":"a"}' };
    const points = [bad, { type: 'pointInfo', key: 'temp', value: 'bar' }];
    for (let times = 0; times < 3; times += 1) harness.points(points);
    expect(harness.count('badPointInfo')).toBe(6);
    expect(complaints(harness.log)).toHaveLength(2);
    expect(infosOf(harness).of('flow', '')).toEqual({ unit: 'l' });
    expect(infosOf(harness).of('temp', '')).toEqual({});
    expect([...infosOf(harness).all()].map(({ type }) => type)).toEqual(['flow']);
  });

  it('is told once of each key, whatever the device says by turns, and of so many keys', () => {
    const harness = talking();
    for (let times = 0; times < 3; times += 1) {
      harness.points([
        announcement('', { unit: 'V' }),
        announcement('connected', { unit: 'V' }),
        { type: 'pointInfo', key: 'flow', value: 'bar' },
        { type: 'pointInfo', key: 'flow', value: '{"min":"a"}' },
      ]);
    }
    expect(harness.count('badPointInfo')).toBe(12);
    expect(complaints(harness.log)).toHaveLength(4);
    for (let key = 0; key < 2 * MOST_TOLD; key += 1) {
      harness.points([{ type: 'pointInfo', key: `flow/${key}`, value: 'bar' }]);
    }
    expect(complaints(harness.log)).toHaveLength(MOST_TOLD);
  });

  it('cannot be of points that belong to the gateway', () => {
    const harness = talking();
    harness.points([announcement('connected', { unit: 'V' }), announcement('', { unit: 'V' })]);
    expect(harness.count('badPointInfo')).toBe(2);
    expect([...infosOf(harness).all()]).toEqual([]);
  });

  it('ends with an empty text, and with a tombstone', () => {
    const harness = talking();
    harness.points([announcement('flow', { unit: 'l' }), announcement('temp', { unit: 'K' })]);
    const before = infosOf(harness).version;
    harness.points([
      { type: 'pointInfo', key: 'flow', value: '' },
      { ...announcement('temp', { unit: 'K' }), tombstone: 1 },
    ]);
    expect(before).toBeDefined();
    expect(infosOf(harness).version).toBeUndefined();
  });

  it('has room for as many as the link may have points, and for so many characters', () => {
    const harness = talking({ maxPoints: 3 });
    harness.points(['a', 'b', 'c', 'd'].map((type) => announcement(type, { unit: 'V' })));
    expect([...infosOf(harness).all()].map(({ type }) => type)).toEqual(['a', 'b', 'c']);
    expect(harness.count('badPointInfo')).toBe(1);

    const long = talking({ maxFrameLength: 8_192 });
    for (let at = 0; at < 70; at += 1) {
      long.points([announcement(`t${at}`, { name: 'n', x: 'x'.repeat(4_000) })]);
    }
    const { length } = [...infosOf(long).all()];
    expect(length).toBeGreaterThan(60);
    expect(length).toBeLessThan(70);
  });

  it('survives a restart of the gateway, with the same version', () => {
    const harness = talking({ points: { temp: { unit: 'K' } } });
    harness.points([announcement('flow', { unit: 'l' })]);
    const second = harness.reborn();
    expect(infosOf(second).of('flow', '')).toEqual({ unit: 'l' });
    expect(infosOf(second).version).toBe(infosOf(harness).version);
    expect(infosOf(talking()).version).not.toBe(infosOf(harness).version);
  });
});

describe('what is known of points', () => {
  /** And the calls of its listener: the type, and of how many targets something is known. */
  const heardBy = (configured: Readonly<Record<string, PointInfo>> = {}) => {
    const log = recordingLog([]);
    const told: [string, number][] = [];
    const listener = {
      infoChanged: (type: string, known: Iterable<unknown>) =>
        void told.push([type, [...known].length]),
    };
    const counters = new Counters(new FakeClock(), log);
    const infos = new PointInfos(configured, 10_000, counters, log, () => undefined, listener);
    return { infos, told };
  };

  it('is joined from the type and the key in whichever order the configuration has them', () => {
    for (const points of [
      { temp: { unit: 'K' }, 'temp/slow': { maxAge: 60 } },
      { 'temp/slow': { maxAge: 60 }, temp: { unit: 'K' } },
    ]) {
      const { infos } = heardBy(points);
      expect(infos.of('temp', 'slow')).toEqual({ unit: 'K', maxAge: 60 });
    }
  });

  // With a call for each key, a node with 5,000 of them held the gateway for 15 s at its start.
  it('is told once for each type, however many keys the type has', () => {
    const keys = Array.from({ length: 20 }, (_, key) => `temp/${String(key)}`);
    const configured = heardBy(Object.fromEntries(keys.map((key) => [key, { unit: 'K' }])));
    expect(configured.told).toEqual([['temp', 20]]);

    const restored = heardBy();
    restored.infos.restore(Object.fromEntries(keys.map((key) => [key, '{"unit":"K"}'])));
    expect(restored.told).toEqual([['temp', 20]]);

    const announced = heardBy();
    announced.infos.heard(
      keys.map((key) => makePoint({ type: 'pointInfo', key, value: stringValue('{"unit":"K"}') })),
    );
    expect(announced.told).toEqual([['temp', 20]]);
  });
});

it('pointInfo is the device’s to announce: nobody sends it down', () => {
  expect(isNeverSentDown('pointInfo')).toBe(true);
});

describe.each(['compact', 'protobuf'] as const)('a scale, with a %s device', (device) => {
  const points = { temp: { scale: 0.1 } };
  const talking = (options: HarnessOptions = {}) =>
    SessionHarness.talking({ device, points, ...options });
  const sentTo = (harness: SessionHarness): number[] =>
    harness.take().flatMap(({ points: all }) => all.map(({ value }) => numberIn(value)));

  it('is applied on the way up', () => {
    const harness = talking();
    harness.points([
      { type: 'temp', value: 235 },
      { type: 'other', value: 235 },
    ]);
    expect(published(harness).slice(-2)).toEqual(['temp/0=23.5', 'other/0=235']);
  });

  it('is taken back on the way down, also of a text of SIOT’s page', () => {
    const harness = talking();
    harness.set('temp', 23.5);
    expect(sentTo(harness)).toEqual([235]);
    harness.set('temp', stringValue('23.4'));
    expect(sentTo(harness)).toEqual([234]);
  });

  it('lets a report of the set value confirm it, and another one replace it', () => {
    const harness = talking();
    harness.acks = () => undefined;
    const setting = harness.set('temp', 23.57);
    const said = Math.fround(235.7);
    harness.points([{ type: 'temp', value: { float32: said } }]);
    expect(setting.reportEquals).toBe(true);
    expect(setting.confirmedBy).toBe('report');

    const other = talking();
    const older = other.set('temp', 23.5);
    other.advance(100_000);
    other.points([{ type: 'temp', value: 236 }]);
    other.points([{ type: 'temp', value: 236 }]);
    expect(older.state).toBe('replaced');
    expect(plainValue(older.report?.value ?? floatValue(0))).toBe(23.6);
  });

  it('holds for what is sent again after a restart of the device, and for a deletion', () => {
    const harness = talking();
    harness.set('temp', 23.5);
    harness.points([{ type: 'temp', value: 235 }]);
    harness.take();
    harness.advance(10_000);
    harness.hello();
    harness.advance(1_000);
    expect(sentTo(harness).filter((number) => number > 0)).toEqual([235]);
    harness.set('temp', 0, { tombstone: 1 });
    expect(sentTo(harness)).toEqual([235]);
  });

  it('that the device announces holds from the next packet on', () => {
    const harness = SessionHarness.talking({ device, acks: ackAll });
    harness.points([announcement('temp', { scale: 0.01 })]);
    harness.points([{ type: 'temp', value: 235 }]);
    expect(published(harness).at(-1)).toBe('temp/0=2.35');
  });
});
