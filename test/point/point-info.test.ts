import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MOST_ANNOUNCED,
  readAnnouncement,
  whyNotAnnounced,
} from '../../src/point/point-announcement.js';
import {
  mergePointInfo,
  pointInfoProblems,
  POINT_INFO_FIELDS,
  POINT_KINDS,
  type PointInfo,
} from '../../src/point/point-info.js';
import { fromDevice, pointScale, toDevice } from '../../src/point/point-scale.js';
import { floatValue, intValue, jsonValue, stringValue, NO_VALUE } from '../../src/point/point.js';
import { valueOfWordByInfo, whyNotValue } from '../../src/point/setting-check.js';

const word = fc.stringMatching(/^[a-z]{1,5}$/);
const number = fc.integer({ min: -20, max: 20 });
/** Any fields, whether they go together or not. */
const anyInfo = fc.record(
  {
    kind: fc.constantFrom(...POINT_KINDS),
    name: word,
    unit: word,
    min: number,
    max: number,
    step: fc.constantFrom(0.5, 1),
    scale: fc.constantFrom(0.1, 2),
    values: fc.oneof(
      fc.array(number, { minLength: 1, maxLength: 3 }),
      fc.array(word, { minLength: 1, maxLength: 3 }),
    ),
    writable: fc.boolean(),
    maxAge: fc.constantFrom(1, 60),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<PointInfo>;
/** What is left of any fields when they are read one by one: they go together. */
const info = anyInfo.map((one) => readAnnouncement(JSON.stringify(one)).info);

describe('joining what two sources say of a point', () => {
  it('keeps all of the first, and takes of the second only what goes with it', () => {
    fc.assert(
      fc.property(info, info, (over, under) => {
        const merged = mergePointInfo(over, under);
        expect(pointInfoProblems(merged)).toEqual([]);
        expect(merged).toMatchObject(over);
        for (const field of POINT_INFO_FIELDS) {
          if (over[field] === undefined && merged[field] !== undefined) {
            expect(merged[field]).toBe(under[field]);
          }
        }
        expect(mergePointInfo(merged, under)).toEqual(merged);
      }),
    );
  });

  it('takes every field that nothing speaks against', () => {
    const under = { kind: 'number', unit: 'bar', min: 0, max: 8, maxAge: 5 } as const;
    expect(mergePointInfo({ name: 'Pressure', max: 6 }, under)).toEqual({
      ...under,
      name: 'Pressure',
      max: 6,
    });
    expect(mergePointInfo({ kind: 'text' }, under)).toEqual({
      kind: 'text',
      unit: 'bar',
      maxAge: 5,
    });
    expect(mergePointInfo({ min: 10 }, under)).toEqual({
      kind: 'number',
      unit: 'bar',
      min: 10,
      maxAge: 5,
    });
  });
});

describe('an announcement', () => {
  it('is read field by field: what is wrong is told, and the rest is used', () => {
    const text = JSON.stringify({
      kind: 'number',
      unit: 'bar',
      min: 9,
      max: 8,
      step: 0,
      maxAge: '60',
      writable: false,
      color: 'red',
    });
    expect(readAnnouncement(text)).toEqual({
      info: { kind: 'number', unit: 'bar', min: 9, writable: false },
      problems: [
        'min 9 is more than max, 8; give the smaller one',
        'step must be a number above 0',
        'maxAge must be a number of seconds from 0.1 to 31536000',
        'unknown field "color"',
      ],
    });
  });

  it.each([
    ['no JSON', '{"unit":', 'it is no JSON: "{\\"unit\\":"'],
    ['a list', '[1]', 'it is no JSON object'],
    ['null', 'null', 'it is no JSON object'],
    [
      'too long a text',
      `{"name":"${'x'.repeat(MOST_ANNOUNCED)}"}`,
      'it has more than 4096 characters',
    ],
  ])('that is %s says nothing', (_what, text, problem) => {
    expect(readAnnouncement(text)).toEqual({ info: {}, problems: [problem] });
  });

  it('never throws, and never yields fields that do not go together', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          anyInfo.map((one) => JSON.stringify(one)),
        ),
        (text) => {
          expect(pointInfoProblems(readAnnouncement(text).info)).toEqual([]);
        },
      ),
    );
  });

  it.each([
    ['temp', undefined],
    ['temp/motor', undefined],
    ['', 'its key must be the type that it speaks of'],
    ['0', 'its key must be the type that it speaks of'],
    ['temp/', 'its key is no TYPE or TYPE/KEY'],
    ['/motor', 'its key is no TYPE or TYPE/KEY'],
    ['pointInfo', 'it speaks of itself'],
    ['connected', 'connected belongs to the gateway'],
    ['gatewayStale/temp', 'gatewayStale belongs to the gateway'],
  ])('with the key %j: %s', (key, why) => {
    expect(whyNotAnnounced(key)).toBe(why);
  });
});

