import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../firmware-sim/random.js';
import { isAtLeast, levelOf } from '../../../src/session/node/log-level.js';
import { logLines, withoutEscapes } from '../../../src/session/node/log-text.js';

describe('the level of a log line', () => {
  it.each([
    ['[00:00:01.234,567] <err> motor: stalled', 'error'],
    ['[00:00:01.234,567] <wrn> motor: slow', 'warn'],
    ['<inf> motor: turns', 'info'],
    ['[1234] <dbg> motor: loop', 'debug'],
    ['E: ***** MPU FAULT *****', 'error'],
    ['W: low battery', 'warn'],
    ['E (1234) wifi: no beacon', 'error'],
    ['W (12:34:56.789) wifi: weak', 'warn'],
    ['I (312) cpu_start: Pro cpu up.', 'info'],
    ['D (5) x: y', 'debug'],
    ['V (5) x: y', 'debug'],
    ['<3>motor stalled', 'error'],
    ['<12>user warning', 'warn'],
    ['<6>fine', 'info'],
    ['<191>all of it', 'debug'],
    ['ERROR: motor stalled', 'error'],
    ['Warning: low battery', 'warn'],
    ['[INFO] up', 'info'],
    ['12.345 [ERROR] motor stalled', 'error'],
    ['2026-01-02T03:04:05Z fatal: out of memory', 'error'],
    ['(debug) loop', 'debug'],
  ])('%s', (line, level) => {
    expect(levelOf(line)).toBe(level);
  });

  it.each([
    'pump running',
    'error rate is 3 %',
    'E',
    'Errors: 0',
    'I am up',
    'infos: 3',
    '<x>tag',
    '<1234>x',
    'motor: error: stalled',
    '',
  ])('is not guessed: %s', (line) => {
    expect(levelOf(line)).toBeUndefined();
  });

  it('takes no time from a line that is made to take it', () => {
    const began = performance.now();
    for (const evil of ['[' + '1'.repeat(50_000), ' '.repeat(50_000), '1 '.repeat(20_000) + ':'])
      levelOf(evil);
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it('is compared; what has none is no level at all', () => {
    expect(isAtLeast('error', 'warn')).toBe(true);
    expect(isAtLeast('info', 'warn')).toBe(false);
    expect(isAtLeast(undefined, 'debug')).toBe(false);
  });
});

describe('the text of log lines', () => {
  it('has neither colours nor other commands for a terminal, and keeps tabs', () => {
    const coloured = '\u001b[0;31mE (1234) wifi: \tno beacon\u001b[0m\r\n';
    expect(logLines(coloured)).toEqual(['E (1234) wifi: \tno beacon']);
    expect(logLines('\u001b]0;title\u0007\u001b[2J\u001bMhi\u0000\u0007')).toEqual(['hi']);
    expect(logLines('\u009b31m\u009d0;title\u009chi\u0085')).toEqual(['hi']);
  });

  it('has no mark of the writing direction, and no other line end', () => {
    expect(logLines('is \u202e\u2066on\u2069\u202c\u200f\u2028')).toEqual(['is on']);
  });

  it('has none of these, whatever comes (seed 31), and keeps what is harmless', () => {
    expect(withoutEscapes('\u009b\u001b[0m31mred')).toBe('31mred');
    const random = new SeededRandom(31);
    const pick = (from: string): string => from[random.below(from.length)] ?? '';
    const nasty = String.fromCharCode(
      ...Array.from({ length: 0xa1 }, (_, code) => code),
      ...[0x061c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2066, 0x2069],
    );
    const parts = '\u001b\u001b\u009b\u009d\u009c\u0007[]0;m\\ ';
    for (let n = 0; n < 20_000; n++) {
      const length = random.below(24);
      const text = Array.from({ length }, () => pick(random.chance(0.7) ? parts : nasty)).join('');
      expect(withoutEscapes(text), JSON.stringify(text)).toMatch(
        /^(?:[\t\n]|[^\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}])*$/u,
      );
    }
    expect(withoutEscapes('\tä–\n𝄞\u00a0')).toBe('\tä–\n𝄞\u00a0');
  });

  it('takes no time from a text that is made to take it', () => {
    const began = performance.now();
    for (const evil of ['\u009b', '\u001b[1', '\u001b]', '\u001b/', '\u009d\u001b', '\u009b;'])
      withoutEscapes(evil.repeat(50_000));
    withoutEscapes(`\u009b${'1'.repeat(100_000)}`);
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it('is cut at each line end and at its longest, without blank lines', () => {
    expect(logLines('a\r\n\r\nb\rc\n')).toEqual(['a', 'b', 'c']);
    expect(logLines('x'.repeat(10_000))[0]).toHaveLength(4_096);
  });
});
