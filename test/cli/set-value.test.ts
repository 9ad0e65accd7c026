import { describe, expect, it } from 'vitest';
import { parseTarget, parseValue } from '../../src/cli/set-value.js';

describe('the VALUE of `set`', () => {
  it.each([
    ['12.5', 12.5],
    ['-3', -3],
    ['+.5e2', 50],
    ['true', 1],
    ['false', 0],
    ['-0', -0],
  ])('%s is the number %s', (word, number) => {
    expect(parseValue(word, {})).toEqual({ kind: 'float', number });
  });

  it.each(['', 'on', '0x10', '1_000', '1,5', 'NaN', 'Infinity', '1e999', 'True', ' 1'])(
    '%j is text',
    (word) => {
      expect(parseValue(word, {})).toEqual({ kind: 'string', text: word });
    },
  );

  it('is what an option says it is', () => {
    expect(parseValue('42', { text: true })).toEqual({ kind: 'string', text: '42' });
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

  it.each(['', '/1', 'a.b', 'a/b.c', 'a b', 'a/*', '>', 'x'.repeat(256)])('%j is none', (word) => {
    expect(() => parseTarget(word)).toThrow('names no point');
  });
});
