/** The bytes of a link's settings (docs/contract.md, "Whose points"). */
import { describe, expect, it } from 'vitest';
import { SILENT_LOG } from '../../../src/point/log.js';
import { floatValue, makePoint, stringValue } from '../../../src/point/point.js';
import { PointQuota, PointBudget } from '../../../src/session/node/point-quota.js';
import { SettingBudget } from '../../../src/session/node/setting-budget.js';
import {
  OWN_SETTING_BYTES,
  SETTING_BYTES,
  SettingQuota,
} from '../../../src/session/node/setting-quota.js';
import { Settings } from '../../../src/session/settings/settings.js';
import { SessionHarness, ackAll, ackNothing } from '../../support/session-harness.js';
import { confirm } from '../../support/setting-events.js';

const LONG = 60_000;
const long = (letter: string, length = LONG) => stringValue(letter.repeat(length));

/** So many texts of 60,000 bytes have room, with their names. */
const MOST = Math.floor(SETTING_BYTES / (LONG + 64));

function full() {
  const harness = SessionHarness.talking();
  harness.acks = ackNothing;
  for (let n = 0; n < MOST; n++) harness.set(`text${n}`, long('x'));
  const refused = (type: string, value = long('y')): boolean => {
    harness.clock.advance(1);
    return harness.session.settings.set(harness.settingPoint(type, value)) === undefined;
  };
  return {
    harness,
    refused,
    state: (type: string) => harness.session.state.settings.get(type, '')?.state,
  };
}

describe('4 MiB of settings', () => {
  it('are accepted; what exceeds them is refused, counted, and logged once a type', () => {
    const { harness, refused } = full();
    expect(harness.session.state.settings.quota.bytes).toBeLessThanOrEqual(SETTING_BYTES);
    for (let n = 0; n < 3; n++) expect(refused('more', long('y', 120_000))).toBe(true);
    expect(refused('other', long('y', 120_000))).toBe(true);
    expect(harness.count('tooManySettingBytes')).toBe(4);
    const said = harness.log.filter(({ fields }) => fields['cause'] === 'tooManySettingBytes');
    expect(said.map(({ fields }) => fields['type'])).toEqual(['more', 'other']);
    // Numbers and short texts still have room, and what grows shorter.
    expect(refused('number', floatValue(1))).toBe(false);
    expect(refused('text0', long('z', 10))).toBe(false);
  });

  it('count as UTF-8', () => {
    const harness = SessionHarness.talking();
    const euro = stringValue('€'.repeat(20_000));
    for (let n = 0; n < MOST; n++) harness.set(`text${n}`, euro);
    expect(
      harness.session.settings.set(harness.settingPoint('more', long('x', 120_000))),
    ).toBeUndefined();
  });

  it('are the same whether pending or in force', () => {
    const { harness, refused } = full();
    for (const setting of harness.session.state.settings.all()) confirm(setting, 'ack');
    expect(refused('more', long('y', 120_000))).toBe(true);
  });

  it('become free where a shorter one replaces a longer one of the same point', () => {
    const { refused } = full();
    expect(refused('more', long('y', 120_000))).toBe(true);
    expect(refused('text1', long('y', 1))).toBe(false);
    expect(refused('text2', long('y', 1))).toBe(false);
    expect(refused('more', long('y', 120_000))).toBe(false);
  });
});

it('settings beyond 4 MiB that an earlier version kept are left out, and the log says once how many', () => {
  const kept = new Settings(new Set(), 5_000);
  for (let n = 0; n < MOST; n++)
    kept.take(makePoint({ type: `text${n}`, value: long('x'), time: 1n, origin: 'somebody' }));
  const records = [...kept.records(), ...kept.records().map((one) => ({ ...one, key: 'more' }))];
  const said: object[] = [];
  const log = { ...SILENT_LOG, warn: (fields: object) => void said.push(fields) };
  const settings = new Settings(new Set(), 5_000);
  settings.restore(records, log);
  const taken = [...settings.all()].length;
  expect(settings.quota.bytes).toBeLessThanOrEqual(SETTING_BYTES);
  expect(said).toEqual([{ left: records.length - taken }]);
});

