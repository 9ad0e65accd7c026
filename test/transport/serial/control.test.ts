import { afterEach, describe, expect, test } from 'vitest';
import { SystemClock } from '../../../src/point/clock.js';
import { SerialTransport } from '../../../src/transport/serial/serial.js';
import { SERIAL_DEFAULTS } from '../../../src/transport/serial/options.js';
import type { SerialOptions } from '../../../src/transport/serial/options.js';
import { checkSettings, completeSettings } from '../../../src/transport/serial/settings.js';
import type { TransportError } from '../../../src/transport/transport.js';
import { CFLAG, IFLAG, TtySettings, loadTtyIoctl } from '../../../src/linux/tty-ioctl.js';
import type { TtyIoctl } from '../../../src/linux/tty-ioctl.js';
import { openPty } from '../../support/pty.js';
import { Recorder } from '../recorder.js';

const clock = new SystemClock();
const options: SerialOptions = { ...SERIAL_DEFAULTS, path: '/dev/ttyUSB0' };
/** ttyUSB0: a port with a line, unlike a PTY. */
const REAL = { rdev: (188 << 8) | 0, dev: 5, ino: 1 };
const PTY = { rdev: (136 << 8) | 0, dev: 5, ino: 1 };

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

/** Settings as a driver would report them after having taken the defaults. */
function taken(change: (words: Uint32Array) => void = () => undefined): TtySettings {
  const settings = new TtySettings();
  settings.controlFlags = CFLAG.CSIZE; // CS8 is all bits of CSIZE
  settings.words[10] = 115200;
  change(settings.words);
  return settings;
}

function refusal(asked: Partial<SerialOptions>, settings: TtySettings): TransportError {
  try {
    checkSettings({ ...options, ...asked }, REAL, settings);
  } catch (error) {
    return error as TransportError;
  }
  throw new Error('nothing was refused');
}

describe('what the driver has made of the settings', () => {
  test('the defaults as asked for', () => {
    expect(() => checkSettings(options, REAL, taken())).not.toThrow();
  });

  test('a rate that it rounds a little is taken, another one is not', () => {
    const at = (rate: number) => taken((words) => (words[10] = rate));
    expect(() => checkSettings(options, REAL, at(115384))).not.toThrow();
    const error = refusal({ baudRate: 3_000_000 }, at(9600));
    expect(error.reason).toBe('unsupportedSetting');
    expect(error.message).toContain('baudRate 3000000');
    expect(error.message).toContain('9600');
  });

  test.each([
    { dataBits: 5 },
    { parity: 'even' },
    { stopBits: 2 },
    { rtscts: true },
  ] satisfies Partial<SerialOptions>[])('%o that it did not take', (asked) => {
    const error = refusal(asked, taken());
    expect(error.reason).toBe('unsupportedSetting');
    expect(error.message).toContain(Object.entries(asked)[0]?.[0]);
  });

  test.each([
    ['none', 0],
    ['even', CFLAG.PARENB],
    ['odd', CFLAG.PARENB | CFLAG.PARODD],
  ] as const)('parity %s, after a program that used another', (parity, flags) => {
    let current = taken((words) => {
      words[2] = CFLAG.CSIZE | CFLAG.PARENB | CFLAG.PARODD | CFLAG.CMSPAR;
      words[0] = IFLAG.IXANY | IFLAG.IXOFF;
    });
    const driver = {
      readSettings: () => new TtySettings(current.words.slice()),
      writeSettings: (_fd: number, settings: TtySettings) => (current = settings),
    } as unknown as TtyIoctl;
    const asked = { ...options, parity, xonxoff: true };
    const result = completeSettings(driver, 0, asked);
    expect(result.controlFlags).toBe((CFLAG.CSIZE | flags) >>> 0);
    expect(result.inputFlags).toBe(IFLAG.IXON | IFLAG.IXOFF);
    expect(() => checkSettings(asked, REAL, result)).not.toThrow();
  });

  test('a PTY has no line, and is asked for nothing', () => {
    expect(() => checkSettings({ ...options, parity: 'even' }, PTY, taken())).not.toThrow();
  });
});

describe.skipIf(loadTtyIoctl() === undefined)('calls to the driver (needs koffi)', () => {
  /** Opens a PTY whose driver answers some calls as a real one would. */
  async function open(asked: Partial<SerialOptions>, answers: Partial<TtyIoctl>) {
    const device = openPty();
    opened.unshift(device);
    const calls: string[] = [];
    const watched = new Proxy(loadTtyIoctl()!, {
      get(target, name) {
        return (...args: unknown[]): unknown => {
          calls.push([String(name), ...args.slice(1).map(String)].join(' '));
          const real = Reflect.get(target, name) as (...args: unknown[]) => unknown;
          const answer = Reflect.get(answers, name) as typeof real | undefined;
          return (answer ?? real.bind(target))(...args);
        };
      },
    });
    const events = new Recorder();
    const transport = new SerialTransport({ ...options, path: device.path, ...asked }, clock, {
      loadIoctl: () => watched,
    });
    const channel = await transport.open(events);
    opened.unshift(channel);
    return { channel, events, calls };
  }

  test('DTR and RTS are left alone unless asked for', async () => {
    const { calls } = await open({}, {});
    expect(calls.filter((call) => call.startsWith('setModemLine'))).toEqual([]);
  });

  test('DTR and RTS each by itself', async () => {
    const { calls } = await open({ dtr: 'off', rts: 'on' }, { setModemLine: () => undefined });
    expect(calls.filter((call) => call.startsWith('setModemLine'))).toEqual([
      'setModemLine dtr false',
      'setModemLine rts true',
    ]);
    const other = await open({ rts: 'off' }, { setModemLine: () => undefined });
    expect(other.calls).toContain('setModemLine rts false');
    expect(other.calls.join()).not.toContain('dtr');
  });

  test('what the driver never sends is thrown away on closing, after a while', async () => {
    let left = 100;
    const { channel, events, calls } = await open(
      {},
      { unsentBytes: () => left, discardUnsent: () => void (left = 0) },
    );
    await channel.close();
    expect(events.endings).toEqual([undefined]);
    expect(calls.filter((call) => call === 'unsentBytes').length).toBeGreaterThan(2);
    expect(calls.slice(-2)).toEqual(['discardUnsent', 'setExclusive false']);
  });

  test('what the driver still sends is waited for', async () => {
    let left = 3;
    const { channel, calls } = await open(
      {},
      { unsentBytes: () => (left = Math.max(0, left - 1)) },
    );
    await channel.close();
    expect(calls).not.toContain('discardUnsent');
  });
});
