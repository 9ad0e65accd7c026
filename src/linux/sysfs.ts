import { readFile, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/**
 * What the kernel says about devices in /sys. Read directly, since small gateways
 * and containers often have no udevadm.
 */

/** The identity that a USB device reports. Its texts may hold control characters. */
export interface UsbIdentity {
  /** Four hexadecimal digits. */
  readonly vendorId: string;
  /** Four hexadecimal digits. */
  readonly productId: string;
  readonly serialNumber?: string;
  readonly manufacturer?: string;
  readonly product?: string;
  /** bInterfaceNumber of the interface, 0 … 255. */
  readonly interfaceNumber?: number;
  /**
   * Where it is plugged in: host controller, USB generation of the root hub, and
   * the ports from there, such as `0000:00:14.0-usb2-1.4`. It is the same after a
   * reboot, which the numbers of buses and devices are not.
   */
  readonly place: string;
}

/** Names in a folder; none where the folder cannot be read. Never rejects. */
export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((): string[] => []);
}

/** Text of an attribute, trimmed; `undefined` where there is none, or it is empty. Never rejects. */
export async function attribute(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trim() || undefined;
}

const SERIAL_BASE_DRIVER = 'port';

/** Name of the driver of a device; `undefined` where it has none. Never rejects. */
export async function driverOf(device: string): Promise<string | undefined> {
  const nameAt = async (path: string): Promise<string | undefined> => {
    const target = await readlink(`${path}/driver`).catch(() => undefined);
    return target === undefined ? undefined : basename(target);
  };
  const name = await nameAt(device);
  // Since Linux 6.5 a UART has two devices of its own, port and ctrl, below that of its driver.
  return name === SERIAL_BASE_DRIVER ? ((await nameAt(`${device}/../..`)) ?? name) : name;
}

/**
 * The USB device that a device is a part of, found by going up through its folders
 * to `sys`. `undefined`: the device is on another bus, or was unplugged while its
 * attributes were read. Those of two devices are never mixed. Never rejects.
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

/** Differs for a new folder at the path of one that was removed. */
async function folderId(folder: string): Promise<string | undefined> {
  const stats = await stat(folder).catch(() => undefined);
  return stats === undefined ? undefined : `${stats.ino} ${stats.birthtimeMs}`;
}

/** {@link UsbIdentity.place}. `device`: its folder, such as `…/0000:00:14.0/usb1/1-1/1-1.4`. */
async function placeOf(device: string, top: string): Promise<string> {
  const ports = basename(device).replace(/^\d+-/, '');
  let hub = device;
  while (!/^usb\d+$/.test(basename(hub))) {
    // No root hub above it: not the layout of USB that the kernel documents.
    if (!hub.startsWith(`${top}/`)) return basename(device);
    hub = dirname(hub);
  }
  const generation = /^\d+/.exec((await attribute(`${hub}/version`)) ?? '')?.[0] ?? '';
  return `${basename(dirname(hub))}-usb${generation}-${ports}`;
}
