import { readFileSync, existsSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { Peer } from './support/system.js';
import { UsbDevice, type UsbDeviceOptions } from './support/usb.js';

let endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.reverse()) await end();
  endings = [];
});

async function plugged(options: UsbDeviceOptions = {}): Promise<UsbDevice> {
  const device = new UsbDevice(options);
  endings.push(() => device.remove());
  await device.plug();
  return device;
}

it('plugs in a device with its identity', async () => {
  const device = await plugged({ vendorId: 0x2341, productId: 0x0043, serialNumber: '8543-X' });
  const tty = `/sys/class/tty/${device.hostPath.slice('/dev/'.length)}/device/..`;
  const said = ['idVendor', 'idProduct', 'serial', 'manufacturer', 'product'].map((name) =>
    readFileSync(`${tty}/${name}`, 'utf8').trim(),
  );
  expect(said).toEqual(['2341', '0043', '8543-X', 'Lab', 'Pump controller']);
});

it('takes a device away, whose reader comes to an end', async () => {
  const device = await plugged();
  const path = device.hostPath;
  const reader = new Peer('cat', path);
  endings.push(() => reader.stop());
  await device.unplug();
  expect(await reader.ended).not.toBe(null);
  expect(existsSync(path)).toBe(false);
});
