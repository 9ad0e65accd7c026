/** Why a link cannot use a CAN interface, for people. */
import { TransportError } from '../transport.js';
import type { CanInterfaceInfo } from './interface-info.js';

/**
 * What is wrong with an interface, and what to do about it; `undefined`: a link can
 * use it. `info` undefined: there is no such interface. `fd`: the link sends frames
 * of CAN FD.
 */
export function canProblem(
  name: string,
  info: CanInterfaceInfo | undefined,
  fd: boolean,
): TransportError | undefined {
  if (info === undefined) return missingError(name);
  const command = upCommand(name, info, fd);
  if (!info.up) return new TransportError('down', `${name} is down; bring it up: ${command}`);
  if (info.state === 'bus-off') return busOffError(name);
  if (!fd || info.fd) return undefined;
  const message =
    `${name} takes no CAN FD frames; take fd out of the configuration, or set it up anew: ` +
    `sudo ip link set ${name} down; ${command}`;
  return new TransportError('unsupportedSetting', message);
}

/** The command that brings an interface up. */
function upCommand(name: string, info: CanInterfaceInfo, fd: boolean): string {
  // Only virtual interfaces have no state, and these have no bit rate.
  if (info.state === undefined) return `sudo ip link set ${name} ${fd ? 'mtu 72 ' : ''}up`;
  const rates = fd ? 'bitrate 500000 dbitrate 2000000 fd on' : 'bitrate 500000';
  return `sudo ip link set ${name} up type can ${rates} restart-ms 100`;
}

/** There is no interface of this name. */
export function missingError(name: string): TransportError {
  const advice = /^vcan\d*$/.test(name)
    ? `make it with: sudo ip link add ${name} type vcan && sudo ip link set ${name} up`
    : 'is the adapter plugged in, and its driver loaded?';
  const message = `there is no CAN interface ${name}: ${advice}`;
  return new TransportError('notFound', message);
}

/** The controller is bus-off. */
export function busOffError(name: string): TransportError {
  const message =
    `${name} is bus-off: wiring, termination or bit rate are wrong; it comes back by itself ` +
    `if it was set up with restart-ms, or by: sudo ip link set ${name} type can restart`;
  return new TransportError('busOff', message);
}
