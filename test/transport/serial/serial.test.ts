import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { SystemClock } from '../../../src/point/clock.js';
import { SerialTransport } from '../../../src/transport/serial/serial.js';
import { SERIAL_DEFAULTS } from '../../../src/transport/serial/options.js';
import type { SerialOptions } from '../../../src/transport/serial/options.js';
import { HIGH_WATER_BYTES } from '../../../src/transport/socket-channel.js';
import { loadTtyIoctl } from '../../../src/linux/tty-ioctl.js';
import type { ByteChannel } from '../../../src/transport/transport.js';
import { openPty } from '../../support/pty.js';
import type { Pty } from '../../support/pty.js';
import { Recorder } from '../recorder.js';
import { SLOWNESS } from '../../support/slowness.js';

const clock = new SystemClock();
const opened: { close(): Promise<void> }[] = [];

function pty(): Pty {
  const made = openPty();
  opened.unshift(made);
  return made;
}

async function open(
  path: string,
  options: Partial<SerialOptions> = {},
): Promise<{ channel: ByteChannel; events: Recorder }> {
  const events = new Recorder();
  const transport = new SerialTransport({ ...SERIAL_DEFAULTS, path, ...options }, clock);
  const channel = await transport.open(events);
  opened.unshift(channel);
  return { channel, events };
}

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

