/** Serial ports of the USB devices that are plugged in, from sysfs. */
import { readlink } from 'node:fs/promises';
import { attribute, namesIn, usbIdentity, type UsbIdentity } from '../../linux/sysfs.js';
import type { SystemRoot } from '../serial/ports.js';

/** A serial port of a USB device. */
export interface UsbPort {
  /** Such as `/dev/ttyACM0`, numbered in the order of plugging in. */
  readonly path: string;
  readonly usb: UsbIdentity;
}

/** All of them, by place. Opens no port. Never rejects: a device that is unplugged meanwhile is left out. */
export async function listUsbPorts({ root = '' }: SystemRoot = {}): Promise<UsbPort[]> {
  const ports: UsbPort[] = [];
  // One after the other: reading the attributes of a device that does not answer blocks, and
  // several at once would block all file threads of Node.
  for (const name of await namesIn(`${root}/sys/class/tty`)) {
    const port = await usbPort(name, root);
    if (port !== undefined) ports.push(port);
  }
  return ports.sort((a, b) => (a.usb.place < b.usb.place ? -1 : 1));
}

/** The present port at a path of {@link listUsbPorts}. Never rejects. */
export async function usbPortAt(
  path: string,
  { root = '' }: SystemRoot = {},
): Promise<UsbPort | undefined> {
  return usbPort(path.slice(path.lastIndexOf('/') + 1), root);
}

async function usbPort(name: string, root: string): Promise<UsbPort | undefined> {
  const folder = `${root}/sys/class/tty/${name}`;
  // Most are virtual consoles, without a device.
  const target = await readlink(folder).catch(() => '');
  if (target.includes('/devices/virtual/')) return undefined;
  const usb = await usbIdentity(`${folder}/device`, `${root}/sys`);
  // Without a device number there is no device file.
  if (usb === undefined || (await attribute(`${folder}/dev`)) === undefined) return undefined;
  return { path: `${root}/dev/${name}`, usb };
}

/** Whether two are the same port of the same device at the same place. */
export function sameUsbPort(a: UsbPort, b: UsbPort): boolean {
  return a.path === b.path && identityText(a.usb) === identityText(b.usb);
}

const identityText = (usb: UsbIdentity): string =>
  JSON.stringify([
    usb.vendorId,
    usb.productId,
    usb.serialNumber,
    usb.interfaceNumber,
    usb.place,
    usb.manufacturer,
    usb.product,
  ]);