describe('a scale', () => {
  it('is used as the decimal number that it is', () => {
    const scale = pointScale(0.1);
    expect(fromDevice(floatValue(3), scale)).toEqual(floatValue(0.3));
    expect(fromDevice(intValue(235n), scale)).toEqual(floatValue(23.5));
    expect(toDevice(floatValue(23.5), scale)).toEqual(floatValue(235));
    expect(toDevice(floatValue(0.29), pointScale(0.01))).toEqual(floatValue(29));
    expect(fromDevice(floatValue(5), pointScale(1000))).toEqual(floatValue(5000));
    expect(fromDevice(floatValue(5), pointScale(-0.25))).toEqual(floatValue(-1.25));
  });

  it('leaves what is no number as it is', () => {
    for (const value of [stringValue('3'), jsonValue('3'), NO_VALUE]) {
      expect(fromDevice(value, pointScale(0.1))).toBe(value);
      expect(toDevice(value, pointScale(0.1))).toBe(value);
    }
  });

  it('gives each whole number of a device back', () => {
    const scale = fc.oneof(
      fc.constantFrom(0.1, 0.01, 0.001, 0.25, 0.3, 10, 1e-6, 1e15, 7e-15),
      fc.double({ min: 1e-12, max: 1e12, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.integer(), scale, (raw, one) => {
        const shown = fromDevice(floatValue(raw), pointScale(one));
        expect(toDevice(shown, pointScale(one))).toEqual(floatValue(raw === 0 ? 0 : raw));
      }),
    );
  });
});

describe('a value that somebody sets', () => {
  const setpoint: PointInfo = { min: 0.5, max: 8, step: 0.1, unit: 'bar' };
  const refusal = (value: number) => `${value} is not allowed: p takes 0.5 … 8 bar in steps of 0.1`;

  it.each([
    [floatValue(0.5), setpoint, undefined],
    [floatValue(7.9), setpoint, undefined],
    [stringValue('7.9'), setpoint, undefined],
    [floatValue(8.1), setpoint, refusal(8.1)],
    [floatValue(0.4), setpoint, refusal(0.4)],
    [floatValue(0.55), setpoint, refusal(0.55)],
    [intValue(3n), setpoint, undefined],
    [intValue(9n), setpoint, refusal(9)],
    [stringValue('high'), setpoint, '"high" is not allowed: p takes 0.5 … 8 bar in steps of 0.1'],
    [floatValue(1), { writable: false }, 'p is read-only (writable: false)'],
    [floatValue(1), {}, undefined],
    [floatValue(2), { kind: 'switch' }, '2 is not allowed: p takes on or off (1 or 0)'],
    [floatValue(1), { kind: 'switch' }, undefined],
    [floatValue(1), { kind: 'text' }, '1 is not allowed: p takes text'],
    [stringValue('eco'), { values: ['auto', 'eco'] }, undefined],
    [stringValue('off'), { values: ['auto', 'eco'] }, '"off" is not allowed: p takes auto, eco'],
    [floatValue(3), { values: [1, 2], unit: 'V' }, '3 is not allowed: p takes 1, 2 V'],
    [jsonValue('{"a":1}'), { kind: 'json' }, undefined],
    [stringValue('{"a":'), { kind: 'json' }, '"{\\"a\\":" is not allowed: p takes JSON'],
    [floatValue(-1), { min: 0, unit: '%' }, '-1 is not allowed: p takes a number from 0 % up'],
    [NO_VALUE, { kind: 'number' }, 'no value is not allowed: p takes a number'],
  ] as const)('is allowed, or refused with what is allowed: case %#', (value, known, why) => {
    expect(whyNotValue(value, known, 'p')).toBe(why);
  });

  it('may be of another kind where somebody insists, and not beyond the limits', () => {
    const forced = (value: Parameters<typeof whyNotValue>[0], known: PointInfo) =>
      whyNotValue(value, known, 'p', true);
    expect(forced(floatValue(1), { kind: 'text' })).toBeUndefined();
    expect(forced(stringValue('x'), { kind: 'number', max: 5 })).toBeUndefined();
    expect(forced(stringValue('6'), { max: 5 })).toBe(
      '"6" is not allowed: p takes a number up to 5',
    );
    expect(forced(floatValue(6), { max: 5 })).toBeDefined();
    expect(forced(floatValue(2), { kind: 'switch' })).toBeDefined();
    expect(forced(floatValue(1), { values: ['a'] })).toBeDefined();
    expect(forced(stringValue('b'), { values: ['a'] })).toBeDefined();
    expect(forced(floatValue(1), { writable: false })).toBeDefined();
  });

  it('is on a step for each multiple of it, however long the decimal fraction', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1e6, max: 1e6 }),
        fc.integer({ min: 0, max: 6 }),
        (n, digits) => {
          const step = Number(`1e-${String(digits)}`);
          const value = Number(`${String(n)}e-${String(digits)}`);
          expect(whyNotValue(floatValue(value), { step }, 'p')).toBeUndefined();
        },
      ),
    );
  });

  it.each([
    ['on', { kind: 'switch' }, floatValue(1)],
    ['0', { kind: 'switch' }, floatValue(0)],
    ['42', { kind: 'text' }, stringValue('42')],
    ['42', { min: 0 }, floatValue(42)],
    ['on', { kind: 'number' }, stringValue('on')],
    ['{}', { kind: 'json' }, jsonValue('{}')],
    ['42', { unit: 'V' }, undefined],
  ] as const)('as the word %s of %j is %j', (text, known, value) => {
    expect(valueOfWordByInfo(text, known)).toEqual(value);
  });
});
