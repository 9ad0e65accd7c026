import type { Clock } from '../../point/clock.js';
import type { CanBuses } from './bus.js';
import { openCanChannel, type CanChannelOptions } from './channel.js';
import { CLASSIC_LENGTH, FD_LENGTHS, MAX_STANDARD_ID, type CanFrame } from './frame.js';
import type { CanOptions } from './options.js';
import type { BusStatus, Channel, ChannelEvents, Transport } from '../transport.js';

const FD_LENGTH = 64;

/**
 * The data of the frames of one identifier, and those of another the other way.
 * Each frame that comes is a chunk of its own. Bytes that are written are cut
 * into frames, as full as they can be, and never joined with the next; what a
 * frame of CAN FD has too much, because it has only certain lengths, is filled
 * with 00.
 */
export class CanTransport implements Transport {
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

  open(events: ChannelEvents): Promise<Channel> {
    const { interface: name, rxId, fd } = this.#options;
    const options: CanChannelOptions = {
      interface: name,
      ids: [{ id: rxId, extended: this.#isExtended(rxId) }],
      fd,
      received: (frame, inbox) => {
        if (frame.fd && !fd) events.discarded('canFrame', { bytes: frame.data.length });
        else if (frame.data.length > 0) inbox.put(frame.data);
      },
      framesOf: (bytes) => this.#framesOf(bytes),
    };
    return openCanChannel(options, this.#buses, this.#clock, events);
  }

  bus(): BusStatus {
    return this.#buses.status(this.#options.interface, this.#clock);
  }

  #isExtended(id: number): boolean {
    return this.#options.extendedIds || id > MAX_STANDARD_ID;
  }

  *#framesOf(bytes: Uint8Array): Generator<CanFrame> {
    const most = this.#options.fd ? FD_LENGTH : CLASSIC_LENGTH;
    for (let at = 0; at < bytes.length; at += most)
      yield this.#frame(bytes.subarray(at, at + most));
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

/** As candump shows it. */
function shownId(id: number, extended: boolean): string {
  return id.toString(16).padStart(extended ? 8 : 3, '0');
}
