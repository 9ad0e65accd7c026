import type { Clock } from '../../point/clock.js';
import type { CanBuses } from './bus.js';
import { openCanChannel, type CanChannelOptions } from './channel.js';
import type { CanId } from './filters.js';
import { decodeCanFrame, encodeCanFrame } from './wire.js';
import type { BusStatus, Channel, ChannelEvents, Transport } from '../transport.js';

/** All frames of some identifiers. */
export interface CanSignalsOptions {
  /** Such as `can0`. */
  readonly interface: string;
  /** Frames of CAN FD are sent, too. */
  readonly fd: boolean;
  /** Those that are of use. */
  readonly ids: readonly CanId[];
}

/**
 * Whole frames: each chunk that comes, and each that is written, is one frame as
 * the kernel has it (can-wire.ts).
 */
export class CanSignalsTransport implements Transport {
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

  open(events: ChannelEvents): Promise<Channel> {
    const options: CanChannelOptions = {
      ...this.#options,
      received: (frame, inbox) => inbox.put(encodeCanFrame(frame), frame.data.length),
      framesOf: (bytes) => [decodeCanFrame(Buffer.from(bytes))],
    };
    return openCanChannel(options, this.#buses, this.#clock, events);
  }

  bus(): BusStatus {
    return this.#buses.status(this.#options.interface, this.#clock);
  }
}
