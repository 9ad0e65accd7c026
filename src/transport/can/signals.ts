import type { Clock } from '../../point/clock.js';
import type { CanBuses } from './bus.js';
import { openCanChannel, type CanChannelOptions } from './channel.js';
import type { CanId } from './filters.js';
import type { CanFrame } from '../frame.js';
import type { BusStatus, CanFrameTransport, Channel, ChannelEvents } from '../transport.js';

/** Which frames of an interface a link of signals receives. */
export interface CanSignalsOptions {
  /** Such as `can0`. */
  readonly interface: string;
  /** The link also sends frames of CAN FD. */
  readonly fd: boolean;
  /** Identifiers of the frames that it receives. */
  readonly ids: readonly CanId[];
}

/** Frames as they are on the bus, with their identifiers. */
export class CanSignalsTransport implements CanFrameTransport {
  readonly unit = 'canFrames';
  readonly description: string;
  readonly #options: CanSignalsOptions;
  readonly #clock: Clock;
  readonly #buses: CanBuses;

  constructor(options: CanSignalsOptions, clock: Clock, buses: CanBuses) {
    this.#options = options;
    this.#clock = clock;
    this.#buses = buses;
    this.description = `can ${options.interface} signals${options.fd ? ' fd' : ''}`;
  }

  open(events: ChannelEvents<CanFrame>): Promise<Channel<CanFrame>> {
    const options: CanChannelOptions<CanFrame> = {
      ...this.#options,
      accepts: () => true,
      frameOf: (frame) => frame,
    };
    return openCanChannel(options, this.#buses, this.#clock, events);
  }

  bus(): BusStatus {
    return this.#buses.status(this.#options.interface, this.#clock);
  }
}
