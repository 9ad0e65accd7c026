/**
 * USB devices of the lab: serial ports (CDC-ACM) that are plugged in and pulled.
 *
 * ```
 *  gateway ── /dev/ttyACM0 ── cdc_acm ══ dummy_hcd ══ usb_f_acm ── /dev/ttyGS0 ── simulated MCU
 *             the host's end              (the bus)               the device's end
 * ```
 *
 * See Documentation/usb/gadget_configfs.rst and gadget-testing.rst of the kernel.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { until } from '../../support/until.js';
import { loadModules, run } from './system.js';

const GADGETS = '/sys/kernel/config/usb_gadget';
/** American English, as nearly all devices say. */
const LANGUAGE = '0x409';
/** Devices that may be plugged in at one time; the most that dummy_hcd can do is 32. */
export const USB_PORTS = 16;

export interface UsbIdentity {
  /** 0 … 0xffff. */
  readonly vendorId: number;
  readonly productId: number;
  /** `undefined`: the device has none. */
  readonly serialNumber?: string | undefined;
  readonly manufacturer?: string | undefined;
  readonly product?: string | undefined;
}

/** What a device is unless its test says otherwise: an identity that pid.codes reserves for tests. */
export const SOME_DEVICE: UsbIdentity = {
  vendorId: 0x1209,
  productId: 0x0001,
  serialNumber: 'LAB1',
  manufacturer: 'Lab',
  product: 'Pump controller',
};

export interface UsbDeviceOptions extends Partial<UsbIdentity> {
  /** Place on the bus, 0 … {@link USB_PORTS} − 1; the first that is free. */
  readonly place?: number;
  /** Serial ports in the one device, 1 … 4. */
  readonly ports?: number;
}

let devices = 0;

function loadUsb(): void {
  loadModules('cdc-acm', 'usb_f_acm');
  if (existsSync('/sys/module/dummy_hcd')) return;
  run('modprobe', 'dummy_hcd', `num=${String(USB_PORTS)}`);
}

/** A device that a test makes, plugs in, pulls, and removes. */
export class UsbDevice {
  readonly place: number;
  /** `/dev/ttyGS0` …: where the device's firmware reads and writes. */
  readonly devicePaths: readonly string[];
  readonly #folder: string;
  readonly #functions: readonly string[];
  #identity: UsbIdentity = SOME_DEVICE;

  constructor({ place, ports = 1, ...identity }: UsbDeviceOptions = {}) {
    loadUsb();
    this.place = place ?? freePlace();
    devices += 1;
    this.#folder = join(GADGETS, `lab${String(devices)}`);
    for (const part of [
      '',
      `strings/${LANGUAGE}`,
      'configs/c.1',
      `configs/c.1/strings/${LANGUAGE}`,
    ]) {
      mkdirSync(join(this.#folder, part), { recursive: true });
    }
    this.#functions = Array.from(
      { length: ports },
      (_, index) => `acm.${String(devices)}_${String(index)}`,
    );
    this.devicePaths = this.#functions.map((name) => {
      const path = join(this.#folder, 'functions', name);
      mkdirSync(path);
      symlinkSync(path, join(this.#folder, 'configs/c.1', name));
      return `/dev/ttyGS${read(join(path, 'port_num'))}`;
    });
    this.change(identity);
  }

  /** The first serial port's, for devices that have one. */
  get devicePath(): string {
    return this.devicePaths[0] ?? '';
  }

  get identity(): UsbIdentity {
    return this.#identity;
  }

  get plugged(): boolean {
    return this.#udc() !== '';
  }

  /** Another identity, as a board has that starts its bootloader. Only while it is not plugged in. */
  change(identity: Partial<UsbIdentity>): void {
    if (this.plugged) throw new Error('unplug the device first');
    this.#identity = { ...this.#identity, ...identity };
    const { vendorId, productId, serialNumber, manufacturer, product } = this.#identity;
    this.#write('idVendor', `0x${vendorId.toString(16)}`);
    this.#write('idProduct', `0x${productId.toString(16)}`);
    const strings = `strings/${LANGUAGE}`;
    this.#write(`${strings}/serialnumber`, serialNumber ?? '');
    this.#write(`${strings}/manufacturer`, manufacturer ?? '');
    this.#write(`${strings}/product`, product ?? '');
  }

  /** Plugs it in; resolves when the host has made its serial ports. */
  async plug(): Promise<void> {
    this.#write('UDC', `dummy_udc.${String(this.place)}`);
    await until(
      () => this.hostPaths.length === this.#functions.length,
      `the serial ports of the device at place ${String(this.place)}`,
    );
  }

  /** Pulls it, in the middle of whatever it does; resolves when the host has seen it. */
  async unplug(): Promise<void> {
    if (!this.plugged) return;
    this.#write('UDC', '');
    await until(() => this.hostPaths.length === 0, 'the serial ports to be gone');
  }

  /** `/dev/ttyACM0` …, by interface number; empty while it is not plugged in. */
  get hostPaths(): readonly string[] {
    const interfaces = `/sys/devices/platform/dummy_hcd.${String(this.place)}`;
    const paths = below(interfaces, /^usb\d+$/)
      .flatMap((bus) => below(bus, /^\d+-1$/))
      .flatMap((device) => below(device, /^\d+-1:1\.\d+$/))
      .flatMap((one) => below(join(one, 'tty'), /^ttyACM\d+$/));
    return paths
      .map((path) => `/dev/${path.slice(path.lastIndexOf('/') + 1)}`)
      .filter((path) => existsSync(path));
  }

  /** The first serial port's. */
  get hostPath(): string {
    const path = this.hostPaths[0];
    if (path === undefined) throw new Error('the device is not plugged in');
    return path;
  }

  /** Pulls it and deletes it. */
  async remove(): Promise<void> {
    await this.unplug();
    for (const name of this.#functions) {
      unlinkSync(join(this.#folder, 'configs/c.1', name));
      rmdirSync(join(this.#folder, 'functions', name));
    }
    for (const part of [
      `configs/c.1/strings/${LANGUAGE}`,
      'configs/c.1',
      `strings/${LANGUAGE}`,
      '',
    ]) {
      rmdirSync(join(this.#folder, part));
    }
  }

  #udc(): string {
    return read(join(this.#folder, 'UDC'));
  }

  #write(name: string, text: string): void {
    writeFileSync(join(this.#folder, name), `${text}\n`);
  }
}

const read = (file: string): string => readFileSync(file, 'utf8').trim();

/** None where there is no such folder, which may go at any moment. */
function below(folder: string, pattern: RegExp): string[] {
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .filter((name) => pattern.test(name))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => join(folder, name));
}

/** The first that no device is plugged into. */
function freePlace(): number {
  const taken = readdirSync(GADGETS).map((name) => read(join(GADGETS, name, 'UDC')));
  for (let place = 0; place < USB_PORTS; place += 1) {
    if (!taken.includes(`dummy_udc.${String(place)}`)) return place;
  }
  throw new Error(`all ${String(USB_PORTS)} places of the bus are taken`);
}
