/** The serial port of a USB device that is known by who it is, not by its path. */
import type { Clock } from '../point/clock.js';
import { SerialTransport } from './serial.js';
import type { SerialOptions } from './serial-options.js';
import type { SystemRoot } from './serial-ports.js';
import { TransportError, type Channel, type ChannelEvents, type Transport } from './transport.js';
import { sameUsbPort, usbPortAt, type UsbPort } from './usb-ports.js';

export interface UsbTransportOptions {
  /** Who it is, for people. */
  readonly identity: string;
  /** Of the port, once it is found. */
  readonly serial: Omit<SerialOptions, 'path'>;
  /** Where the device is now; undefined while it is not plugged in. */
  readonly find: () => UsbPort | undefined;
  /** Tests give a machine of their own. */
  readonly where?: SystemRoot | undefined;
}

export class UsbTransport implements Transport {
  constructor(
    private readonly options: UsbTransportOptions,
    private readonly clock: Clock,
  ) {}

  get description(): string {
    const port = this.options.find();
    return `usb ${this.options.identity} (${port === undefined ? 'not plugged in' : port.path})`;
  }

  open(events: ChannelEvents): Promise<Channel> {
    const { find, serial } = this.options;
    const port = find();
    if (port === undefined) return Promise.reject(this.#absent());
    const options = { ...serial, path: port.path };
    // Its path may be another device's by now. While we have the port open the
    // number stays its own, so that looking once, then, is enough.
    const hooks = { verify: () => this.#verify(port) };
    return new SerialTransport(options, this.clock, hooks).open(events);
  }

  async #verify(port: UsbPort): Promise<void> {
    const now = await usbPortAt(port.path, this.options.where);
    if (now === undefined || !sameUsbPort(now, port)) throw this.#absent();
  }

  #absent(): TransportError {
    return new TransportError('notFound', `USB device ${this.options.identity} is not plugged in`);
  }
}
