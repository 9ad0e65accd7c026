import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLinkEntry } from '../../../src/gateway/state/link-record.js';
import {
  NO_VALUE,
  floatValue,
  intValue,
  jsonValue,
  makePoint,
  stringValue,
  type PointValue,
} from '../../../src/point/point.js';
import { Settings } from '../../../src/session/settings/settings.js';
import type { SettingRecord } from '../../../src/session/settings/record.js';
import { confirm, transmit } from '../../support/setting-events.js';

const VALUES: readonly PointValue[] = [
  NO_VALUE,
  floatValue(0.1),
  floatValue(1e-320),
  floatValue(Number.POSITIVE_INFINITY),
  intValue(-(2n ** 63n)),
  intValue(2n ** 63n - 1n),
  stringValue(''),
  stringValue('20 °C'),
  { kind: 'string', text: 'a', number: Number.NEGATIVE_INFINITY },
  jsonValue('{"a": [1, "\u0000"]}'),
];

const emptySettings = (): Settings => new Settings(new Set(['restart']), 100);

/** Settings with all kinds of values, as they come back from the disk. */
function onDisk(): Record<string, unknown>[] {
  const settings = emptySettings();
  for (const [at, value] of VALUES.entries()) {
    const point = makePoint({
      type: 'limit',
      key: String(at),
      value,
      time: BigInt(at),
      origin: 'u',
    });
    const { setting } = settings.take(point);
    if (at > 0) transmit(setting);
    if (at === 2) setting.sentScale = 0.1;
    if (at === 1) confirm(setting, 'ack', 12345678901234567890n);
  }
  settings.take(makePoint({ type: 'restart', value: floatValue(1), time: -5n, tombstone: 3 }));
  // Of far and of equal times.
  for (const [number, time] of [
    [1, 2n ** 63n - 1n],
    [2, 7n],
    [3, 7n],
  ] as const) {
    const point = makePoint({ type: 'odd', value: floatValue(number), time });
    const counted = settings.check(point, 'live', 5n);
    if (typeof counted !== 'string') settings.take(point, counted);
  }
  return JSON.parse(JSON.stringify(settings.records())) as Record<string, unknown>[];
}

const setting = (content: object): SettingRecord | undefined => {
  const entry = parseLinkEntry({ of: 'setting', ...content });
  return entry?.of === 'setting' ? entry : undefined;
};
const head = (content: unknown): unknown =>
  parseLinkEntry(
    typeof content === 'object' && content !== null && !Array.isArray(content)
      ? { of: 'link', ...content }
      : content,
  );

