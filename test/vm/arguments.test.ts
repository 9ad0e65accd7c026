import { describe, expect, it } from 'vitest';
import { parseArguments } from './modules.js';

const MINUTE_MS = 60_000;

describe('npm run lab', () => {
  it('runs the tests for at most 30 minutes, and passes arguments to vitest', () => {
    expect(parseArguments([])).toEqual({
      mode: 'tests',
      ifPossible: false,
      virtualTime: false,
      systemd: false,
      limitMs: 30 * MINUTE_MS,
      rest: [],
    });
    const { rest } = parseArguments(['test/lab/can.test.ts', '-t', 'bus']);
    expect(rest).toEqual(['test/lab/can.test.ts', '-t', 'bus']);
  });

  it('passes all that follows --shell to the command there', () => {
    expect(parseArguments(['--shell', 'ip', '--if-possible'])).toMatchObject({
      mode: 'shell',
      ifPossible: false,
      rest: ['ip', '--if-possible'],
    });
    expect(parseArguments(['--if-possible', '--shell', '--json'])).toMatchObject({
      mode: 'shell',
      ifPossible: true,
      rest: ['--json'],
    });
  });

  it('measures with --bench, and passes on what follows it', () => {
    expect(parseArguments(['--bench', '--seconds', '1'])).toMatchObject({
      mode: 'bench',
      limitMs: 30 * MINUTE_MS,
      rest: ['--seconds', '1'],
    });
    expect(() => parseArguments(['a.test.ts', '--bench'])).toThrow(/goes behind --bench/);
  });

  it('sets no limit to a person at the prompt', () => {
    expect(parseArguments(['--shell']).limitMs).toBeUndefined();
    expect(parseArguments(['--shell', 'ip']).limitMs).toBe(30 * MINUTE_MS);
  });

  it('takes tests and measurements in virtual time', () => {
    expect(parseArguments(['--virtual-time', 'a.test.ts'])).toMatchObject({
      virtualTime: true,
      rest: ['a.test.ts'],
    });
    expect(parseArguments(['--virtual-time', '--bench'])).toMatchObject({
      mode: 'bench',
      virtualTime: true,
    });
  });

  it('takes tests and a shell in a guest with systemd', () => {
    expect(parseArguments(['--systemd', 'a.test.ts'])).toMatchObject({
      mode: 'tests',
      systemd: true,
      rest: ['a.test.ts'],
    });
    expect(parseArguments(['--systemd', '--shell'])).toMatchObject({
      mode: 'shell',
      systemd: true,
    });
  });

  it('takes a limit in minutes', () => {
    expect(parseArguments(['--time-limit', '0.5']).limitMs).toBe(0.5 * MINUTE_MS);
  });

  it.each([
    [['--time-limit'], /--time-limit takes minutes, more than 0 and at most 1440/],
    [['--time-limit', '0'], /--time-limit takes minutes/],
    [['--time-limit', 'x'], /--time-limit takes minutes/],
    [['a.test.ts', '--shell'], /a\.test\.ts: goes behind --shell/],
  ])('refuses %j, and says what there is', (args, message) => {
    expect(() => parseArguments(args)).toThrow(message);
    expect(() => parseArguments(args)).toThrow(/--shell \[COMMAND…\]/);
  });

  it('explains itself', () => {
    expect(parseArguments(['--help']).mode).toBe('help');
  });
});
