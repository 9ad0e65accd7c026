import { readFile, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/**
 * What the kernel tells about devices in /sys. Read directly: udevadm and its
 * database are missing on small gateways and in containers.
 */

/** Who a USB device says it is. Texts come from the device: print them with care. */
export interface UsbIdentity {
  /** Four hexadecimal digits. */
  readonly vendorId: string;
  readonly productId: string;
  readonly serialNumber?: string;
  readonly manufacturer?: string;
  readonly product?: string;
  /** Which of the device's interfaces this is (bInterfaceNumber). */
  readonly interfaceNumber?: number;
  /**
   * Where it is plugged in: host controller, USB generation of the root hub, and
   * the ports on the way, such as `0000:00:14.0-usb2-1.4`. Unlike the numbers of
   * buses and devices it stays the same over reboots.
   */
  readonly place: string;
}

/** Names in a folder; none where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((): string[] => []);
}

/** An attribute without the line's end; undefined where there is none, or it is empty. */
export async function attribute(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trim() || undefined;
}

/** Name of the driver behind a `device` link. */
export async function driverOf(device: string): Promise<string | undefined> {
  const target = await readlink(`${device}/driver`).catch(() => undefined);
  return target === undefined ? undefined : basename(target);
}

/**
 * Goes up from a device to the USB interface and the USB device that it is a
 * part of; undefined when it is on another bus, or goes meanwhile: of a board
 * that comes anew in its place nothing is mixed in. `sys`: where to stop.
 */
export async function usbIdentity(device: string, sys: string): Promise<UsbIdentity | undefined> {
  const top = await realpath(sys).catch(() => sys);
  let folder = await realpath(device).catch(() => top);
  let interfaceNumber: string | undefined;
  for (; folder.startsWith(`${top}/`); folder = dirname(folder)) {
    interfaceNumber ??= await attribute(`${folder}/bInterfaceNumber`);
    const vendorId = await attribute(`${folder}/idVendor`);
    const productId = await attribute(`${folder}/idProduct`);
    if (vendorId === undefined || productId === undefined) continue;
    const before = await folderId(folder);
    const serialNumber = await attribute(`${folder}/serial`);
    const manufacturer = await attribute(`${folder}/manufacturer`);
    const product = await attribute(`${folder}/product`);
    const place = await placeOf(folder, top);
    const isSame =
      before !== undefined &&
      before === (await folderId(folder)) &&
      vendorId === (await attribute(`${folder}/idVendor`)) &&
      productId === (await attribute(`${folder}/idProduct`));
    if (!isSame) return undefined;
    return {
      vendorId,
      productId,
      ...(serialNumber === undefined ? {} : { serialNumber }),
      ...(manufacturer === undefined ? {} : { manufacturer }),
      ...(product === undefined ? {} : { product }),
      ...(interfaceNumber === undefined ? {} : { interfaceNumber: parseInt(interfaceNumber, 16) }),
      place,
    };
  }
  return undefined;
}

/** Differs for each folder, also for a new one at the path of one that was removed. */
async function folderId(folder: string): Promise<string | undefined> {
  const stats = await stat(folder).catch(() => undefined);
  return stats === undefined ? undefined : `${stats.ino} ${stats.birthtimeMs}`;
}

/** `device`: folder of the USB device, such as `…/0000:00:14.0/usb1/1-1/1-1.4`. */
async function placeOf(device: string, top: string): Promise<string> {
  const ports = basename(device).replace(/^\d+-/, '');
  let hub = device;
  while (!/^usb\d+$/.test(basename(hub))) {
    // No root hub above it: somebody else's idea of a bus.
    if (!hub.startsWith(`${top}/`)) return basename(device);
    hub = dirname(hub);
  }
  const generation = /^\d+/.exec((await attribute(`${hub}/version`)) ?? '')?.[0] ?? '';
  return `${basename(dirname(hub))}-usb${generation}-${ports}`;
}
