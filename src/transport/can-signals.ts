import type { Clock } from '../point/clock.js';
import type { CanBuses, CanMember } from './can-bus.js';
import type { CanId } from './can-filters.js';
import type { CanFrame } from './can-frame.js';
import { decodeCanFrame, encodeCanFrame } from './can-wire.js';
import type { BusStatus, Channel, ChannelEvents, Transport, TransportError } from './transport.js';

/** All frames of some identifiers. */
export interface CanSignalsOptions {
  /** Such as `can0`. */
  readonly interface: string;
  /** Frames of CAN FD are sent, too. */
  readonly fd: boolean;
  /** Those that are of use. */
  readonly ids: readonly CanId[];
}

/** Some seconds of a full bus. */
const MOST_WAITING = 8192;

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
    return new Promise((resolve) => resolve(this.#open(events)));
  }

  bus(): BusStatus {
    return this.#buses.status(this.#options.interface, this.#clock);
  }

  #open(events: ChannelEvents): Channel {
    const { interface: name, fd, ids } = this.#options;
    return new FrameChannel(events, (member) =>
      this.#buses.join(name, { ...member, ids, fd }, this.#clock),
    );
  }
}

type Join = (member: Omit<CanMember, 'ids' | 'fd'>) => ReturnType<CanBuses['join']>;

class FrameChannel implements Channel {
  readonly #events: ChannelEvents;
  readonly #seat: ReturnType<Join>;
  /** Frames that came while the link had to wait: others use the same socket. */
  #waiting: Uint8Array[] = [];
  #paused = false;
  #ended = false;
  #closing: Promise<void> | undefined;

  constructor(events: ChannelEvents, join: Join) {
    this.#events = events;
    this.#seat = join({
      frame: (frame) => this.#frame(frame),
      closed: (cause) => this.#end(cause),
      drained: () => events.drained(),
    });
  }

  get queued(): number {
    return this.#seat.queued;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closing !== undefined) return false;
    return this.#seat.send(decodeCanFrame(Buffer.from(bytes)));
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [at, frame] of waiting.entries()) {
      if (this.#isPaused()) {
        this.#waiting = waiting.slice(at);
        return;
      }
      this.#events.data(frame);
    }
  }

  close(): Promise<void> {
    this.#waiting = [];
    this.#paused = false;
    this.#closing ??= this.#seat.leave().then(() => this.#end(undefined));
    return this.#closing;
  }

  // Others change it in between, which the compiler does not see.
  #isPaused(): boolean {
    return this.#paused;
  }

  #frame(frame: CanFrame): void {
    if (this.#ended || this.#closing !== undefined) return;
    const bytes = encodeCanFrame(frame);
    if (!this.#paused && this.#waiting.length === 0) this.#events.data(bytes);
    else if (this.#waiting.length < MOST_WAITING) this.#waiting.push(bytes);
    else this.#events.discarded('canOverrun', { bytes: frame.data.length });
  }

  #end(cause: TransportError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#events.closed(cause);
  }
}