/** Every byte value, in an order that shows lost and swapped bytes. */
const allBytes = Buffer.from(Array.from({ length: 1024 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function stty(path: string): string {
  return execFileSync('stty', ['-F', path, '-a'], { encoding: 'utf8' });
}

/** Writes all of it, as the contract asks: not on before `drained` after a false. */
async function writeAll(channel: ByteChannel, events: Recorder, bytes: Buffer, chunk: number) {
  for (let at = 0; at < bytes.length; at += chunk) {
    const drains = events.drains;
    if (!channel.write(bytes.subarray(at, at + chunk)))
      await events.until((e) => e.drains > drains);
  }
}

describe('bytes', () => {
  test('every byte value passes both ways unchanged', async () => {
    const device = pty();
    const { channel, events } = await open(device.path);
    channel.write(allBytes);
    expect(await device.waitFor(allBytes.length)).toEqual(allBytes);
    await device.write(allBytes);
    await events.until((e) => e.bytes === allBytes.length);
    expect(events.received).toEqual(allBytes);
  });

  test('1 MiB both ways at once in small chunks', async () => {
    const device = pty();
    const { channel, events } = await open(device.path);
    const much = Buffer.alloc(1024 * 1024, allBytes);
    const [received] = await Promise.all([
      device.waitFor(much.length),
      writeAll(channel, events, much, 61),
      device.write(much),
      events.until((e) => e.bytes === much.length),
    ]);
    expect(received.equals(much)).toBe(true);
    expect(events.received.equals(much)).toBe(true);
    expect(channel.queued).toBe(0);
  });

  test('bytes from before the opening are not taken for new ones', async () => {
    for (const baudRate of [115200, 250001]) {
      const device = pty();
      await device.write(Buffer.from('stale'));
      const { events } = await open(device.path, { baudRate });
      await device.write(Buffer.from('fresh'));
      await events.until((e) => e.bytes >= 5);
      expect(events.received.toString()).toBe('fresh');
    }
  });

  test('what was written just before close() still arrives', async () => {
    const device = pty();
    const { channel } = await open(device.path);
    channel.write(Buffer.from('last words'));
    await channel.close();
    expect((await device.waitFor(10)).toString()).toBe('last words');
  });

  test('nothing is reported before open() has returned the channel', async () => {
    const device = pty();
    const events = new Recorder();
    const options = { ...SERIAL_DEFAULTS, path: device.path };
    const channel = await new SerialTransport(options, clock, { loadIoctl: () => undefined }).open(
      events,
    );
    opened.unshift(channel);
    expect(events.warnings).toEqual([]);
    await events.until((e) => e.warnings.length > 0);
    expect(events.warnings).toHaveLength(1);
    expect(events.warnings[0]).toContain('koffi');
  });
});

describe('a device that does not read', () => {
  test('does not block, makes write() return false, and drains when it reads again', async () => {
    const device = pty();
    device.pause();
    const { channel, events } = await open(device.path);
    const frame = Buffer.alloc(100, 0x55);
    let written = 0;
    const started = performance.now();
    do written += frame.length;
    while (channel.write(frame) && written < 10_000_000);
    expect(performance.now() - started).toBeLessThan(2_000 * SLOWNESS);
    expect(written).toBeLessThan(10_000_000);
    expect(channel.queued).toBeGreaterThan(0);
    expect(channel.queued).toBeLessThanOrEqual(HIGH_WATER_BYTES + frame.length);
    expect(events.drains).toBe(0);
    device.resume();
    await events.until((e) => e.drains === 1);
    expect(channel.queued).toBe(0);
    expect((await device.waitFor(written)).length).toBe(written);
  });

  test('can be closed with bytes that it never takes', async () => {
    const device = pty();
    device.pause();
    const before = openDescriptors();
    const { channel, events } = await open(device.path);
    while (channel.write(Buffer.alloc(1000)));
    expect(channel.queued).toBeGreaterThan(0);
    await channel.close();
    expect(events.endings).toEqual([undefined]);
    expect(channel.queued).toBe(0);
    expect(openDescriptors()).toBe(before);
  });
});

describe('the end', () => {
  test('a hang-up is reported once, with its reason', async () => {
    const device = pty();
    const before = openDescriptors();
    const { channel, events } = await open(device.path);
    await device.hangUp();
    await events.until((e) => e.endings.length > 0);
    expect(events.endings).toHaveLength(1);
    expect(events.endings[0]).toMatchObject({ name: 'TransportError', reason: 'hangup' });
    expect(events.endings[0]?.message).toContain(device.path);
    expect(channel.write(Buffer.from('x'))).toBe(false);
    await channel.close();
    expect(events.endings).toHaveLength(1);
    expect(openDescriptors()).toBe(before - 2); // the PTY's own two
  });

  test('a hang-up while bytes wait ends the channel as well', async () => {
    const device = pty();
    device.pause();
    const { channel, events } = await open(device.path);
    while (channel.write(Buffer.alloc(1000)));
    await device.hangUp();
    await events.until((e) => e.endings.length > 0);
    expect(events.endings[0]?.reason).toBe('hangup');
    expect(channel.queued).toBe(0);
  });

  test('a device behind a symbolic link vanishes, and comes back as another', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'serial-'));
    try {
      const link = join(folder, 'usb-Acme_1234-if00');
      const first = pty();
      symlinkSync(first.path, link);
      const { events } = await open(link);
      rmSync(link);
      await first.hangUp();
      await events.until((e) => e.endings.length > 0);
      expect(events.endings[0]?.reason).toBe('hangup');
      expect(events.endings[0]?.message).toContain(link);
      await expect(open(link)).rejects.toMatchObject({ reason: 'notFound' });
      const second = pty();
      symlinkSync(second.path, link);
      const again = await open(link);
      again.channel.write(Buffer.from('hello'));
      expect((await second.waitFor(5)).toString()).toBe('hello');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('close() is reported once, and may be called twice', async () => {
    const device = pty();
    const { channel, events } = await open(device.path);
    await Promise.all([channel.close(), channel.close()]);
    await channel.close();
    expect(events.endings).toEqual([undefined]);
  });

  test('200 times open and close leave no descriptor behind', async () => {
    const device = pty();
    await (await open(device.path)).channel.close();
    const before = openDescriptors();
    for (let round = 0; round < 200; round += 1) {
      const { channel } = await open(device.path);
      channel.write(Buffer.of(round));
      await channel.close();
    }
    expect(openDescriptors()).toBe(before);
  });

  test('attempts that fail leave no descriptor behind', async () => {
    const device = pty();
    await (await open(device.path)).channel.close();
    const { channel } = await open(device.path);
    const before = openDescriptors();
    for (let round = 0; round < 20; round += 1) {
      await expect(open(device.path)).rejects.toMatchObject({ reason: 'busy' });
      await expect(open('/dev/null')).rejects.toMatchObject({ reason: 'notATty' });
    }
    expect(openDescriptors()).toBe(before);
    await channel.close();
  });
});

describe('settings', () => {
  test('reach the port', async () => {
    const device = pty();
    const { channel } = await open(device.path, { baudRate: 57600, stopBits: 2, rtscts: true });
    let text = stty(device.path);
    expect(text).toContain('speed 57600 baud');
    expect(text).toMatch(/ cstopb/);
    expect(text).toMatch(/ crtscts/);
    expect(text).toMatch(/-ixon .*|-ixon/);
    for (const raw of ['-icanon', '-echo', '-opost', '-isig', '-icrnl', 'clocal', 'cread']) {
      expect(text).toMatch(new RegExp(`(^|[ \n])${raw}\\b`));
    }
    await channel.close();
    await open(device.path, { xonxoff: true });
    text = stty(device.path);
    expect(text).toMatch(/ ixon/);
    expect(text).toMatch(/ ixoff/);
    expect(text).toMatch(/-cstopb/);
    expect(text).toMatch(/-crtscts/);
  });

  test('closing does not drop DTR, unless it is asked for', async () => {
    const device = pty();
    execFileSync('stty', ['-F', device.path, 'hupcl']);
    const { channel } = await open(device.path);
    expect(stty(device.path)).toMatch(/-hupcl/);
    await channel.close();
    await open(device.path, { hupcl: true });
    expect(stty(device.path)).toMatch(/ hupcl/);
  });

  test('a rate that is not in the list of rates', async () => {
    const device = pty();
    await open(device.path, { baudRate: 123457 });
    const fd = openSync(device.path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    try {
      expect(loadTtyIoctl()?.readSettings(fd).baudRate).toBe(123457);
    } finally {
      closeSync(fd);
    }
  });

  test.each(['on', 'off', 'leave'] as const)('DTR and RTS %s: a PTY has none', async (state) => {
    const device = pty();
    const { channel, events } = await open(device.path, { dtr: state, rts: state });
    channel.write(Buffer.from('x'));
    await device.waitFor(1);
    expect(events.warnings).toEqual([]);
  });

  test('are described for people', () => {
    const options = { ...SERIAL_DEFAULTS, path: '/dev/ttyX', parity: 'even' } as const;
    expect(new SerialTransport(options, clock).description).toBe('/dev/ttyX 115200 8E1');
  });
});
