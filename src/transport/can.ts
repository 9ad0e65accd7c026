import type { Clock } from '../point/clock.js';
import type { CanBuses, CanSeat } from './can-bus.js';
import { CLASSIC_LENGTH, FD_LENGTHS, MAX_STANDARD_ID, type CanFrame } from './can-frame.js';
import type { CanOptions } from './can-options.js';
import type { BusStatus, Channel, ChannelEvents, Transport, TransportError } from './transport.js';

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

  async open(events: ChannelEvents): Promise<Channel> {
    const { interface: name, rxId, fd } = this.#options;
    const inbox = new Inbox(events);
    let ended = false;
    let opened = false;
    let failure: TransportError | undefined;
    const end = (cause: TransportError | undefined): void => {
      if (ended) return;
      ended = true;
      inbox.stop();
      if (opened) events.closed(cause);
      else failure = cause;
    };
    const seat = this.#buses.join(
      name,
      {
        ids: [{ id: rxId, extended: this.#isExtended(rxId) }],
        fd,
        frame: (frame) => {
          if (frame.fd && !fd) events.discarded('canFrame', { bytes: frame.data.length });
          else if (frame.data.length > 0) inbox.put(frame.data);
        },
        closed: end,
        drained: () => events.drained(),
      },
      this.#clock,
    );
    await seat.ready;
    if (failure !== undefined) throw failure;
    opened = true;
    // Whoever opens gets the channel before the first frame.
    setImmediate(() => inbox.begin());
    return new CanChannel({
      seat,
      inbox,
      frame: (data) => this.#frame(data),
      mostBytes: this.#mostBytes,
      left: () => end(undefined),
    });
  }

  bus(): BusStatus {
    return this.#buses.status(this.#options.interface, this.#clock);
  }

  get #mostBytes(): number {
    return this.#options.fd ? FD_LENGTH : CLASSIC_LENGTH;
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

/** Some 64 KiB of classic frames: a second of a full bus, twice. */
const MOST_WAITING = 8192;

/** Frames' data on their way to the session, which may make them wait: others use the same socket. */
class Inbox {
  readonly #events: ChannelEvents;
  #waiting: Uint8Array[] = [];
  #state: 'opening' | 'open' | 'paused' | 'stopped' = 'opening';
  #delivering = false;

  constructor(events: ChannelEvents) {
    this.#events = events;
  }

  /** The bytes may be used again after the call. */
  put(data: Uint8Array): void {
    if (this.#state === 'open' && this.#waiting.length === 0) this.#events.data(data);
    else if (this.#waiting.length >= MOST_WAITING) {
      this.#events.discarded('canOverrun', { bytes: data.length });
    } else if (this.#state !== 'stopped') this.#waiting.push(Uint8Array.from(data));
  }

  begin(): void {
    if (this.#state !== 'opening') return;
    this.#state = 'paused';
    this.resume();
  }

  pause(): void {
    if (this.#state === 'open' || this.#state === 'opening') this.#state = 'paused';
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'open';
    // Called from within: the loop below is still going on.
    if (this.#delivering) return;
    this.#delivering = true;
    const all = this.#waiting;
    let done = 0;
    while (this.#isOpen() && done < all.length) this.#events.data(all[done++] ?? new Uint8Array());
    this.#delivering = false;
    this.#waiting = this.#isStopped() ? [] : all.slice(done);
  }

  stop(): void {
    this.#state = 'stopped';
    this.#waiting = [];
  }

  // Others change it in between, which the compiler does not see.
  #isStopped(): boolean {
    return this.#state === 'stopped';
  }

  #isOpen(): boolean {
    return this.#state === 'open';
  }
}

interface CanChannelParts {
  readonly seat: CanSeat;
  readonly inbox: Inbox;
  readonly frame: (bytes: Uint8Array) => CanFrame;
  readonly mostBytes: number;
  /** The seat was left. */
  readonly left: () => void;
}

class CanChannel implements Channel {
  readonly #parts: CanChannelParts;
  #closed: Promise<void> | undefined;

  constructor(parts: CanChannelParts) {
    this.#parts = parts;
  }

  get queued(): number {
    return this.#parts.seat.queued;
  }

  write(bytes: Uint8Array): boolean {
    const { seat, frame, mostBytes } = this.#parts;
    let taken = this.#closed === undefined;
    for (let at = 0; at < bytes.length; at += mostBytes) {
      taken = seat.send(frame(bytes.subarray(at, at + mostBytes))) && taken;
    }
    return taken;
  }

  pause(): void {
    this.#parts.inbox.pause();
  }

  resume(): void {
    this.#parts.inbox.resume();
  }

  close(): Promise<void> {
    this.#parts.inbox.stop();
    this.#closed ??= this.#parts.seat.leave().then(this.#parts.left);
    return this.#closed;
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
