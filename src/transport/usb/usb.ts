import type { Clock } from '../../point/clock.js';
import { SerialTransport } from '../serial/serial.js';
import { longestByteMs, type SerialOptions } from '../serial/options.js';
import type { SystemRoot } from '../serial/ports.js';
import {
  TransportError,
  type ByteChannel,
  type ByteTransport,
  type ChannelEvents,
} from '../transport.js';
import { sameUsbPort, usbPortAt, type UsbPort } from './ports.js';

/** A serial port that is found by the identity of its USB device. */
interface UsbTransportOptions {
  /** Vendor, product and serial number, for people. */
  readonly identity: string;
  /** Settings of the port. */
  readonly serial: Omit<SerialOptions, 'path'>;
  /** The present port of the device; `undefined` while it is not plugged in. */
  readonly find: () => UsbPort | undefined;
  /** Whether the device is plugged in, but now belongs to another link. */
  readonly isElsewhere?: () => boolean;
  /** Tests pass another. */
  readonly where?: SystemRoot | undefined;
}

/** The serial port of a USB device, whatever path it has at the moment. */
export class UsbTransport implements ByteTransport {
  readonly unit = 'bytes';
  readonly mayEcho: { readonly byteMs: number };

  constructor(
    private readonly options: UsbTransportOptions,
    private readonly clock: Clock,
  ) {
    this.mayEcho = { byteMs: longestByteMs(options.serial) };
  }

  get description(): string {
    const port = this.options.find();
    return `usb ${this.options.identity} (${port === undefined ? 'not plugged in' : port.path})`;
  }

  async open(events: ChannelEvents<Uint8Array>): Promise<ByteChannel> {
    const { find, serial } = this.options;
    const port = find();
    if (port === undefined) throw this.#absent();
    const options = { ...serial, path: port.path };
    // The path may belong to another device by now. While the port is open, the kernel does
    // not give its number away, so that one check then is enough.
    const hooks = { verify: () => this.#verify(port) };
    try {
      return await new SerialTransport(options, this.clock, hooks).open(events);
    } catch (error) {
      const isMissing = error instanceof TransportError && error.reason === 'notFound';
      throw isMissing && (await this.#isThere(port)) ? noFile(port.path, error) : error;
    }
  }

  /** Whether the port at the path is still that of the device. */
  async #isThere(port: UsbPort): Promise<boolean> {
    const now = await usbPortAt(port.path, this.options.where);
    return now !== undefined && sameUsbPort(now, port);
  }

  async #verify(port: UsbPort): Promise<void> {
    if (!(await this.#isThere(port))) throw this.#absent();
  }

  #absent(): TransportError {
    const { identity, isElsewhere } = this.options;
    const message =
      isElsewhere?.() === true
        ? `USB device ${identity} is plugged in, but this link’s keys do not match it any more, or ` +
          'another link has it; if that is meant to be, delete this link’s node in SIOT'
        : `USB device ${identity} is not plugged in`;
    return new TransportError('notFound', message);
  }
}

/** The kernel has the device, but there is no device file for this process. */
function noFile(path: string, cause: TransportError): TransportError {
  const message =
    `${path} is not there, although the device is plugged in: a container needs the host’s /dev ` +
    '(docker run -v /dev:/dev, with --device-cgroup-rule for the devices)';
  return new TransportError('notFound', message, { cause });
}
