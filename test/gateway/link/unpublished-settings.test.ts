import { describe, expect, it } from 'vitest';
import { UnpublishedSettings } from '../../../src/gateway/link/unpublished-settings.js';
import { floatValue, makePoint, type Point } from '../../../src/point/point.js';
import { SettingTime } from '../../../src/session/settings/time.js';
import { Settings } from '../../../src/session/settings/settings.js';
import { confirm } from '../../support/setting-events.js';

const point = (type: string, number: number, time: bigint): Point =>
  makePoint({ type, key: '', value: floatValue(number), time, origin: 'user-1' });

function rig() {
  const settings = new Settings(new Set(['restart']), 100);
  const disabled = { value: false, ns: 0n };
  const ahead = new UnpublishedSettings({
    session: { recordWithoutSettings: () => ({}) },
    settings,
    router: {
      record: () => ({ disabled: { value: disabled.value, time: String(disabled.ns) } }),
      lastTime: (type, key) => (type === 'disabled' ? disabled : settings.get(type, key)?.time),
    },
    ages: { record: () => ({}) },
    descriptions: { record: () => [] },
    statistics: { connectedNs: undefined },
  });
  const announce = (one: Point): void => ahead.add(one, settings.recordOf(one, one.time));
  const took = (one: Point) => settings.take(one, SettingTime.of(one)).setting;
  /** What the file says in the end: of two lines of a point the last counts. */
  const kept = (): string[] => {
    const lines = new Map<string, string>();
    for (const { type, time, state } of ahead.settings())
      lines.set(type, `${type}@${time} ${state}`);
    return [...lines.values()];
  };
  return { ahead, disabled, announce, took, kept };
}

describe('settings that SIOT does not have yet', () => {
  it('are kept beside the settings of the link, until the link has them too', () => {
    const { ahead, announce, took, kept } = rig();
    confirm(took(point('limit', 1, 10n)), 'ack');
    announce(point('limit', 2, 20n));
    announce(point('mode', 3, 20n));
    expect(kept()).toEqual(['limit@20 pending', 'mode@20 pending']);
    ahead.withdraw(point('limit', 2, 20n));
    took(point('mode', 3, 20n)).on({ type: 'sentOnce' });
    ahead.taken(point('mode', 3, 20n));
    expect(kept()).toEqual(['limit@10 inForce', 'mode@20 unconfirmed']);
    expect(ahead.takeStale()).toBe(true);
  });

  it('do not replace what somebody else has set since: a command that was sent would be executed again', () => {
    const { announce, took, kept } = rig();
    announce(point('restart', 1, 20n));
    confirm(took(point('restart', 2, 30n)), 'ack');
    expect(kept()).toEqual(['restart@30 ended']);
  });

  it('do not replace a newer `disabled` either', () => {
    const { ahead, disabled } = rig();
    ahead.addDisabled(point('disabled', 1, 20n), true);
    expect(ahead.head().judge?.disabled).toEqual({ value: true, time: '20' });
    disabled.ns = 30n;
    expect(ahead.head().judge?.disabled).toEqual({ value: false, time: '30' });
  });
});
