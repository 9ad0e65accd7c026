import { constants } from 'node:fs';
import { access, readlink, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { findHoldersOfAll } from './port-holders.js';
import type { DeviceIdentity, PortHolder } from './port-holders.js';
import { attribute, driverOf, namesIn, usbIdentity } from '../../linux/sysfs.js';
import type { UsbIdentity } from '../../linux/sysfs.js';

/** A serial port of this computer. Plain data, which is also printed as JSON. */
export interface PortInfo {
  /** Such as `/dev/ttyUSB0`, numbered in the order of plugging in. */
  readonly path: string;
  /**
   * The path for a configuration: `byId`, which names the device, else `byPath`,
   * which names the socket, else `path`.
   */
  readonly stablePath: string;
  /** Link in /dev/serial/by-id. */
  readonly byId?: string;
  /** Link in /dev/serial/by-path. */
  readonly byPath?: string;
  /** Kernel driver, such as `ftdi_sio`. */
  readonly driver?: string;
  readonly usb?: UsbIdentity;
  /** Whether the user of this process may open it. */
  readonly accessible: boolean;
  /** Other processes that have it open, as far as this user can see. */
  readonly holders: readonly PortHolder[];
  /** False: descriptors of other users' processes could not be read. */
  readonly holdersComplete: boolean;
}

/** Where the system's files are. */
export interface SystemRoot {
  /** Folder with `dev` and `sys`; tests pass another. */
  readonly root?: string;
}

/** Serial ports without a device in sysfs: USB gadget, Bluetooth. */
const VIRTUAL_PORT = /^(ttyGS|rfcomm)\d+$/;

/** PORT_UNKNOWN of linux/serial_core.h: the driver has found no UART at this port. */
const NO_UART = '0';

/** All serial ports. Opens none, since that can reset a board. Never rejects. */
export async function listPorts({ root = '' }: SystemRoot = {}): Promise<PortInfo[]> {
  const dev = `${root}/dev`;
  const sys = `${root}/sys`;
  const byId = await linksIn(`${dev}/serial/by-id`);
  const byPath = await linksIn(`${dev}/serial/by-path`);
  const names = await portNames(`${sys}/class/tty`);
  const devices = await Promise.all(names.map((name) => identityOf(`${dev}/${name}`)));
  const known = devices.filter((device) => device !== undefined);
  const scan = await findHoldersOfAll(known, '/proc');
  return Promise.all(
    names.map(async (name, index) => {
      const path = `${dev}/${name}`;
      const device = devices[index];
      const id = byId.get(resolve(path));
      const place = byPath.get(resolve(path));
      const link = `${sys}/class/tty/${name}/device`;
      const driver = await driverOf(link);
      const usb = await usbIdentity(link, sys);
      return {
        path,
        stablePath: id ?? place ?? path,
        ...(id === undefined ? {} : { byId: id }),
        ...(place === undefined ? {} : { byPath: place }),
        ...(driver === undefined ? {} : { driver }),
        ...(usb === undefined ? {} : { usb }),
        accessible: await isAccessible(path),
        holders: device === undefined ? [] : (scan.holders[known.indexOf(device)] ?? []),
        holdersComplete: scan.complete,
      };
    }),
  );
}

/** Names of serial ports in /sys/class/tty, ttyUSB2 before ttyUSB10. */
async function portNames(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await namesIn(folder)) {
    const hasDevice = (await readlink(`${folder}/${name}/device`).catch(() => '')) !== '';
    if (!hasDevice && !VIRTUAL_PORT.test(name)) continue;
    if ((await attribute(`${folder}/${name}/type`)) === NO_UART) continue;
    found.push(name);
  }
  return found.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** Links by the path of their device; of several the first by name. */
async function linksIn(folder: string): Promise<Map<string, string>> {
  const links = new Map<string, string>();
  for (const name of (await namesIn(folder)).sort()) {
    const link = `${folder}/${name}`;
    const target = await readlink(link).catch(() => undefined);
    if (target === undefined) continue;
    const device = resolve(dirname(link), target);
    if (!links.has(device)) links.set(device, link);
  }
  return links;
}

async function identityOf(path: string): Promise<DeviceIdentity | undefined> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isCharacterDevice() !== true) return undefined;
  return { rdev: stats.rdev, dev: stats.dev, ino: stats.ino };
}

async function isAccessible(path: string): Promise<boolean> {
  return access(path, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
}
