import { describe, expect, it } from 'vitest';
import { parseTarget, parseValue } from '../../src/cli/set-value.js';

describe('the VALUE of `set`', () => {
  it.each(['12.5', '-0', 'true', 'off', '', '0x10', 'auto', ' 1'])(
    '%j goes to the gateway as a word, unchanged',
    (word) => {
      expect(parseValue(word, {})).toEqual({ kind: 'word', text: word });
    },
  );

  it.each([
    ['12.5', 12.5],
    ['-3', -3],
    ['+.5e2', 50],
    ['on', 1],
    ['true', 1],
    ['off', 0],
    ['false', 0],
  ])('%s is the number %s with --number', (word, number) => {
    expect(parseValue(word, { number: true })).toEqual({ kind: 'float', number });
  });

  it.each(['', 'auto', '0x10', '1,5', 'NaN', 'Infinity', '1e999', 'True', 'ON', ' 1'])(
    '%j is no number with --number',
    (word) => {
      expect(() => parseValue(word, { number: true })).toThrow('VALUE is no number');
    },
  );

  it('has the kind that an option names', () => {
    expect(parseValue('42', { text: true })).toEqual({ kind: 'string', text: '42' });
    expect(parseValue('off', { text: true })).toEqual({ kind: 'string', text: 'off' });
    expect(parseValue('[1]', { json: true })).toEqual({ kind: 'json', text: '[1]' });
    expect(parseValue('-9223372036854775808', { int: true })).toEqual({
      kind: 'int',
      integer: '-9223372036854775808',
    });
    expect(parseValue('+7', { int: true })).toEqual({ kind: 'int', integer: '7' });
  });
});

describe('the TYPE[/KEY] of `set`', () => {
  it.each([
    ['flow', 'flow', ''],
    ['relay/2', 'relay', '2'],
    ['relay/', 'relay', ''],
    ['a/b/c', 'a', 'b/c'],
  ])('%s is type %s, key %j', (word, type, key) => {
    expect(parseTarget(word)).toEqual({ type, key });
  });

  it.each(['', '/1', 'a.b', 'a/b.c', 'a b', 'a/*', '>', 'x'.repeat(256)])(
    '%j is refused',
    (word) => {
      expect(() => parseTarget(word)).toThrow('names no point');
    },
  );
});
