import { execFileSync } from 'node:child_process';
import { appendFileSync, rmSync, symlinkSync, watch as watchFiles, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { SystemClock } from '../../../src/point/clock.js';
import { explainOpenError } from '../../../src/transport/serial/port-access.js';
import { SERIAL_DEFAULTS } from '../../../src/transport/serial/options.js';
import { usbCovers, usbMatches, type UsbMatch } from '../../../src/transport/usb/match.js';
import { listUsbPorts, type UsbPort } from '../../../src/transport/usb/ports.js';
import { UsbWatch } from '../../../src/transport/usb/watch.js';
import { UsbTransport } from '../../../src/transport/usb/usb.js';
import { until } from '../../support/until.js';
import { FakeClock } from '../../support/fake-clock.js';
import { openPty, type Pty } from '../../support/pty.js';
import { UsbMachine } from '../../support/usb-machine.js';
import { Recorder } from '../recorder.js';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});
function pty(): Pty {
  const made = openPty();
  opened.push(made);
  return made;
}

const PICO = {
  vendorId: '2e8a',
  productId: '000a',
  serialNumber: 'E6614C311B',
  manufacturer: 'Raspberry Pi',
  product: 'Pico',
  interfaceNumber: 0,
  place: 'pci0-usb2-1',
};

describe('a match', () => {
  it.each<[UsbMatch, boolean]>([
    [{}, true],
    [{ vendorId: '2E8A' }, true],
    [{ vendorId: '2e8b' }, false],
    [{ vendorId: '2e8' }, false],
    [{ vendorId: '*', productId: '00*' }, true],
    [{ productId: '*b' }, false],
    [{ serialNumber: 'E66*1B' }, true],
    [{ serialNumber: 'e66*1b' }, false],
    [{ serialNumber: '*614*C3*' }, true],
    [{ serialNumber: '*C3*614*' }, false],
    [{ serialNumber: 'E6614C311BE6614C311B' }, false],
    [{ serialNumber: 'E6614C*4C311B' }, false],
    [{ manufacturer: 'Rasp*', product: 'Pico' }, true],
    [{ manufacturer: 'Rasp*', product: 'pico' }, false],
    [{ product: 'P.co' }, false],
    [{ interfaceNumber: 0 }, true],
    [{ interfaceNumber: 1 }, false],
  ])('%j: %s', (match, expected) => {
    expect(usbMatches(match, PICO)).toBe(expected);
  });

  it('of a device that says nothing of itself is only by *', () => {
    const bare = { vendorId: '0403', productId: '6001', place: 'p' };
    expect(usbMatches({ serialNumber: '*' }, bare)).toBe(true);
    expect(usbMatches({ serialNumber: '?' }, bare)).toBe(false);
    expect(usbMatches({ interfaceNumber: 0 }, bare)).toBe(false);
  });

  it('covers another if it takes every device that the other takes, and only then', () => {
    const words = (letters: string, most: number): string[] =>
      most === 0
        ? ['']
        : ['', ...words(letters, most - 1).flatMap((end) => letters.split('').map((a) => a + end))];
    const patterns = [...new Set(words('a*', 3))].filter((one) => one !== '');
    const texts = [...new Set(words('ab', 6))];
    const takes = (pattern: string, product: string): boolean =>
      usbMatches({ product: pattern }, { ...PICO, product });
    for (const outer of patterns) {
      for (const inner of patterns) {
        const all = texts.every((text) => !takes(inner, text) || takes(outer, text));
        expect([outer, inner, usbCovers({ product: outer }, { product: inner })]).toEqual([
          outer,
          inner,
          all,
        ]);
      }
    }
    expect(usbCovers({ vendorId: '2E8A' }, { vendorId: '2e8a', product: 'Pico' })).toBe(true);
    expect(usbCovers({ product: 'pico' }, { product: 'Pico' })).toBe(false);
    expect(usbCovers({ vendorId: '1', product: 'P' }, { vendorId: '1' })).toBe(false);
    expect(usbCovers({ interfaceNumber: 0 }, { interfaceNumber: 1 })).toBe(false);
    expect(usbCovers({ interfaceNumber: 0 }, { vendorId: '1' })).toBe(false);
  });

  it('does not hang on a text made for it', () => {
    const evil = { ...PICO, product: 'a'.repeat(100_000) };
    expect(usbMatches({ product: '*a*a*a*a*a*a*a*a*a*a*b' }, evil)).toBe(false);
  });
});

