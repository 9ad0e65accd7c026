import { constants } from 'node:os';
import { IoctlError, type TtyIoctl } from '../../linux/tty-ioctl.js';
import { TransportError } from '../transport.js';
import type { Rs485Options } from './options.js';

/** A port and who drives it, for messages. */
interface DrivenPort {
  readonly path: string;
  /** Such as `ftdi_sio`; undefined where the system does not say. */
  readonly driver: string | undefined;
}

const { EINVAL, ENOTTY, ENOSYS, EOPNOTSUPP } = constants.errno;

/** errno of a driver that has no such call, or takes none of its modes. */
const NO_SUCH_CALL: readonly number[] = [EINVAL, ENOTTY, ENOSYS, EOPNOTSUPP];

/**
 * Lets the driver switch the direction of the line. Call it after the rate and the format are
 * set. A driver drops what it cannot do and says nothing, so what it has kept is read back.
 * Returns a warning for each part that it has not taken. Throws a TransportError
 * `unsupportedSetting` where it has no such mode.
 */
export function applyRs485(
  ioctl: TtyIoctl,
  fd: number,
  port: DrivenPort,
  asked: Rs485Options,
): string[] {
  const kept = tryRs485(ioctl, fd, asked);
  if (kept?.enabled !== true) throw noRs485(port);
  const parts = Object.keys(asked) as (keyof Rs485Options)[];
  return parts
    .filter((part) => kept[part] !== asked[part])
    .map(
      (part) =>
        `${port.path}: its driver${nameOf(port)} has not taken rs485.${part}: ${String(asked[part])}; ` +
        `it is ${String(kept[part])}.`,
    );
}

function tryRs485(ioctl: TtyIoctl, fd: number, asked: Rs485Options) {
  try {
    ioctl.writeRs485(fd, { enabled: true, ...asked });
    return ioctl.readRs485(fd);
  } catch (error) {
    if (error instanceof IoctlError && NO_SUCH_CALL.includes(error.errno)) return undefined;
    throw error;
  }
}

const noRs485 = (port: DrivenPort): TransportError =>
  new TransportError(
    'unsupportedSetting',
    `${port.path} has no RS-485 mode: its driver${nameOf(port)} cannot switch the direction. ` +
      'Leave rs485 out if the adapter switches by itself, as nearly all on USB do; otherwise use a ' +
      'port whose driver can, such as a UART of the board.',
  );

const nameOf = ({ driver }: DrivenPort): string => (driver === undefined ? '' : ` ${driver}`);

/** Without the calls of the system nothing can be asked for. */
export const rs485WithoutIoctl = (path: string): TransportError =>
  new TransportError(
    'unsupportedSetting',
    `${path}: rs485 needs the optional package koffi, which cannot be loaded here. Install it, or ` +
      'leave rs485 out if the adapter switches the direction by itself.',
  );
