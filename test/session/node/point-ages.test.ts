import { describe, expect, it } from 'vitest';
import type { PointInfo } from '../../../src/point/point-info.js';
import { makePoint, NO_VALUE } from '../../../src/point/point.js';
import { Counters } from '../../../src/session/node/counters.js';
import { MOST_WATCHED, PointAges, type AgeRecord } from '../../../src/session/node/point-ages.js';
import { PointInfos } from '../../../src/session/node/point-infos.js';
import { FakeClock } from '../../support/fake-clock.js';
import { recordingLog, type Said } from '../../support/recording-log.js';
import { SessionHarness } from '../../support/session-harness.js';

function rig(
  points: Readonly<Record<string, PointInfo>>,
  before: Readonly<Record<string, AgeRecord>> = {},
  clock = new FakeClock(),
) {
  const said: Said[] = [];
  const log = recordingLog(said);
  const counters = new Counters(clock, log);
  const told: string[] = [];
  const host = { staleChanged: (name: string) => void told.push(name) };
  const ages = new PointAges(clock, counters, log, host, before);
  const infos = new PointInfos(points, 10_000, counters, log, () => undefined, ages);
  const stale = (): string[] =>
    [...ages.stale].filter(([, isStale]) => isStale).map(([name]) => name);
  const report = (...names: string[]): void => {
    const taken = names.map((name) => {
      const [type = '', key = ''] = name.split('/');
      return { point: makePoint({ type, key, value: NO_VALUE }) };
    });
    ages.reported(taken, clock.monotonicMs());
  };
  return { ages, infos, clock, counters, said, told, stale, report };
}

/** As it is on disk. */
const reread = (ages: PointAges): Record<string, AgeRecord> =>
  JSON.parse(JSON.stringify(ages.record())) as Record<string, AgeRecord>;