describe('a newer setting that is refused', () => {
  it('ends the pending one of the same point, which is not sent any more', () => {
    const { harness, refused, state } = full();
    harness.set('small', 1);
    expect(state('small')).toBe('pending');
    expect(refused('small', long('y', 400_000))).toBe(true);
    expect(state('small')).toBe('refused');
    expect(harness.session.downlink.pending().map(({ point }) => point.type)).not.toContain(
      'small',
    );
    expect(harness.changedSettings.at(-1)?.state).toBe('refused');
    harness.take();
    harness.acks = ackAll;
    harness.clock.advance(60_000);
    expect(harness.takePoints().join()).not.toContain('small');
    // When there is room it counts.
    for (let n = 0; n < 10; n++) refused(`text${n}`, long('y', 1));
    expect(refused('small', long('y', 400_000))).toBe(false);
    expect(state('small')).toBe('pending');
  });

  it('leaves what the device has as it is', () => {
    const { harness, refused, state } = full();
    confirm(harness.set('small', 1), 'ack');
    expect(refused('small', long('y', 400_000))).toBe(true);
    expect(state('small')).toBe('inForce');
  });

  it('is not sent after a restart of the gateway either, nor brought back by a report', () => {
    const { harness, refused } = full();
    harness.set('small', 1);
    refused('small', long('y', 400_000));
    const records = harness.session.state.settings.records();
    expect(records.find(({ type }) => type === 'small')?.state).toBe('refused');
    harness.points([{ type: 'small', value: 1 }]);
    expect(harness.session.state.settings.get('small', '')?.state).toBe('refused');
  });

  it('is explained to whoever asks', () => {
    const { harness } = full();
    expect(
      harness.session.settings.whyNotSet(harness.settingPoint('more', long('y', 120_000))),
    ).toMatch(/bytes together.*no room.*shorter/);
    expect(harness.session.settings.whyNotSet(harness.settingPoint('number', 1))).toBeUndefined();
  });
});

describe('what is set on one link', () => {
  it('takes no room from the points of another, neither their number nor their bytes', () => {
    const budget = new PointBudget(20);
    const quota = (): PointQuota => new PointQuota(100, budget, () => undefined);
    const [set, other] = [quota(), quota()];
    const harness = SessionHarness.talking();
    for (let n = 0; n < 50; n++) {
      set.learn(harness.settingPoint(`made-up-${n}`, long('x', 10_000)));
    }
    const reported = (n: number) => harness.settingPoint(`t${n}`, 1, { origin: '' });
    for (let n = 0; n < 20; n++) expect(other.admit(reported(n))).toBeUndefined();
    expect(other.admit(reported(20))).toBe('tooManyPoints');
    // Nor after a restart, nor when the node was read.
    const after = quota();
    after.restore(set.record());
    after.read(
      Array.from({ length: 50 }, (_, n) => harness.settingPoint(`made-up-${n}`, 1)),
      [],
      false,
    );
    expect(after.points).toBe(50);
    other.release();
    const third = quota();
    for (let n = 0; n < 20; n++) expect(third.admit(reported(n))).toBeUndefined();
  });
});

describe('the settings of many links', () => {
  const text = (key: string, length: number) =>
    makePoint({ type: 'text', key, value: long('x', length) });
  /** Takes texts until no more fit. */
  const fill = (quota: SettingQuota, length: number): void => {
    for (let n = 0; quota.fits(text(String(n), length)); n++) quota.take(text(String(n), length));
  };

  it('have one limit together, and each link has some room of its own', () => {
    const most = 4 * SETTING_BYTES;
    const pool = new SettingBudget(most);
    const quotas = Array.from({ length: 20 }, () => new SettingQuota(pool));
    for (const quota of quotas) fill(quota, 10_000);
    const bytes = quotas.map((quota) => quota.bytes);
    const all = bytes.reduce((sum, some) => sum + some, 0);
    expect(Math.max(...bytes)).toBeLessThanOrEqual(SETTING_BYTES);
    expect(all).toBeGreaterThan(most);
    expect(all).toBeLessThanOrEqual(most + quotas.length * OWN_SETTING_BYTES);
    expect(Math.min(...bytes)).toBeGreaterThan(OWN_SETTING_BYTES - 11_000);
  });

  it('give back what they shorten, and all of it when the link ends, once', () => {
    const pool = new SettingBudget(SETTING_BYTES);
    const [first, second] = [new SettingQuota(pool), new SettingQuota(pool)];
    fill(first, 100_000);
    fill(second, 10_000);
    expect(second.fits(text('more', 100_000))).toBe(false);
    first.giveBack(text('0', 100_000));
    expect(second.fits(text('more', 90_000))).toBe(true);
    first.release();
    first.take(text('late', 100_000));
    second.take(text('more', 90_000));
    fill(second, 10_000);
    expect(second.bytes).toBeGreaterThan(SETTING_BYTES - 11_000);
    const third = new SettingQuota(pool);
    expect(third.fits(text('0', 60_000))).toBe(true);
    expect(third.fits(text('0', 200_000))).toBe(false);
  });

  it('use one pool for all sessions of a gateway', () => {
    const { settings } = new PointBudget(20);
    fill(new SettingQuota(settings), 10_000);
    fill(new SettingQuota(settings), 10_000);
    const third = new SettingQuota(settings);
    fill(third, 10_000);
    expect(third.bytes).toBeLessThan(4 * OWN_SETTING_BYTES);
  });
});
