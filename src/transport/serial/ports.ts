import { constants } from 'node:fs';
import { access, readlink, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { findHoldersOfAll } from './port-holders.js';
import type { DeviceIdentity, PortHolder } from './port-holders.js';
import { attribute, driverOf, namesIn, usbIdentity } from '../../linux/sysfs.js';
import type { UsbIdentity } from '../../linux/sysfs.js';

/** A serial port of this machine. Plain data: it goes out as JSON too. */
export interface PortInfo {
  /** Such as `/dev/ttyUSB0`: counted in the order of plugging in. */
  readonly path: string;
  /**
   * The path to write into a configuration: named after the device
   * (/dev/serial/by-id), else after the socket (/dev/serial/by-path), else `path`.
   */
  readonly stablePath: string;
  readonly byId?: string;
  readonly byPath?: string;
  /** Kernel driver, such as `ftdi_sio`. */
  readonly driver?: string;
  readonly usb?: UsbIdentity;
  /** Whether this user may open it. */
  readonly accessible: boolean;
  /** Other programs that have it open, as far as this user can see. */
  readonly holders: readonly PortHolder[];
  /** False: programs of other users could not be looked at. */
  readonly holdersComplete: boolean;
}

export interface SystemRoot {
  /** Folder in which `dev` and `sys` are; tests give their own. */
  readonly root?: string;
}

/** Ports without hardware of their own that are serial ports all the same: USB gadget, Bluetooth. */
const VIRTUAL_PORT = /^(ttyGS|rfcomm)\d+$/;

/** PORT_UNKNOWN of linux/serial_core.h: the driver has set a place aside and found no UART. */
const NO_UART = '0';

/** Opens no port, since that alone can reset a board. Never rejects. */
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

/** Names in /sys/class/tty with hardware behind them, ttyUSB2 before ttyUSB10. */
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

/** Device path → link to it. Of several links the first by name, always the same one. */
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