describe('plugging', () => {
  it('is noticed by an event, and so is pulling', async () => {
    const machine = new UsbMachine();
    const watch = new UsbWatch(new SystemClock(), { root: machine.root });
    onTestFinished(() => watch.stop());
    await watch.start();
    expect(watch.ports).toEqual([]);
    const next = (wanted: number) =>
      new Promise<readonly UsbPort[]>((resolve) => {
        const stop = watch.onScan((ports) => {
          if (ports.length !== wanted) return;
          stop();
          resolve(ports);
        });
      });
    const come = next(1);
    machine.plug('1.4', 'ttyACM0', pty().path, { serialNumber: 'A' });
    expect(await come).toEqual([
      {
        path: `${machine.root}/dev/ttyACM0`,
        usb: {
          vendorId: '2e8a',
          productId: '000a',
          serialNumber: 'A',
          interfaceNumber: 0,
          place: 'pci0-usb2-1.4',
        },
      },
    ]);
    const gone = next(0);
    machine.pull('1.4', 'ttyACM0');
    await gone;
  });

  it('is noticed by an event while ports are written; the many events of writes do not cause a scan each', async () => {
    const machine = new UsbMachine();
    const busy = join(machine.root, 'dev/ttyS0');
    writeFileSync(busy, '');
    const clock = new FakeClock();
    const watch = new UsbWatch(clock, { root: machine.root });
    onTestFinished(() => watch.stop());
    await watch.start();
    let looks = 0;
    watch.onScan(() => (looks += 1));
    // Each write is an event; 10 ms pass between two.
    const writeFor = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 10) {
        await new Promise<void>((resolve) => {
          const heard = watchFiles(join(machine.root, 'dev'), () => {
            heard.close();
            resolve();
          });
          appendFileSync(busy, 'x');
        });
        clock.advance(10);
        // As long as a look takes, if it was time for one.
        for (let n = 0; n < 2; n += 1) await listUsbPorts({ root: machine.root });
      }
    };
    await writeFor(1_000);
    await until(() => looks > 0, 'a look');
    expect(looks).toBeLessThanOrEqual(3);
    machine.plug('1', 'ttyACM0', pty().path, { serialNumber: 'A' });
    await writeFor(100);
    await until(() => watch.ports.length === 1, 'the board to be seen');
  });

  it('is noticed by an event also during a scan for which it comes too late', async () => {
    const machine = new UsbMachine();
    machine.plug('1', 'ttyACM0', pty().path, { serialNumber: 'A' });
    const clock = new FakeClock();
    const watch = new UsbWatch(clock, { root: machine.root });
    onTestFinished(() => watch.stop());
    await watch.start();
    // The look that is due after 2 s waits for the serial number, with the names of all ports in hand.
    const serial = join(machine.root, 'sys/devices/pci0/usb1/1-1/serial');
    rmSync(serial);
    execFileSync('mkfifo', [serial]);
    clock.advance(2_000);
    const writer = await open(serial, 'w');
    machine.plug('2', 'ttyACM1', pty().path, { serialNumber: 'B' });
    await until(() => (clock.nextTimerMs ?? 0) > 0, 'the event');
    const eventMs = clock.nextTimerMs ?? 0;
    rmSync(serial);
    writeFileSync(serial, 'A\n');
    await writer.writeFile('A\n');
    await writer.close();
    await until(() => clock.pendingTimers > 1 || clock.nextTimerMs !== eventMs, 'the look to end');
    expect(watch.ports).toHaveLength(1);
    clock.advance(eventMs);
    await until(() => watch.ports.length === 2, 'the other board to be seen');
  });
});