describe('the age of points', () => {
  it('is told once when it is beyond maxAge, and again when the point comes', () => {
    const { clock, counters, said, told, stale, report, ages } = rig({ temp: { maxAge: 10 } });
    report('temp');
    clock.advance(9_000);
    report('temp', 'flow');
    clock.advance(9_999);
    expect(stale()).toEqual([]);
    clock.advance(1);
    expect(stale()).toEqual(['temp']);
    clock.advance(100_000);
    expect(told).toEqual(['temp']);
    expect(counters.get('stale')).toBe(1);
    expect(ages.advice).toBe('not reported for longer than maxAge: temp');
    report('temp');
    expect(stale()).toEqual([]);
    expect(ages.advice).toBeUndefined();
    expect(told).toEqual(['temp', 'temp']);
    expect(said.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'the device has not reported these points for longer than their maxAge'],
      ['info', 'the device reports this point again'],
    ]);
    clock.advance(10_000);
    expect(counters.get('stale')).toBe(2);
  });

  it('is that of each key of a type; without any, that of the type', () => {
    const { clock, stale, report } = rig({ temp: { maxAge: 10 }, 'temp/slow': { maxAge: 60 } });
    clock.advance(10_000);
    expect(stale()).toEqual([]);
    report('temp/a', 'temp/b', 'temp/slow');
    clock.advance(5_000);
    report('temp/b');
    clock.advance(5_000);
    expect(stale()).toEqual(['temp/a']);
    clock.advance(50_000);
    expect(stale()).toEqual(['temp/a', 'temp/b', 'temp/slow']);

    const never = rig({ typo: { maxAge: 10 } });
    never.clock.advance(10_000);
    expect(never.stale()).toEqual(['typo']);
    never.report('typo/x');
    expect(never.stale()).toEqual([]);
  });

  it('costs one timer, and none without a maxAge', () => {
    const { clock, report } = rig({ temp: { maxAge: 10 }, flow: { maxAge: 20 } });
    for (let key = 0; key < 50; key += 1) report(`temp/${key}`, `flow/${key}`);
    expect(clock.pendingTimers).toBe(1);
    const none = rig({ temp: { unit: 'K' } });
    none.report('temp');
    expect(none.clock.pendingTimers).toBe(0);
  });

  it('goes on over a restart of the gateway, with time for the device to speak', () => {
    const first = rig({ temp: { maxAge: 3_600 }, old: { maxAge: 10 } });
    first.report('temp', 'old');
    first.clock.advance(3_000_000);
    const record = reread(first.ages);
    expect(record.old?.stale).toBe(true);

    const second = rig({ temp: { maxAge: 3_600 }, old: { maxAge: 10 } }, record, first.clock);
    // It was told before.
    expect(second.stale()).toEqual(['old']);
    expect(second.told).toEqual([]);
    second.clock.advance(599_000);
    expect(second.stale()).toEqual(['old']);
    second.clock.advance(2_000);
    expect(second.stale()).toEqual(['old', 'temp']);

    // The gateway was away for long: the device has a moment to report.
    const third = rig({ temp: { maxAge: 3_600 } }, { temp: { at: 0 } });
    third.clock.advance(29_999);
    expect(third.stale()).toEqual([]);
    third.clock.advance(1);
    expect(third.stale()).toEqual(['temp']);

    // A clock that was set back knows no age.
    const future = rig({ temp: { maxAge: 3_600 } }, { temp: { at: 4_000_000_000 } });
    future.clock.advance(3_599_999);
    expect(future.stale()).toEqual([]);
  });

  it('of each key goes on over a restart of the gateway, whichever of them is reported', () => {
    const limits = { temp: { maxAge: 60 } };
    const first = rig(limits);
    first.report('temp', 'temp/a', 'temp/b');
    first.clock.advance(50_000);
    first.report('temp/b');
    first.clock.advance(20_000);
    expect(first.stale()).toEqual(['temp', 'temp/a']);

    const second = rig(limits, reread(first.ages), first.clock);
    expect(second.stale()).toEqual(['temp', 'temp/a']);
    second.report('temp/b');
    second.report('temp/new');
    expect(second.stale()).toEqual(['temp', 'temp/a']);
    expect(second.told).toEqual([]);

    // Nothing is known of their limits yet, and nothing of them is lost.
    const between = rig({}, reread(second.ages), first.clock);
    expect(between.stale()).toEqual([]);
    const third = rig({}, reread(between.ages), first.clock);
    third.ages.infoChanged('temp', [{ type: 'temp', key: undefined, info: { maxAge: 60 } }]);
    expect(third.stale()).toEqual(['temp', 'temp/a']);
    third.report('temp/a');
    expect(third.stale()).toEqual(['temp']);
  });

  it('of a type of which nothing was reported ends with the first report, also after a restart', () => {
    const limits = { typo: { maxAge: 10 } };
    const first = rig(limits);
    first.clock.advance(10_000);
    const second = rig(limits, reread(first.ages), first.clock);
    expect(second.stale()).toEqual(['typo']);
    second.report('typo/x');
    expect(second.stale()).toEqual([]);
    expect(Object.keys(second.ages.record())).toEqual(['typo/x']);
  });

  it('is kept of so many points only, those that are watched first', () => {
    const before = Object.fromEntries(
      Array.from({ length: 2 * MOST_WATCHED }, (_, key) => [`old/${key}`, { at: 0 }]),
    );
    const { ages, report } = rig({ temp: { maxAge: 10 } }, before);
    report('temp');
    const kept = Object.keys(ages.record());
    expect(kept).toHaveLength(MOST_WATCHED);
    expect(kept[0]).toBe('temp');
  });

  it('is no longer watched when nothing says so any more', () => {
    const { ages, clock, stale, told, report } = rig({ temp: { maxAge: 10 } });
    report('temp');
    clock.advance(10_000);
    expect(stale()).toEqual(['temp']);
    ages.infoChanged('temp', []);
    expect(stale()).toEqual([]);
    expect(told).toEqual(['temp', 'temp']);
    clock.advance(60_000);
    expect(told).toHaveLength(2);
  });

  it('is watched of so many points only, which is told', () => {
    const { ages, clock, said, stale, report } = rig({ temp: { maxAge: 10 } });
    for (let key = 0; key < MOST_WATCHED + 20; key += 1) report(`temp/${key}`);
    clock.advance(10_000);
    expect(stale()).toHaveLength(MOST_WATCHED);
    expect(said.map(({ level }) => level)).toEqual(['warn', 'warn']);
    expect(ages.advice).toContain('temp/4 and 495 more');
  });

  it('counts from reports for which the outbox has no room, too', () => {
    const harness = SessionHarness.talking({ points: { temp: { maxAge: 10 } } });
    harness.outbox = 'full';
    for (let value = 2; value < 6; value += 1) {
      harness.advance(5_000);
      harness.points([{ type: 'temp', value }]);
    }
    expect(harness.count('outboxFull')).toBe(4);
    expect(harness.session.state.ages.stale.size).toBe(0);
  });

  it('ends with the link', () => {
    const { ages, clock, told } = rig({ temp: { maxAge: 10 } });
    ages.stop();
    clock.advance(60_000);
    expect(told).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});
