import { isPty } from './port-holders.js';
import type { DeviceIdentity } from './port-holders.js';
import type { SerialOptions } from './options.js';
import { TransportError } from '../transport.js';
import { CFLAG, IFLAG } from '../../linux/tty-ioctl.js';
import type { TtyIoctl, TtySettings } from '../../linux/tty-ioctl.js';

/** Deviation of the rate that UARTs tolerate; drivers round to what their divisor allows. */
const BAUD_TOLERANCE = 0.03;

const CSIZE_OF_DATA_BITS = { 5: 0o0, 6: 0o20, 7: 0o40, 8: 0o60 } as const;

const PARITY_MASK = CFLAG.PARENB | CFLAG.PARODD | CFLAG.CMSPAR;
const PARITY_FLAGS = {
  none: 0,
  even: CFLAG.PARENB,
  odd: CFLAG.PARENB | CFLAG.PARODD,
} as const;

/**
 * Sets HUPCL: whether the last close drops DTR, which resets many boards. It is on by
 * default, so this comes before all steps that may fail and close the port again.
 */
export function applyHupcl(ioctl: TtyIoctl, fd: number, on: boolean): void {
  const settings = ioctl.readSettings(fd);
  const flags = settings.controlFlags;
  settings.controlFlags = on ? flags | CFLAG.HUPCL : flags & ~CFLAG.HUPCL;
  if (settings.controlFlags !== flags) ioctl.writeSettings(fd, settings);
}

/**
 * Compares the settings of the driver with the options, since tcsetattr(3) reports
 * success when any of them was accepted. Throws `unsupportedSetting`.
 */
export function checkSettings(
  options: SerialOptions,
  device: DeviceIdentity,
  settings: TtySettings,
): void {
  // A PTY carries 8 bits at memory speed, whatever is set.
  if (isPty(device)) return;
  const { baudRate } = settings;
  if (Math.abs(baudRate - options.baudRate) > options.baudRate * BAUD_TOLERANCE) {
    throw unsupported(options, `baudRate ${options.baudRate}`, `it runs at ${baudRate}`);
  }
  const flags = settings.controlFlags;
  const is = (flag: number): boolean => (flags & flag) !== 0;
  if ((flags & CFLAG.CSIZE) !== CSIZE_OF_DATA_BITS[options.dataBits]) {
    throw unsupported(options, `dataBits ${options.dataBits}`);
  }
  if ((flags & PARITY_MASK) >>> 0 !== PARITY_FLAGS[options.parity]) {
    throw unsupported(options, `parity ${options.parity}`);
  }
  if (is(CFLAG.CSTOPB) !== (options.stopBits === 2)) {
    throw unsupported(options, `stopBits ${options.stopBits}`);
  }
  if (options.rtscts && !is(CFLAG.CRTSCTS)) throw unsupported(options, 'rtscts');
}

/** Sets what serialport's binding leaves as the last program had it. Returns the driver's settings. */
export function completeSettings(ioctl: TtyIoctl, fd: number, options: SerialOptions): TtySettings {
  const settings = ioctl.readSettings(fd);
  // The binding does not clear mark and space parity, which another program may have set.
  settings.controlFlags = (settings.controlFlags & ~PARITY_MASK) | PARITY_FLAGS[options.parity];
  const flow = IFLAG.IXON | IFLAG.IXOFF;
  settings.inputFlags &= ~(flow | IFLAG.IXANY);
  if (options.xonxoff) settings.inputFlags |= flow;
  ioctl.writeSettings(fd, settings);
  return ioctl.readSettings(fd);
}

function unsupported(options: SerialOptions, what: string, instead?: string): TransportError {
  const detail = instead === undefined ? '' : ` (${instead})`;
  return new TransportError(
    'unsupportedSetting',
    `${options.path} does not support ${what}${detail}: its hardware or driver cannot do it.`,
  );
}