it('a device that is replaced during a scan is not listed yet, and nothing is mixed up', async () => {
  const machine = new UsbMachine();
  const board = { serialNumber: 'A' };
  const { path } = pty();
  machine.plug('1', 'ttyACM0', path, board);
  const serial = join(machine.root, 'sys/devices/pci0/usb1/1-1/serial');
  rmSync(serial);
  execFileSync('mkfifo', [serial]);
  const look = listUsbPorts({ root: machine.root });
  // The look has read the IDs, and is at the number, which ends as that of a device that goes.
  const writer = await open(serial, 'w');
  machine.pull('1', 'ttyACM0');
  await writer.close();
  machine.plug('1', 'ttyACM0', path, board);
  expect(await look).toEqual([]);
  expect(await listUsbPorts({ root: machine.root })).toHaveLength(1);
});

describe('the port of a device', () => {
  const open = async (find: () => UsbPort | undefined, machine: UsbMachine) => {
    const events = new Recorder();
    const options = { identity: 'X', serial: SERIAL_DEFAULTS, find, where: { root: machine.root } };
    const transport = new UsbTransport(options, new SystemClock());
    const channel = await transport.open(events);
    opened.unshift(channel);
    return { channel, events, transport };
  };

  it('is opened where the device is', async () => {
    const machine = new UsbMachine();
    const board = pty();
    machine.plug('1', 'ttyACM3', board.path, {});
    const [port] = await listUsbPorts({ root: machine.root });
    const { channel, transport } = await open(() => port, machine);
    channel.write(Buffer.from('hello'));
    expect((await board.waitFor(5)).toString()).toBe('hello');
    expect(transport.description).toBe(`usb X (${machine.root}/dev/ttyACM3)`);
  });

  it('is not there while it is not plugged in', async () => {
    const machine = new UsbMachine();
    await expect(open(() => undefined, machine)).rejects.toMatchObject({
      reason: 'notFound',
      message: 'USB device X is not plugged in',
    });
  });

  it('is not mistaken for that of another device, which has its path now', async () => {
    const machine = new UsbMachine();
    const [first, second] = [pty(), pty()];
    machine.plug('1', 'ttyACM0', first.path, { serialNumber: 'A' });
    const [port] = await listUsbPorts({ root: machine.root });
    machine.pull('1', 'ttyACM0');
    machine.plug('2', 'ttyACM0', second.path, { serialNumber: 'B' });
    await expect(open(() => port, machine)).rejects.toMatchObject({ reason: 'notFound' });
    expect(second.received.length).toBe(0);
    // Nor is it held.
    const [other] = await listUsbPorts({ root: machine.root });
    await open(() => other, machine);
  });

  it('of a path that leads nowhere is not found', async () => {
    const machine = new UsbMachine();
    machine.plug('1', 'ttyACM0', pty().path, {});
    const [port] = await listUsbPorts({ root: machine.root });
    rmSync(join(machine.root, 'dev/ttyACM0'));
    symlinkSync('/nowhere', join(machine.root, 'dev/ttyACM0'));
    await expect(open(() => port, machine)).rejects.toMatchObject({ reason: 'notFound' });
  });
});

it('a device that the kernel refuses is no matter of groups: root is told of containers, others of DeviceAllow=', async () => {
  const error = Object.assign(new Error('EPERM'), { code: 'EPERM' });
  const { reason, message } = await explainOpenError('/dev/null', error);
  expect(reason).toBe('permission');
  expect(message).toMatch(
    userInfo().uid === 0 ? /though this is root: a container/ : /DeviceAllow=/,
  );
});
