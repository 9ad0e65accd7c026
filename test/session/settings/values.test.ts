/** docs/contract.md, "Values": SIOT's own page sends numbers as text. */
import { describe, expect, it } from 'vitest';
import type { Protocol } from '../../../firmware-sim/codec.js';
import type { McuValue } from '../../../firmware-sim/points.js';
import { floatValue, jsonValue, stringValue, type PointValue } from '../../../src/point/point.js';
import { SessionHarness, ackAll, ackNothing } from '../../support/session-harness.js';
import type { Setting } from '../../../src/session/settings/setting.js';

/** What goes down for a setting, after the device has reported the point as given. */
function down(
  protocol: Protocol,
  reported: readonly McuValue[],
  set: PointValue | string,
): McuValue {
  const harness = SessionHarness.talking({ device: protocol });
  for (const value of reported) harness.points([{ type: 'enabled', value }]);
  harness.take();
  harness.set('enabled', typeof set === 'string' ? stringValue(set) : set);
  return settingSent(harness);
}

function settingSent(harness: SessionHarness): McuValue {
  const sent = harness.take().filter(({ point }) => point?.type === 'enabled');
  expect(sent).toHaveLength(1);
  return sent[0]?.point?.value;
}

describe.each<Protocol>(['protobuf', 'compact'])('a text that is set, %s', (protocol) => {
  it.each([
    ['0', 0],
    ['5', 5],
    ['-12.5', -12.5],
    ['1e3', 1000],
  ])('%j goes down as a number where the device reports one', (text, number) => {
    // Protobuf leaves a 0 out, and a blank text.
    const sent = number === 0 && protocol === 'protobuf' ? undefined : number;
    expect(down(protocol, [1], text)).toBe(sent);
    expect(down(protocol, [7n], text)).toBe(sent);
    // The last report counts.
    expect(down(protocol, ['off', 1], text)).toBe(sent);
  });

  it.each(['', 'off', ' 5', '0x10', 'NaN', 'Infinity', '1e999', '١'])('%j is no number', (text) => {
    const value = down(protocol, [1], text);
    // Generation 1 has no empty text.
    expect(value).toEqual(text === '' && protocol === 'protobuf' ? undefined : text);
  });

  it('stays text where the device reports text', () => {
    expect(down(protocol, ['3'], '0')).toBe('0');
    expect(down(protocol, ['3'], '5')).toBe('5');
    expect(down(protocol, [1, 'off'], '5')).toBe('5');
  });

  it('comes in both forms, as far as the codec has them, where nothing was reported', () => {
    const both = protocol === 'protobuf' ? { text: '5', number: 5 } : '5';
    expect(down(protocol, [], '5')).toEqual(both);
    expect(down(protocol, [], '0')).toEqual('0');
    expect(down(protocol, [], 'off')).toEqual('off');
    if (protocol === 'compact') expect(down(protocol, [undefined], '5')).toEqual('5');
  });

  it('does not affect a number, or JSON, which is sent unchanged', () => {
    expect(down(protocol, ['off'], floatValue(5))).toBe(5);
    const json = down(protocol, [1], jsonValue('5'));
    expect(json).toEqual(protocol === 'compact' ? { json: '5' } : '5');
  });
});

describe('how a device reports a point', () => {
  const blank = { acks: ackAll, device: 'protobuf' as const };

  it('is text still where protobuf has one form for "" and 0', () => {
    expect(down('protobuf', ['auto', 0], '42')).toBe('42');
    expect(down('protobuf', ['auto', 7, 0], '42')).toBe(42);
    expect(down('compact', ['auto', 0], '42')).toBe(42);
    const first = SessionHarness.talking(blank);
    first.points([{ type: 'enabled', value: 'auto' }]);
    const second = first.reborn();
    second.open();
    second.points([{ type: 'enabled', value: 0 }]);
    second.take();
    second.set('enabled', stringValue('42'));
    expect(settingSent(second)).toBe('42');
  });

  it('is known over a restart of the gateway', () => {
    const first = SessionHarness.talking();
    first.points([{ type: 'enabled', value: 1 }]);
    const second = first.reborn();
    second.open();
    second.take();
    second.set('enabled', stringValue('0'));
    expect(settingSent(second)).toBe(0);
  });

  it('is taken from SIOT where the gateway knows nothing', () => {
    const harness = SessionHarness.talking();
    const point = harness.settingPoint('enabled', 1, { origin: '' });
    harness.session.settings.shown([point, harness.settingPoint('mode', stringValue('3'))]);
    harness.set('enabled', stringValue('0'));
    expect(settingSent(harness)).toBe(0);
    // What the device says itself is known better.
    harness.points([{ type: 'enabled', value: 'off' }]);
    harness.session.settings.shown([point]);
    harness.set('enabled', stringValue('0'));
    expect(settingSent(harness)).toBe('0');
  });

  it('is not learned from what the gateway publishes in its name', () => {
    const harness = SessionHarness.talking({ acks: ackNothing });
    const old = harness.clock.wallNs();
    harness.points([{ type: 'enabled', value: 1 }]);
    harness.advance(1_000);
    harness.points([{ type: 'temp', value: 1 }]);
    harness.acks = ackAll;
    // From a slow clock: what is in force is published once more, as it went down.
    const setting = harness.set('enabled', stringValue('0'), { time: old - 1_000_000_000n });
    harness.advance(60_000);
    expect(setting.state).toBe('inForce');
    const published = harness.published.filter(({ type }) => type === 'enabled');
    expect(published.at(-1)).toMatchObject({ value: floatValue(0), origin: '' });
    harness.take();
    harness.set('enabled', stringValue('2'));
    expect(settingSent(harness)).toBe(2);
  });

  it('is bounded, with what was kept', () => {
    const first = SessionHarness.talking({ maxPoints: 3 });
    first.points(['a', 'b'].map((type) => ({ type, value: 1 })));
    const kinds = (harness: SessionHarness) => harness.session.state.knownNames().kinds.length;
    const full = kinds(first);
    first.session.settings.shown(['c', 'd', 'e'].map((type) => first.settingPoint(type, 1)));
    expect(kinds(first)).toBe(full);
  });
});

describe('the report of a setting that was text', () => {
  const states = (protocol: Protocol, reported: McuValue, first: readonly McuValue[] = []) => {
    const harness = SessionHarness.talking({ device: protocol });
    for (const value of first) harness.points([{ type: 'enabled', value }]);
    const setting: Setting = harness.set('enabled', stringValue('5'));
    // Twice: the first in a round of reports is no proof.
    for (let i = 0; i < 2; i++) harness.points([{ type: 'enabled', value: reported }]);
    return setting.state;
  };

  it.each<Protocol>(['protobuf', 'compact'])('is equal as a number or as text, %s', (protocol) => {
    expect(states(protocol, 5, [1])).toBe('inForce');
    expect(states(protocol, 5)).toBe('inForce');
    expect(states(protocol, '5')).toBe('inForce');
    expect(states(protocol, { text: '5', number: 5 })).toBe('inForce');
    expect(states(protocol, '5', [1])).toBe('inForce');
    expect(states(protocol, 4, [1])).toBe('replaced');
    expect(states(protocol, '4')).toBe('replaced');
  });
});

it('a text that was set is sent after a restart of the device in the form that the device reports by then', () => {
  const harness = SessionHarness.talking();
  harness.set('enabled', stringValue('0'));
  expect(settingSent(harness)).toBe('0');
  harness.points([{ type: 'enabled', value: 0 }]);
  harness.advance(6_000);
  harness.hello();
  expect(settingSent(harness)).toBe(0);
});
