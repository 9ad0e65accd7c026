/** Serial ports of USB devices: what is plugged in now, from sysfs alone. */
import { readlink } from 'node:fs/promises';
import { attribute, namesIn, usbIdentity, type UsbIdentity } from '../../linux/sysfs.js';
import type { SystemRoot } from '../serial/ports.js';

export interface UsbPort {
  /** Such as `/dev/ttyACM0`: whoever comes first gets the lowest number. */
  readonly path: string;
  readonly usb: UsbIdentity;
}

/** Opens no port. Never rejects: a device that goes while it is looked at is not there. */
export async function listUsbPorts({ root = '' }: SystemRoot = {}): Promise<UsbPort[]> {
  const ports: UsbPort[] = [];
  // One after the other: a device that does not answer holds its attributes up, and with several
  // of them at once all of Node's file threads.
  for (const name of await namesIn(`${root}/sys/class/tty`)) {
    const port = await usbPort(name, root);
    if (port !== undefined) ports.push(port);
  }
  return ports.sort((a, b) => (a.usb.place < b.usb.place ? -1 : 1));
}

/** Who is behind a path of {@link listUsbPorts} now. */
export async function usbPortAt(
  path: string,
  { root = '' }: SystemRoot = {},
): Promise<UsbPort | undefined> {
  return usbPort(path.slice(path.lastIndexOf('/') + 1), root);
}

async function usbPort(name: string, root: string): Promise<UsbPort | undefined> {
  const folder = `${root}/sys/class/tty/${name}`;
  // Most are consoles of the screen, and have nothing behind them.
  const target = await readlink(folder).catch(() => '');
  if (target.includes('/devices/virtual/')) return undefined;
  const usb = await usbIdentity(`${folder}/device`, `${root}/sys`);
  // Without a number there is no device file, and without a file no port.
  if (usb === undefined || (await attribute(`${folder}/dev`)) === undefined) return undefined;
  return { path: `${root}/dev/${name}`, usb };
}

/** One and the same port of one and the same device, plugged in at one and the same place. */
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
