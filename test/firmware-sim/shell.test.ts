import { describe, expect, it } from 'vitest';
import { pipePair } from '../../firmware-sim/pipe.js';
import { parseProfile } from '../../firmware-sim/profile.js';
import { ShellDevice, type ShellDeviceOptions } from '../../firmware-sim/shell/device.js';
import { tokenize } from '../../firmware-sim/shell/tokenizer.js';
import { FakeClock } from '../support/fake-clock.js';

const PROFILE = parseProfile(`
settings:
  - { type: setpoint, kind: number, initial: 4.2, max: 8 }
  - { type: label, kind: text, initial: Pump 1 }
log: { intervalMs: 1000, lines: [running] }
`);

/** A device on a line, at whose other end a person sits. */
function console_(options: Partial<ShellDeviceOptions> = {}) {
  const [end, person] = pipePair();
  const clock = new FakeClock();
  const device = new ShellDevice(end, { clock, profile: PROFILE, ...options });
  let seen = '';
  person.onData = (bytes) => {
    seen += Buffer.from(bytes).toString();
  };
  const take = (): string => {
    const text = seen;
    seen = '';
    return text;
  };
  const type = async (text: string): Promise<string> => {
    person.write(Buffer.from(text));
    // The firmware reports what has changed in another thread.
    await new Promise((resolve) => setImmediate(resolve));
    return take();
  };
  return { clock, device, mcu: device.mcu, take, type };
}

/** A console that has been told to be quiet. */
async function quiet(options: Partial<ShellDeviceOptions> = {}) {
  const all = console_(options);
  all.device.start();
  await all.type('\r\nshell echo off\r\nshell colors off\r\n');
  return all;
}

const PROMPT = 'uart:~$ ';

describe('the console of a shell', () => {
  it('prints a banner, a prompt in colours, and log lines above the prompt', () => {
    const { device, take, clock } = console_();
    device.start();
    const coloured = `\x1b[1;32m${PROMPT}\x1b[m`;
    const erased = '\x1b[8D\x1b[J';
    expect(take()).toBe(
      `*** Booting Zephyr OS build v3.7.0 ***\r\n${coloured}${erased}` +
        `[00:00:00.000,000] \x1b[1;32m<inf> app: started\x1b[0m\r\n${coloured}`,
    );
    clock.advance(1000);
    expect(take()).toContain('[00:00:01.000,000] \x1b[1;32m<inf> app: running\x1b[0m\r\n');
  });

  it('echoes what is typed, until it is told otherwise', async () => {
    const { device, take, type } = console_();
    device.start();
    take();
    expect(await type('shell ecxx\b\bho off')).toBe('shell ecxx\b \b\b \bho off');
    expect(await type('\r\n')).toBe(`\r\n\x1b[1;32m${PROMPT}\x1b[m`);
    expect(await type('shell colors off\r\n')).toBe(`\r\n${PROMPT}`);
    expect(await type('what\r\n')).toBe(`\r\nwhat: command not found\r\n${PROMPT}`);
    expect(await type('p a "b\r\n')).toBe(`\r\nError: quotation marks do not match\r\n${PROMPT}`);
    device.mcu.reboot();
    expect(take()).toBe('');
  });

  it('reports all points when it is asked to, and each change when it streams', async () => {
    const { type } = await quiet();
    expect(await type('siot dump\r\n')).toBe(
      `\r\npt setpoint 0 FLT 4.2\r\npt label 0 STR "Pump 1"\r\n${PROMPT}`,
    );
    expect(await type('p setpoint 0 FLT 5\r\n')).toBe(`\r\n${PROMPT}`);
    await type('siot stream on\r\n');
    expect(await type('p setpoint 0 FLT 99 2026-01-02T03:04:05.000000000Z\r\n')).toContain(
      'pt setpoint 0 FLT 8\r\n',
    );
  });

  it('reports a setting with the time of its command, if it carries times', async () => {
    const { type } = await quiet({ times: 'synced' });
    await type('siot stream on\r\n');
    const time = '2026-01-02T03:04:05.000000001Z';
    expect(await type(`p setpoint 0 FLT 6 ${time}\r\n`)).toContain(
      `pt setpoint 0 FLT 6 ${time}\r\n`,
    );
    expect(await type('siot dump\r\n')).toContain('pt label 0 STR "Pump 1"\r\n');
  });

  it('has integers of 32 bits, four decimals, no exponents and short texts', async () => {
    const { type } = await quiet();
    await type('siot stream on\r\n');
    expect(await type('p setpoint 0 FLT 1.23456\r\n')).toContain('pt setpoint 0 FLT 1.2346\r\n');
    expect(await type('p setpoint 0 INT -4294967293\r\n')).toContain('pt setpoint 0 FLT 3\r\n');
    expect(await type('p setpoint 0 FLT 1e3\r\n')).toContain('p: cannot take FLT 1e3\r\n');
    expect(await type('p setpoint 0 JSN {}\r\n')).toContain('p: cannot take JSN');
    expect(await type(`p label 0 STR ${'x'.repeat(30)}\r\n`)).toContain(
      `STR ${'x'.repeat(19)}\r\n`,
    );
  });

  it('takes printable ASCII alone, and 255 characters of a command', async () => {
    const { mcu, type } = await quiet();
    await type('siot stream on\r\n');
    expect(await type('p label 0 STR \u00fcber\r\n')).toContain('pt label 0 STR ber\r\n');
    await type(`${'x'.repeat(300)}\r\n`);
    expect(mcu.commands.at(-1)?.words).toEqual(['x'.repeat(255)]);
  });

  it('does not know siot, where it is today’s firmware', async () => {
    const { type } = await quiet({ knowsSiot: false });
    expect(await type('siot stream on\r\n')).toBe(`\r\nsiot: command not found\r\n${PROMPT}`);
  });

  it('starts anew after a restart', async () => {
    const { clock, mcu, take, type } = await quiet();
    await type('siot stream on\r\n');
    mcu.reboot();
    expect(await type('p setpoint 0 FLT 5\r\n')).toBe('');
    clock.advance(100);
    expect(take()).toContain(`*** Booting Zephyr OS build v3.7.0 ***\r\n\x1b[1;32m${PROMPT}`);
    expect(mcu.streams).toBe(false);
  });
});

describe('the words of a command', () => {
  it.each([
    ['p  a\t0 STR x', ['p', 'a', '0', 'STR', 'x']],
    ['"a b" \'c "d"\' ""', ['a b', 'c "d"', '']],
    ['a"b c"d', ['ab cd']],
    ['"say \\"on\\"" \'it\\\'s\'', ['say "on"', "it's"]],
    ['"\\x41\\0101\\012"', ['AA\n']],
    ['"a\\nb\\\\c"', ['a\\nb\\\\c']],
    ['a\\ b c\\\\d', ['a b', 'c\\d']],
    ['"open', undefined],
    ["don't", undefined],
    ['"a\\"', undefined],
    ['x '.repeat(30), new Array<string>(20).fill('x')],
  ])('%s', (command, words) => {
    expect(tokenize(Buffer.from(command))?.map(String)).toEqual(words);
  });
});
