import type { Clock } from '../../point/clock.js';
import type { CanBuses } from './bus.js';
import { openCanChannel, type CanChannelOptions } from './channel.js';
import {
  CLASSIC_LENGTH,
  FD_LENGTHS,
  MAX_STANDARD_ID,
  type CanFrame,
  type Frame,
} from '../frame.js';
import type { CanOptions } from './options.js';
import type { BusStatus, ChannelEvents, FrameChannel, FrameTransport } from '../transport.js';

const FD_LENGTH = 64;

/**
 * Frames of one device: it sends with one identifier and receives another. CAN FD
 * has no frames of some lengths: the next longer one is filled with 00.
 */
export class CanTransport implements FrameTransport {
  readonly unit = 'frames';
  readonly description: string;
  readonly #options: CanOptions;
  readonly #clock: Clock;
  readonly #buses: CanBuses;

  constructor(options: CanOptions, clock: Clock, buses: CanBuses) {
    this.#options = options;
    this.#clock = clock;
    this.#buses = buses;
    const ids = [options.txId, options.rxId].map((id) => shownId(id, this.#isExtended(id)));
    this.description = `can ${options.interface} tx ${ids[0] ?? ''} rx ${ids[1] ?? ''}${options.fd ? ' fd' : ''}`;
  }

  get frameLength(): number {
    return this.#options.fd ? FD_LENGTH : CLASSIC_LENGTH;
  }

  open(events: ChannelEvents<Frame>): Promise<FrameChannel> {
    const { interface: name, rxId, fd } = this.#options;
    const options: CanChannelOptions<Frame> = {
      interface: name,
      ids: [{ id: rxId, extended: this.#isExtended(rxId) }],
      fd,
      accepts: (frame) => {
        if (!frame.fd || fd) return frame.data.length > 0;
        events.discarded('canFrame', { bytes: frame.data.length });
        return false;
      },
      frameOf: ({ data }) => this.#frame(data),
    };
    return openCanChannel(options, this.#buses, this.#clock, events);
  }

  bus(): BusStatus {
    return this.#buses.status(this.#options.interface, this.#clock);
  }

  #isExtended(id: number): boolean {
    return this.#options.extendedIds || id > MAX_STANDARD_ID;
  }

  #frame(bytes: Uint8Array): CanFrame {
    const { txId, fd, bitRateSwitch } = this.#options;
    return {
      id: txId,
      extended: this.#isExtended(txId),
      data: fd ? filled(bytes) : bytes,
      fd,
      bitRateSwitch: fd && bitRateSwitch,
      remote: false,
      error: false,
    };
  }
}

function filled(bytes: Uint8Array): Uint8Array {
  const length = FD_LENGTHS.find((one) => one >= bytes.length) ?? bytes.length;
  if (length === bytes.length) return bytes;
  const data = new Uint8Array(length);
  data.set(bytes);
  return data;
}

/** Hexadecimal, 3 or 8 digits, as candump writes it. */
function shownId(id: number, extended: boolean): string {
  return id.toString(16).padStart(extended ? 8 : 3, '0');
}
