import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listCanInterfaces } from '../../../src/transport/can/interfaces.js';
import { listPorts } from '../../../src/transport/serial/ports.js';
import { loadTtyIoctl } from '../../../src/linux/tty-ioctl.js';
import { openPty } from '../../support/pty.js';

/** A machine made of files, as the kernel lays it out in /sys and udev in /dev. */
let root = '';

function file(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), `${text}\n`);
}
function link(path: string, target: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(target, join(root, path));
}
function folder(path: string): void {
  mkdirSync(join(root, path), { recursive: true });
}

function usbDevice(path: string, texts: Record<string, string>): void {
  for (const [name, text] of Object.entries(texts)) file(`${path}/${name}`, text);
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'machine-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

/** A CDC-ACM port: its device is the USB interface itself. */
function addAcm(): void {
  const device = 'sys/devices/pci0/usb1/1-1';
  usbDevice(device, {
    idVendor: '2e8a',
    idProduct: '000a',
    serial: 'E6614C311B',
    manufacturer: 'Raspberry Pi',
    product: 'Pico',
  });
  file('sys/devices/pci0/usb1/version', ' 2.00');
  file(`${device}/1-1:1.0/bInterfaceNumber`, '00');
  folder('sys/bus/usb/drivers/cdc_acm');
  link(`${device}/1-1:1.0/driver`, '../../../../../bus/usb/drivers/cdc_acm');
  link(`${device}/1-1:1.0/tty/ttyACM0/device`, '../../../1-1:1.0');
  link('sys/class/tty/ttyACM0', '../../devices/pci0/usb1/1-1/1-1:1.0/tty/ttyACM0');
  file('dev/ttyACM0', '');
  link('dev/serial/by-id/usb-Raspberry_Pi_Pico_E6614C311B-if00', '../../ttyACM0');
  link('dev/serial/by-path/pci-0-usb-0:1:1.0', '../../ttyACM0');
}

/** A USB-serial adapter: a port device of its own below the interface; no serial number. */
function addFtdi(name: string, place: string): void {
  const device = `sys/devices/pci0/usb1/${place}`;
  usbDevice(device, { idVendor: '0403', idProduct: '6011', product: 'Quad RS232' });
  file(`${device}/${place}:1.2/bInterfaceNumber`, '02');
  folder('sys/bus/usb-serial/drivers/ftdi_sio');
  link(
    `${device}/${place}:1.2/${name}/driver`,
    '../../../../../../bus/usb-serial/drivers/ftdi_sio',
  );
  link(`${device}/${place}:1.2/${name}/tty/${name}/device`, `../../../${name}`);
  link(
    `sys/class/tty/${name}`,
    `../../devices/pci0/usb1/${place}/${place}:1.2/${name}/tty/${name}`,
  );
  file(`dev/${name}`, '');
}

describe('serial ports', () => {
  test('USB identity and stable path of a CDC-ACM port', async () => {
    addAcm();
    expect(await listPorts({ root })).toEqual([
      {
        path: `${root}/dev/ttyACM0`,
        stablePath: `${root}/dev/serial/by-id/usb-Raspberry_Pi_Pico_E6614C311B-if00`,
        byId: `${root}/dev/serial/by-id/usb-Raspberry_Pi_Pico_E6614C311B-if00`,
        byPath: `${root}/dev/serial/by-path/pci-0-usb-0:1:1.0`,
        driver: 'cdc_acm',
        usb: {
          vendorId: '2e8a',
          productId: '000a',
          serialNumber: 'E6614C311B',
          manufacturer: 'Raspberry Pi',
          product: 'Pico',
          interfaceNumber: 0,
          place: 'pci0-usb2-1',
        },
        accessible: true,
        holders: [],
        holdersComplete: expect.any(Boolean) as boolean,
      },
    ]);
  });

  test('an adapter with several interfaces, without serial number and links', async () => {
    addFtdi('ttyUSB0', '1-2');
    const [port] = await listPorts({ root });
    expect(port).toMatchObject({
      stablePath: `${root}/dev/ttyUSB0`,
      driver: 'ftdi_sio',
      usb: { vendorId: '0403', productId: '6011', product: 'Quad RS232', interfaceNumber: 2 },
    });
    expect(port).not.toHaveProperty('byId');
    expect(port?.usb).not.toHaveProperty('serialNumber');
  });

  test('the path of the socket where the device has no name of its own', async () => {
    addFtdi('ttyUSB0', '1-2');
    link('dev/serial/by-path/pci-0-usb-0:2:1.2-port0', '../../ttyUSB0');
    const [port] = await listPorts({ root });
    expect(port?.stablePath).toBe(`${root}/dev/serial/by-path/pci-0-usb-0:2:1.2-port0`);
  });

  test('in the order of their numbers', async () => {
    for (const n of [10, 2, 1]) addFtdi(`ttyUSB${n}`, `1-${n}`);
    const paths = (await listPorts({ root })).map((port) => port.path.slice(-8));
    expect(paths).toEqual(['/ttyUSB1', '/ttyUSB2', 'ttyUSB10']);
  });

  test('a UART of the board is there, a place without UART and a console are not', async () => {
    for (const [name, type] of [
      ['ttyS0', '4'],
      ['ttyS1', '0'],
    ] as const) {
      folder(`sys/devices/platform/serial8250/${name}`);
      file(`sys/class/tty/${name}/type`, type);
      link(`sys/class/tty/${name}/device`, '../../../devices/platform/serial8250/ttyS0');
      file(`dev/${name}`, '');
    }
    folder('sys/class/tty/tty0');
    folder('sys/class/tty/console');
    folder('sys/class/tty/ttyGS0');
    const ports = await listPorts({ root });
    expect(ports.map((port) => port.path)).toEqual([`${root}/dev/ttyGS0`, `${root}/dev/ttyS0`]);
    expect(ports[1]).not.toHaveProperty('usb');
    expect(ports[0]?.accessible).toBe(false);
  });

  test('nothing where there is nothing', async () => {
    expect(await listPorts({ root })).toEqual([]);
    expect(await listCanInterfaces({ root })).toEqual([]);
  });

  test('this machine can be asked', async () => {
    for (const port of await listPorts()) expect(port.path).toMatch(/^\/dev\/tty|^\/dev\/rfcomm/);
    await expect(listCanInterfaces()).resolves.toBeInstanceOf(Array);
  });

  test.skipIf(loadTtyIoctl() === undefined)('who has it open (needs koffi for a PTY)', async () => {
    const device = openPty();
    const script = fileURLToPath(new URL('hold-port.mjs', import.meta.url));
    const holder = spawn(process.execPath, [script, device.path, 'open']);
    try {
      await once(holder.stdout, 'data');
      addFtdi('ttyUSB0', '1-2');
      rmSync(join(root, 'dev/ttyUSB0'));
      symlinkSync(device.path, join(root, 'dev/ttyUSB0'));
      addAcm();
      const ports = await listPorts({ root });
      expect(ports.map((port) => port.holders)).toEqual([
        [],
        [{ pid: holder.pid, program: 'node hold-port.mjs' }],
      ]);
    } finally {
      const gone = once(holder, 'exit');
      holder.stdin.end();
      await gone;
      await device.close();
    }
  });
});

test('CAN interfaces', async () => {
  const usb = 'sys/devices/pci0/usb1/1-3';
  usbDevice(usb, { idVendor: '1d50', idProduct: '606f', product: 'candleLight' });
  file(`${usb}/1-3:1.0/bInterfaceNumber`, '00');
  folder('sys/bus/usb/drivers/gs_usb');
  link(`${usb}/1-3:1.0/driver`, '../../../../../bus/usb/drivers/gs_usb');
  for (const [name, type, flags, operstate, mtu] of [
    ['can0', '280', '0x400c1', 'up', '16'],
    ['vcan0', '280', '0xc0', 'down', '72'],
    ['eth0', '1', '0x1003', 'up', '1500'],
  ] as const) {
    const path = `sys/class/net/${name}`;
    for (const [key, text] of Object.entries({ type, flags, operstate, mtu })) {
      file(`${path}/${key}`, text);
    }
  }
  link('sys/class/net/can0/device', '../../../devices/pci0/usb1/1-3/1-3:1.0');
  expect(await listCanInterfaces({ root })).toEqual([
    {
      name: 'can0',
      up: true,
      state: 'up',
      fd: false,
      driver: 'gs_usb',
      usb: {
        vendorId: '1d50',
        productId: '606f',
        place: 'pci0-usb-3',
        product: 'candleLight',
        interfaceNumber: 0,
      },
    },
    { name: 'vcan0', up: false, state: 'down', fd: true },
  ]);
});