describe('what is kept of a link', () => {
  it('comes back as it was, values of all kinds included', () => {
    const content = onDisk();
    const settings = emptySettings();
    settings.restore(content.map((one) => setting(one)!));
    for (const [at, value] of VALUES.entries()) {
      const setting = settings.get('limit', String(at));
      expect(setting?.point).toEqual(
        makePoint({ type: 'limit', key: String(at), value, time: BigInt(at), origin: 'u' }),
      );
      expect(setting?.life.name).toBe(['pending', 'inForce'][at] ?? 'sent');
    }
    expect(settings.get('limit', '1')).toMatchObject({
      state: 'inForce',
      confirmedNs: 12345678901234567890n,
    });
    expect(settings.get('limit', '2')?.sentScale).toBe(0.1);
    expect(settings.get('restart', '')).toMatchObject({
      command: true,
      point: { time: -5n, tombstone: 3 },
    });
    expect(settings.get('odd', '')).toMatchObject({
      point: { time: 8n, value: floatValue(3) },
      time: { ns: 8n, stated: 7n, seen: 2n ** 63n - 1n, tied: true },
    });
    expect(JSON.parse(JSON.stringify(settings.records()))).toEqual(content);
  });

  it('has the ages of points', () => {
    const ages = {
      temp: { at: 5, unreported: true },
      'temp/a': { at: 7, stale: true },
    };
    expect(head({ ages })).toEqual({ of: 'link', ages });
  });

  it('has what is compared to notice a restart', () => {
    const last = { sequence: 3, uptime: 1.5, startClock: '77', logMs: 62_345 };
    const session = { last: { ...last, sampleSequence: 9, sampleClock: '78' } };
    expect(head({ session })).toEqual({ of: 'link', session });
  });

  it('may be empty, and may contain what a later version adds', () => {
    expect(head({})).toEqual({ of: 'link' });
    expect(head({ session: {}, judge: {}, later: 1 })).toEqual({
      of: 'link',
      session: {},
      judge: {},
    });
  });

  it.each([
    [undefined],
    [null],
    [[]],
    ['text'],
    [{ session: [] }],
    [{ session: { codec: 'json' } }],
    [{ session: { acknowledges: true } }],
    [{ session: { sequence: 256 } }],
    [{ session: { sequence: 1.5 } }],
    [{ session: { last: { uptime: '5' } } }],
    [{ session: { last: { startClock: '1e3' } } }],
    [{ of: 'setting' }],
    [{ of: 'secret' }],
    [{ judge: { disabled: true } }],
    [{ judge: { disabled: { value: true, time: 5 } } }],
    [{ judge: { lastReading: 'yesterday' } }],
  ])('is invalid as %j', (content) => {
    expect(head(content)).toBeUndefined();
  });

  it.each([
    ['type', 5],
    ['key', undefined],
    ['time', '0x10'],
    ['time', ''],
    ['tombstone', 0.5],
    ['state', 'lost'],
    ['transmissions', '1'],
    ['confirmed', 'never'],
    ['value', { kind: 'float' }],
    ['value', { kind: 'float', number: 'x' }],
    // It would be sent to the device, and stand in SIOT's way.
    ['value', { kind: 'float', number: 'NaN' }],
    ['value', { kind: 'string', text: 'a', number: 'NaN' }],
    ['value', { kind: 'int', number: '1.5' }],
    ['value', { kind: 'int' }],
    ['value', { kind: 'int', number: '9223372036854775808' }],
    ['value', { kind: 'date' }],
  ])('has no setting whose %s is %j', (member, odd) => {
    const content = { ...onDisk()[0], [member]: odd };
    expect(setting(content)).toBeUndefined();
  });

  it('is refused, or restored and kept again, whatever it contains', () => {
    const number = fc.oneof(fc.string(), fc.bigInt().map(String), fc.double().map(String));
    let restored = 0;
    const odd = fc.record({
      type: fc.string(),
      key: fc.string(),
      time: number,
      value: fc.record(
        {
          kind: fc.constantFrom('none', 'float', 'int', 'string', 'json'),
          number,
          text: fc.string(),
        },
        { requiredKeys: ['kind'] },
      ),
      tombstone: fc.integer(),
      origin: fc.string(),
      state: fc.constantFrom('pending', 'inForce', 'unconfirmed', 'ended', 'replaced', 'refused'),
      transmissions: fc.nat(),
    });
    const content = fc.oneof(
      fc.jsonValue(),
      odd.map((one) => ({ of: 'setting', ...one })),
    );
    fc.assert(
      fc.property(content, (any) => {
        const entry = parseLinkEntry(any);
        if (entry?.of !== 'setting') return;
        const settings = emptySettings();
        settings.restore([entry]);
        const kept = JSON.parse(JSON.stringify(settings.records())) as SettingRecord[];
        expect(kept).toMatchObject([
          { type: entry.type, key: entry.key, value: { kind: entry.value.kind } },
        ]);
        const again = emptySettings();
        for (const one of kept) expect(setting(one)).toEqual({ of: 'setting', ...one });
        again.restore(kept);
        expect(JSON.parse(JSON.stringify(again.records()))).toEqual(kept);
        restored += 1;
      }),
      { numRuns: 1_000 },
    );
    expect(restored).toBeGreaterThan(0);
  });
});
