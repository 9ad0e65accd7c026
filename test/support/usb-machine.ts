/**
 * A machine made of files, as the kernel lays it out in /sys and /dev, whose USB
 * serial ports are PTYs: boards can be plugged in and pulled.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface Board {
  readonly vendorId?: string;
  readonly productId?: string;
  readonly serialNumber?: string;
  readonly manufacturer?: string;
  readonly product?: string;
  readonly interfaceNumber?: number;
}

export class UsbMachine {
  readonly root = mkdtempSync(join(tmpdir(), 'usb-machine-'));

  constructor() {
    onTestFinished(() => rmSync(this.root, { recursive: true, force: true }));
    mkdirSync(join(this.root, 'dev'));
    mkdirSync(join(this.root, 'sys/class/tty'), { recursive: true });
    this.#file('sys/devices/pci0/usb1/version', ' 2.00');
  }

  /** `hub`: the ports on the way, such as `1.4`; `name`: such as `ttyACM0`; `pty`: what is behind it. */
  plug(hub: string, name: string, pty: string, board: Board): void {
    const device = `sys/devices/pci0/usb1/1-${hub}`;
    const number = (board.interfaceNumber ?? 0).toString(16).padStart(2, '0');
    const port = `${device}/1-${hub}:1.${Number(number)}`;
    this.#file(`${device}/idVendor`, board.vendorId ?? '2e8a');
    this.#file(`${device}/idProduct`, board.productId ?? '000a');
    if (board.serialNumber !== undefined) this.#file(`${device}/serial`, board.serialNumber);
    if (board.manufacturer !== undefined) this.#file(`${device}/manufacturer`, board.manufacturer);
    if (board.product !== undefined) this.#file(`${device}/product`, board.product);
    this.#file(`${port}/bInterfaceNumber`, number);
    const { rdev } = statSync(pty);
    this.#file(`${port}/tty/${name}/dev`, `${rdev >> 8}:${rdev & 255}`);
    this.#link(`${port}/tty/${name}/device`, '../..');
    this.#link(`sys/class/tty/${name}`, join(this.root, port, 'tty', name));
    this.#link(`dev/${name}`, pty);
  }

  /** Takes the board away; its PTY has to hang up besides. */
  pull(hub: string, name: string): void {
    rmSync(join(this.root, 'sys/class/tty', name), { force: true });
    rmSync(join(this.root, `sys/devices/pci0/usb1/1-${hub}`), { recursive: true, force: true });
    rmSync(join(this.root, 'dev', name), { force: true });
  }

  #file(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), `${text}\n`);
  }

  #link(path: string, target: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    symlinkSync(target, join(this.root, path));
  }
}
