/** End-to-end cases with each device on USB: a serial port that is plugged in and pulled. */
import { renameSync, symlinkSync } from 'node:fs';
import { SerialPipe } from '../../../firmware-sim/serial.js';
import type { BytePipe } from '../../../firmware-sim/pipe.js';
import { atEnd, newLink, type Attached, type Line } from '../../e2e/harness.js';
import { UsbDevice } from './usb.js';

/** A board whose firmware ends when it is pulled. */
class UsbPipe implements BytePipe {
  constructor(
    private readonly device: UsbDevice,
    private readonly port: SerialPipe,
  ) {}

  get onData(): BytePipe['onData'] {
    return this.port.onData;
  }

  set onData(listener: BytePipe['onData']) {
    this.port.onData = listener;
  }

  get onPeer(): BytePipe['onPeer'] {
    return this.port.onPeer;
  }

  set onPeer(listener: BytePipe['onPeer']) {
    this.port.onPeer = listener;
  }

  write(bytes: Uint8Array): void {
    this.port.write(bytes);
  }

  /** The cable first: a gadget's port waits with closing until all has been taken. */
  async close(): Promise<void> {
    await this.device.unplug();
    await this.port.close();
  }
}

/**
 * A device on a new board, plugged in. A line by a link gets one to the port, as
 * udev makes them.
 */
export async function openUsbLine(line: Line): Promise<Attached> {
  const device = new UsbDevice();
  atEnd(() => device.remove());
  const port = await SerialPipe.open({ path: device.devicePath });
  const pipe = new UsbPipe(device, port);
  atEnd(() => pipe.close());
  await device.plug();
  const path = line === 'serial' || line === 'tcp' ? device.hostPath : link(device.hostPath, line);
  return { pipe, transport: { type: 'serial', path }, path };
}

function link(port: string, line: 'link' | { readonly linkPath: string }): string {
  const path = line === 'link' ? newLink() : line.linkPath;
  symlinkSync(port, `${path}.new`);
  renameSync(`${path}.new`, path);
  return path;
}
