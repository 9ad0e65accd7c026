import { describe, expect, it } from 'vitest';
import { DescriptionOverrides } from '../../../src/gateway/link/description-overrides.js';
import { parseLinkEntry, type DescriptionRecord } from '../../../src/gateway/state/link-record.js';
import { PointBudget, PointQuota } from '../../../src/session/node/point-quota.js';
import { Replica } from '../../../src/session/node/replica.js';
import {
  floatValue,
  makePoint,
  stringValue,
  textOf,
  type Point,
} from '../../../src/point/point.js';

const NOW = 1_000_000_000_000n;

function makeRig(records: readonly DescriptionRecord[] = []) {
  const replica = new Replica(new PointQuota(10, new PointBudget(10), () => undefined));
  const counted: Record<string, number> = {};
  const rig = {
    published: [] as string[],
    changes: 0,
    get withheld() {
      return counted['givenDescription'] ?? 0;
    },
    get tooMany() {
      return counted['refusedSetting'] ?? 0;
    },
    /** The device's, in this life of the gateway. */
    set latest(text: string) {
      const point = makePoint({ type: 'description', value: stringValue(text), time: NOW });
      replica.own('description', '0').merge(point, true);
    },
  };
  const changed = () => void (rig.changes += 1);
  const descriptions = new DescriptionOverrides(
    {
      replica,
      counters: { notice: (what, by) => void (counted[what] = (counted[what] ?? 0) + (by ?? 1)) },
    },
    { promptly: changed, soon: changed },
    { wallNs: () => NOW, monotonicMs: () => 0, setTimer: () => ({ cancel: () => undefined }) },
    records,
  );
  const give = (text: string, time = NOW, given: Partial<Point> = {}) => {
    const theirs = makePoint({
      type: 'description',
      value: stringValue(text),
      time,
      origin: 'user-1',
      ...given,
    });
    const own = descriptions.heard(theirs, 'live');
    if (own !== undefined) {
      rig.published.push(`${own.key} ${textOf(own.value)} > ${String(own.time - 1n)}`);
    }
  };
  /** As after a restart of the gateway. */
  const again = () => {
    const content: unknown = JSON.parse(
      JSON.stringify({ of: 'link', descriptions: descriptions.record() }),
    );
    const entry = parseLinkEntry(content);
    return makeRig(entry?.of === 'link' ? entry.descriptions : undefined);
  };
  return { rig, descriptions, give, again };
}

const said = (text: string, key = ''): Point =>
  makePoint({ type: 'description', key, value: stringValue(text), time: NOW + 1n });

describe('a description that somebody has given', () => {
  it('stays, whatever the device reports, and the rest of its packet goes on', () => {
    const { rig, descriptions, give } = makeRig();
    const temp = makePoint({ type: 'temp', value: floatValue(1) });
    expect(descriptions.passing([said('Device'), temp])).toHaveLength(2);
    give('Theirs');
    expect(descriptions.passing([said('Device'), temp])).toEqual([temp]);
    expect(descriptions.passing([said('Device', '0')])).toEqual([]);
    expect(descriptions.passing([temp])).toEqual([temp]);
    expect(descriptions.passing([said('Of a part', 'part')])).toHaveLength(1);
    expect(rig.withheld).toBe(2);
  });

  it.each([
    ['empty', '', 0],
    ['removed', 'Theirs', 1],
  ])(
    'ends when it is %s: the latest one of the device is published, with a later time',
    (_how, text, tombstone) => {
      const { rig, descriptions, give } = makeRig();
      give('Theirs', NOW - 10n);
      rig.latest = 'Device';
      give(text, NOW + 5n, { tombstone });
      expect(rig.published).toEqual([`0 Device > ${String(NOW + 5n)}`]);
      expect(descriptions.passing([said('Device')])).toHaveLength(1);
      give(text, NOW + 6n, { tombstone });
      expect(rig.published).toHaveLength(1);
    },
  );

  it('is kept over restarts of the gateway, with what the device said meanwhile', () => {
    const { descriptions, give, again } = makeRig();
    give('Theirs', NOW);
    descriptions.passing([said('Device')]);
    const next = again();
    expect(next.descriptions.passing([said('Device')])).toEqual([]);
    const third = next.again();
    third.give('', NOW + 1n);
    expect(third.rig.published).toEqual([`0 Device > ${String(NOW + 1n)}`]);
    expect(third.again().descriptions.passing([said('Device')])).toHaveLength(1);
  });

  it('is found in each reading, which changes nothing; one that was emptied since stays empty', () => {
    const { rig, descriptions, give } = makeRig();
    const theirs = makePoint({
      type: 'description',
      value: stringValue('Theirs'),
      time: NOW,
      origin: 'user-1',
    });
    descriptions.heard(theirs, 'reading');
    expect(rig.changes).toBe(1);
    descriptions.heard(theirs, 'reading');
    expect(rig.changes).toBe(1);
    // Live in one tick of the page's clock.
    give('', NOW);
    descriptions.heard(theirs, 'reading');
    expect(descriptions.passing([said('Device')])).toHaveLength(1);
    // Older than that, which SIOT does not show.
    give('Theirs', NOW - 1n);
    expect(descriptions.passing([said('Device')])).toHaveLength(1);
  });

  it('with a time far ahead can be emptied as well', () => {
    const { rig, give } = makeRig();
    rig.latest = 'Device';
    give('Theirs', 2n ** 63n - 1n);
    give('', NOW + 1n);
    expect(rig.published).toEqual([`0 Device > ${String(NOW + 1n)}`]);
  });

  it('does not fill the memory when somebody invents keys; one that was emptied makes room', () => {
    const { rig, descriptions, give } = makeRig();
    for (let n = 0; n < 150; n++) give('Theirs', NOW, { key: `k${String(n)}` });
    expect(rig.tooMany).toBe(50);
    expect(descriptions.passing([said('Device', 'k99'), said('Device', 'k100')])).toHaveLength(1);
    give('', NOW + 1n, { key: 'k0' });
    give('Theirs', NOW, { key: 'k100' });
    expect(descriptions.passing([said('Device', 'k100')])).toEqual([]);
    expect(descriptions.record()).toHaveLength(100);
  });
});
