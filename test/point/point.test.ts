import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PointMap } from '../../src/point/point-map.js';
import {
  NO_VALUE,
  canonicalKey,
  floatValue,
  intValue,
  isDeleted,
  isTrue,
  jsonValue,
  numberOf,
  plainValue,
  sameValue,
  stringValue,
  textOf,
} from '../../src/point/point.js';
import { isNeverSentDown, isReservedType } from '../../src/point/reserved.js';
import { keyProblem, tokenProblem } from '../../src/point/token.js';

describe('values (docs/siot.md, 1.1)', () => {
  it('the numeric accessor returns 0 for text, JSON and nothing; the text accessor "" for numbers', () => {
    expect(numberOf(stringValue('5'))).toBe(0);
    expect(numberOf(jsonValue('5'))).toBe(0);
    expect(numberOf(NO_VALUE)).toBe(0);
    expect(numberOf(intValue(-40n))).toBe(-40);
    expect(numberOf({ kind: 'string', text: 'x', number: 3 })).toBe(3);
    expect(textOf(floatValue(5))).toBe('');
    expect(textOf(intValue(5n))).toBe('');
    expect(textOf(NO_VALUE)).toBe('');
    expect(textOf(jsonValue('{}'))).toBe('{}');
  });

  it('true means exactly 1', () => {
    expect(isTrue(floatValue(1))).toBe(true);
    expect(isTrue(intValue(1n))).toBe(true);
    for (const other of [floatValue(2), floatValue(0.5), stringValue('1'), NO_VALUE]) {
      expect(isTrue(other)).toBe(false);
    }
  });

  it('even tombstones are alive, odd ones deleted', () => {
    for (const tombstone of [0, 2, -2]) expect(isDeleted({ tombstone })).toBe(false);
    for (const tombstone of [1, 3, -1, 0x7fff_ffff]) expect(isDeleted({ tombstone })).toBe(true);
  });

  it('values are the same when kind and content are, NaN included', () => {
    const all = [
      NO_VALUE,
      floatValue(0),
      floatValue(1),
      floatValue(Number.NaN),
      intValue(1n),
      stringValue(''),
      stringValue('1'),
      { kind: 'string', text: '1', number: 1 } as const,
      jsonValue('1'),
    ];
    all.forEach((a, i) =>
      all.forEach((b, j) => expect(sameValue(structuredClone(a), b)).toBe(i === j)),
    );
    expect(sameValue(stringValue('1'), { kind: 'string', text: '1', number: 0 })).toBe(true);
  });

  it('in JSON what a double cannot hold is text', () => {
    expect(plainValue(intValue(9007199254740993n))).toBe('9007199254740993');
    expect(plainValue(intValue(-40n))).toBe(-40);
    expect(plainValue(floatValue(Number.POSITIVE_INFINITY))).toBe('Infinity');
    expect(plainValue(NO_VALUE)).toBeNull();
    expect(plainValue(stringValue(''))).toBe('');
  });
});

describe('"" and "0" are one key (docs/siot.md, 1.2)', () => {
  it('everywhere points are kept', () => {
    expect(canonicalKey('')).toBe('0');
    expect(canonicalKey('0')).toBe('0');
    expect(canonicalKey('00')).toBe('00');
    const map = new PointMap<number>();
    map.set('t', '', 1);
    map.set('t', '0', 2);
    map.set('t', '1', 3);
    expect(map.size).toBe(2);
    expect(map.get('t', '')).toBe(2);
    expect(map.delete('t', '')).toBe(true);
    expect(map.delete('t', '0')).toBe(false);
    expect([...map.values()]).toEqual([3]);
  });

  it('a map by type and key does not confuse temp/10 with temp1/0', () => {
    const word = fc.string({ maxLength: 2, unit: fc.constantFrom('a', '0', '1') });
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word, fc.nat())), (entries) => {
        const map = new PointMap<number>();
        const model = new Map<string, number>();
        for (const [type, key, value] of entries) {
          map.set(type, key, value);
          model.set(JSON.stringify([type, key === '' ? '0' : key]), value);
        }
        expect(map.size).toBe(model.size);
        expect([...map.values()].sort()).toEqual([...model.values()].sort());
        map.clear();
        expect(map.size).toBe(0);
      }),
    );
  });
});

describe('what may be a subject token (docs/siot.md, 1.6)', () => {
  it.each([
    ['.', 'a.b'],
    ['space', 'a b'],
    ['tab', 'a\tb'],
    ['CR', 'a\rb'],
    ['LF', 'a\nb'],
    ['*', '*'],
    ['>', 'a>'],
    ['NUL', 'a\0'],
  ])('%s may not stand in it', (_, token) => {
    expect(tokenProblem(token)).toBe('forbiddenCharacter');
    expect(keyProblem(token)).toBe('forbiddenCharacter');
  });

  it('everything else may: / % [ ] { } = " and UTF-8', () => {
    for (const token of ['a/b', '%', '[', ']', '{}', '=', '"', 'Größe', '温度', '_', '-', '$x']) {
      expect(tokenProblem(token)).toBeUndefined();
    }
  });

  it('an empty type may not, an empty key is sent as 0', () => {
    expect(tokenProblem('')).toBe('empty');
    expect(keyProblem('')).toBeUndefined();
  });

  it('255 bytes pass, 256 do not', () => {
    expect(tokenProblem('x'.repeat(255))).toBeUndefined();
    expect(tokenProblem('x'.repeat(256))).toBe('tooLong');
    expect(tokenProblem('€'.repeat(85))).toBeUndefined();
    expect(tokenProblem(`${'€'.repeat(85)}x`)).toBe('tooLong');
    expect(keyProblem('ü'.repeat(128))).toBe('tooLong');
    expect(tokenProblem('😀'.repeat(64))).toBe('tooLong');
  });
});

describe('who may set which point', () => {
  const owned =
    'port baud protocol timeout logConsole maxMessageLength hrDest syncParent disabled debug ' +
    'download progress connected pending rx tx hrRx rate rateHR errorCount errorCountHR rxReset ' +
    'txReset hrRxReset errorCountReset errorCountResetHR gatewayAnything gateway';

  it.each(owned.split(' '))('a device cannot set %s, and it is never sent down', (type) => {
    expect(isReservedType(type)).toBe(true);
    expect(isNeverSentDown(type)).toBe(true);
  });

  it('description, uptime and log are the device’s to report; description is not sent down', () => {
    for (const type of ['description', 'uptime', 'log']) expect(isReservedType(type)).toBe(false);
    expect(isNeverSentDown('description')).toBe(true);
  });

  it('other points are sent down', () => {
    for (const type of ['temp', 'Port', 'rx2', 'agateway'])
      expect(isNeverSentDown(type)).toBe(false);
  });
});
