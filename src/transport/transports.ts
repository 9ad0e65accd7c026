import type { Clock } from '../point/clock.js';
import { machineBuses } from './can/machine.js';
import type { CanOptions } from './can/options.js';
import { CanSignalsTransport, type CanSignalsOptions } from './can/signals.js';
import { CanTransport } from './can/can.js';
import { SerialTransport } from './serial/serial.js';
import type { SerialOptions } from './serial/options.js';
import { TcpTransport } from './tcp.js';
import type { TcpOptions } from './tcp-options.js';
import type { ByteTransport, CanFrameTransport, FrameTransport } from './transport.js';

export { CAN_DEFAULTS } from './can/options.js';
export type { CanOptions } from './can/options.js';
export { SERIAL_DEFAULTS } from './serial/options.js';
export type { LineState, SerialOptions } from './serial/options.js';
export type { TcpOptions } from './tcp-options.js';

/** Options of each transport, under the name that the configuration has in `transport.type`. */
interface TransportOptions {
  serial: SerialOptions;
  tcp: TcpOptions;
  can: CanOptions;
  'can-signals': CanSignalsOptions;
}

/** Names of the transports. */
type TransportType = keyof TransportOptions;

/** The units that each transport moves. */
interface Transports {
  serial: ByteTransport;
  tcp: ByteTransport;
  can: FrameTransport;
  'can-signals': CanFrameTransport;
}

/** A new transport is a file, a line here and two above. */
const FACTORIES: {
  readonly [T in TransportType]: (options: TransportOptions[T], clock: Clock) => Transports[T];
} = {
  serial: (options, clock) => new SerialTransport(options, clock),
  tcp: (options, clock) => new TcpTransport(options, clock),
  can: (options, clock) => new CanTransport(options, clock, machineBuses),
  'can-signals': (options, clock) => new CanSignalsTransport(options, clock, machineBuses),
};

/** `transport` of a link in the configuration, with defaults filled in. */
export type TransportConfig = {
  [T in TransportType]: { readonly type: T } & TransportOptions[T];
}[TransportType];

/** A transport that is not opened yet. */
export function createTransport<T extends TransportType>(
  config: { readonly type: T } & TransportOptions[T],
  clock: Clock,
): Transports[T] {
  return FACTORIES[config.type](config, clock);
}
