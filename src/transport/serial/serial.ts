import type { Socket, SocketConstructorOpts } from 'node:net';
import { ReadStream } from 'node:tty';
import type { Clock } from '../../point/clock.js';
import { probePort, textOf } from './port-access.js';
import { SerialControl } from './control.js';
import { longestByteMs, type SerialOptions } from './options.js';
import { applyHupcl } from './settings.js';
import { HIGH_WATER_BYTES, SocketChannel, SocketInbox } from '../socket-channel.js';
import { TransportError } from '../transport.js';
import type { ByteChannel, ByteTransport, ChannelEvents } from '../transport.js';
import { loadTtyIoctl } from '../../linux/tty-ioctl.js';
import type { TtyIoctl } from '../../linux/tty-ioctl.js';

/** What may be replaced or added when a port is opened. */
interface SerialHooks {
  /** Tests pass one that finds nothing. */
  readonly loadIoctl?: () => TtyIoctl | undefined;
  /** Called when the port is reserved, before its first byte. Rejects if it belongs to another device. */
  readonly verify?: () => Promise<void>;
}

/**
 * A serial port of Linux, opened three times:
 *
 * ```
 *   probe    is it there, allowed, a tty, not taken?                  port-access.ts
 *   control  serialport's binding: settings, lock, lines, closing     control.ts
 *   stream   libuv's own descriptor: the bytes                        socket-channel.ts
 * ```
 *
 * Exclusive mode (TIOCEXCL) comes last. Before, it would keep libuv from opening the
 * device unless the process is root, and libuv would then use the descriptor of the
 * probe, with writes that block the process.
 */
export class SerialTransport implements ByteTransport {
  readonly unit = 'bytes';
  readonly description: string;
  readonly mayEcho: { readonly byteMs: number };
  readonly #options: SerialOptions;
  readonly #clock: Clock;
  readonly #loadIoctl: () => TtyIoctl | undefined;
  readonly #verify: (() => Promise<void>) | undefined;

  constructor(
    options: SerialOptions,
    clock: Clock,
    { loadIoctl = loadTtyIoctl, verify }: SerialHooks = {},
  ) {
    const { path, baudRate, dataBits, parity, stopBits, rs485 } = options;
    this.description =
      `${path} ${baudRate} ${dataBits}${parity.charAt(0).toUpperCase()}${stopBits}` +
      (rs485 === undefined ? '' : ' RS-485');
    this.mayEcho = { byteMs: longestByteMs(options) };
    this.#options = options;
    this.#clock = clock;
    this.#loadIoctl = loadIoctl;
    this.#verify = verify;
  }

  async open(events: ChannelEvents<Uint8Array>): Promise<ByteChannel> {
    const { stream, control, warnings } = await this.#take();
    // Nothing is awaited from here on, so that the caller has the channel before its first event.
    return new SocketChannel({
      ...stream,
      events,
      clock: this.#clock,
      warnings,
      explain: (error) => explainEnd(this.#options.path, error),
      release: (graceMs) => control.close(graceMs),
    });
  }

  async #take(): Promise<{ stream: TtyStream; control: SerialControl; warnings: string[] }> {
    const options = this.#options;
    const ioctl = this.#loadIoctl();
    const probe = await probePort(options.path, ioctl);
    let control: SerialControl | undefined;
    let stream: TtyStream | undefined;
    try {
      if (ioctl !== undefined) applyHupcl(ioctl, probe.file.fd, options.hupcl);
      control = await SerialControl.open(options, probe, this.#clock, ioctl);
      await this.#verify?.();
      stream = openStream(options.path, probe.file.fd);
      return { stream, control, warnings: [...probe.warnings, ...control.takePort()] };
    } catch (error) {
      stream?.socket.destroy();
      await control?.close(0);
      if (error instanceof TransportError) throw error;
      const message = `${options.path} cannot be set up: ${textOf(error)}`;
      throw new TransportError('io', message, { cause: error });
    } finally {
      // libuv has its own descriptor.
      await probe.file.close().catch(() => undefined);
    }
  }
}

interface TtyStream {
  readonly socket: Socket;
  readonly inbox: SocketInbox;
}

/** Gives `fd` to libuv, which opens the same device again and does not block. */
function openStream(path: string, fd: number): TtyStream {
  const inbox = new SocketInbox();
  const options = { highWaterMark: HIGH_WATER_BYTES, onread: inbox.onread };
  const socket = new ReadStream(fd, options as SocketConstructorOpts);
  // Where libuv cannot open the device, it uses `fd` itself and blocks on writes.
  const used = (socket as unknown as { readonly _handle?: { readonly fd?: number } })._handle?.fd;
  if (used === fd) {
    const why =
      'the system does not let it be opened a second time; has another program just taken it?';
    throw new TransportError('busy', `${path} cannot be used: ${why}`);
  }
  return { socket, inbox };
}

/** `error` undefined: the tty has hung up, as when a USB device is unplugged. */
function explainEnd(path: string, error: Error | undefined): TransportError {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (error === undefined || code === 'EIO' || code === 'ENXIO' || code === 'ENODEV') {
    const message = `${path} hung up: the device was unplugged, or its other side closed`;
    return new TransportError('hangup', message, { cause: error });
  }
  return new TransportError('io', `${path} failed: ${error.message}`, { cause: error });
}
