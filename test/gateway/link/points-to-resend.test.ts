import { describe, expect, it } from 'vitest';
import { pointsToResend } from '../../../src/gateway/link/points-to-resend.js';
import { floatValue, makePoint, stringValue, type Point } from '../../../src/point/point.js';
import { PointBudget, PointQuota } from '../../../src/session/node/point-quota.js';
import { Replica } from '../../../src/session/node/replica.js';
import type { SettingTime } from '../../../src/session/settings/time.js';
import { Settings } from '../../../src/session/settings/settings.js';
import type { Setting } from '../../../src/session/settings/setting.js';
import { confirm } from '../../support/setting-events.js';

const NOW = 1_000n;
const point = (type: string, number: number, time: bigint, origin = ''): Point =>
  makePoint({ type, key: '0', value: floatValue(number), time, origin });

/** The device has reported the point since. */
const SAME_REPORT = { type: 'reportedSame', ns: NOW, newest: true } as const;

function rig() {
  const replica = new Replica(new PointQuota(100, new PointBudget(100), () => undefined));
  const settings = new Settings(new Set(['restart']), 100);
  const reported = (one: Point): void => replica.own(one.type, one.key).merge(one, false);
  const inForce = (one: Point): Setting => {
    const { setting } = settings.take(one);
    return confirm(setting, 'ack', one.time);
  };
  // As a device would that reports all as numbers.
  const inDeviceForm = ({ point: { value } }: Setting) =>
    value.kind === 'string' ? floatValue(Number(value.text)) : value;
  /** `type=number@time`, of what goes out. */
  const owed = (stored: readonly Point[], everything = false): string[] =>
    [
      ...pointsToResend(
        { state: { replica, settings }, settings: { inDeviceForm } },
        stored,
        everything,
        NOW,
      ),
    ].map(
      ({ type, value, time, origin, tombstone }) =>
        `${type}=${value.kind === 'float' ? String(value.number) : 'text'}@${String(time)}${origin}` +
        (tombstone === 0 ? '' : ' deleted'),
    );
  return { reported, inForce, owed, settings };
}

describe('what is sent to a node again', () => {
  it('is what it lacks of the device’s reports, or all of them', () => {
    const { reported, owed } = rig();
    reported(point('a', 1, 10n));
    reported(point('b', 2, 20n));
    expect(owed([point('a', 9, 5n, 'user-1')])).toEqual(['b=2@20']);
    expect(owed([point('a', 9, 5n)], true)).toEqual(['a=1@10', 'b=2@20']);
    expect(owed([point('a', 1, 10n), point('b', 2, 20n)])).toEqual([]);
  });

  it('is a setting in force, with blank origin and the present time, where nothing newer was reported', () => {
    const { reported, inForce, owed } = rig();
    reported(point('a', 1, 10n));
    inForce(point('a', 7, 20n, 'user-1'));
    const reportedSince = inForce(point('b', 7, 20n, 'user-1'));
    reportedSince.on(SAME_REPORT);
    reported(point('b', 6, 30n));
    inForce(point('c', 7, 20n, 'user-1'));
    expect(owed([])).toEqual([`a=7@${String(NOW)}`, `c=7@${String(NOW)}`, 'b=6@30']);
  });

  it('is no setting that SIOT has or has a newer point for, but one for which SIOT has an older point', () => {
    for (const everything of [false, true]) {
      const { inForce, owed } = rig();
      inForce(point('a', 7, 20n, 'user-1'));
      expect(owed([point('a', 7, 20n, 'user-1')], everything)).toEqual([]);
      expect(owed([point('a', 8, 21n)], everything)).toEqual([]);
      expect(owed([point('a', 3, 10n)], everything)).toEqual([`a=7@${String(NOW)}`]);
    }
  });

  it('is the last of several with one time, where SIOT has kept the first', () => {
    const { inForce, owed, settings } = rig();
    inForce(point('a', 7, 20n, 'user-1'));
    const last = point('a', 8, 20n, 'user-1');
    const time = settings.check(last, 'live', NOW) as SettingTime;
    confirm(settings.take(last, time).setting, 'ack', NOW);
    expect(owed([point('a', 8, 20n, 'user-1')])).toEqual([]);
    expect(owed([point('a', 7, 20n, 'user-1')])).toEqual([`a=8@${String(NOW)}`]);
    expect(owed([point('a', 8, NOW)])).toEqual([]);
  });

  it('is a setting from a clock that is ahead: once, with a later time, or with the present time where it is far ahead', () => {
    const { inForce, owed, settings } = rig();
    inForce(point('a', 7, NOW + 5n, 'user-1'));
    expect(owed([point('a', 3, 10n)])).toEqual([`a=7@${String(NOW + 6n)}`]);
    const far = point('b', 7, 2n ** 63n - 1n, 'user-1');
    const time = settings.check(far, 'live', NOW) as SettingTime;
    confirm(settings.take(far, time).setting, 'ack', NOW);
    expect(owed([point('a', 7, NOW + 6n), point('b', 7, NOW)])).toEqual([]);
  });

  it('is a setting as the device reports the point, not as the text of SIOT’s page', () => {
    const { inForce, owed } = rig();
    inForce({ ...point('a', 0, 20n, 'user-1'), value: stringValue('5.5') });
    expect(owed([])).toEqual([`a=5.5@${String(NOW)}`]);
  });

  it('is no pending setting, no command, no deletion; a pending setting is marked as lacking in SIOT', () => {
    const { settings, inForce, owed } = rig();
    const { setting } = settings.take(point('pending', 7, 20n, 'user-1'));
    inForce(point('restart', 1, 20n, 'user-1'));
    inForce({ ...point('gone', 1, 20n, 'user-1'), tombstone: 1 });
    expect(owed([])).toEqual([]);
    expect(owed([], true)).toEqual([]);
    expect(setting.lacked).toBe(true);
    owed([point('pending', 7, 20n, 'user-1')]);
    expect(setting.lacked).toBe(false);
    owed([point('pending', 6, 10n, 'user-1')]);
    expect(setting.lacked).toBe(true);
  });

  it('is no point that a person has deleted and the device has not reported since; a store that still has it gets the deletion', () => {
    const { reported, inForce, owed } = rig();
    reported(point('gone', 1, 10n));
    const deletion = inForce({ ...point('gone', 1, 20n, 'user-1'), tombstone: 1 });
    expect(owed([])).toEqual([]);
    expect(owed([], true)).toEqual([]);
    expect(owed([{ ...point('gone', 1, 20n, 'user-1'), tombstone: 1 }])).toEqual([]);
    deletion.on(SAME_REPORT);
    reported(point('gone', 2, 30n));
    expect(owed([])).toEqual(['gone=2@30']);
    const older = rig();
    older.reported(point('gone', 1, 10n));
    older.inForce({ ...point('gone', 1, 20n, 'user-1'), tombstone: 1 });
    expect(older.owed([point('gone', 1, 10n)])).toEqual([`gone=1@${String(NOW)} deleted`]);
  });

  it('is the device’s description where the node was made with another one, but not where a person gave one', () => {
    const { reported, owed } = rig();
    const description = (text: string, time: bigint, origin = ''): Point =>
      makePoint({ type: 'description', key: '0', value: stringValue(text), time, origin });
    reported(description('Device', 10n));
    expect(owed([description('pump', 20n)], true)).toEqual([`description=text@${String(NOW)}`]);
    expect(owed([description('pump', 20n)])).toEqual([]);
    expect(owed([description('Theirs', 2_000n, 'user-1')], true)).toEqual(['description=text@10']);
  });
});
