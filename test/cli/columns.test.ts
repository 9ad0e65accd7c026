import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut, padEnd, padStart, widthOf, wrap } from '../../src/cli/columns.js';

describe('columns of a terminal', () => {
  it.each([
    ['flow', 4],
    ['', 0],
    ['Größe', 5],
    ['u\u0308', 1],
    ['温度', 4],
    ['ﾊﾝｶｸ', 4],
    ['서울', 4],
    ['⏻', 1],
    ['👍', 2],
    ['👨‍👩‍👧', 6],
    ['▲ ═', 3],
  ])('%s', (text, width) => {
    expect(widthOf(text)).toBe(width);
    expect(widthOf(padEnd(text, 12))).toBe(12);
    expect(widthOf(padStart(text, 12))).toBe(12);
  });

  it('cut a text, and no character in two', () => {
    expect(cut('setpoint', 8)).toBe('setpoint');
    expect(cut('setpoint', 5)).toBe('setp…');
    expect(cut('温度計', 5)).toBe('温度…');
    expect(cut('温度計', 4)).toBe('温…');
    expect(cut('x'.repeat(100), 20, ' 100 bytes')).toBe(`${'x'.repeat(9)}… 100 bytes`);
    // Too narrow for both.
    expect(cut('x'.repeat(100), 8, ' 100 bytes')).toBe('xxxxxxx…');
  });

  it('break a text at spaces, with an indent from the second line on', () => {
    expect(wrap(' ! one two three four', 10, '   ')).toEqual([' ! one two', '   three', '   four']);
    expect(wrap('short', 10, '   ')).toEqual(['short']);
    expect(wrap('muchtoolongword x', 10, ' ')).toEqual(['muchtoolo…', ' x']);
  });

  it('are never exceeded', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom('', ' 9 bytes'),
        (text, columns, end) => {
          expect(widthOf(cut(text, columns, end))).toBeLessThanOrEqual(columns);
          for (const line of wrap(text, columns, ' ')) {
            expect(widthOf(line)).toBeLessThanOrEqual(columns);
          }
        },
      ),
    );
  });
});
