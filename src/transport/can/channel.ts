/** A channel over a CAN bus: a subscription there, and the frames that wait for the link. */
import type { Clock } from '../../point/clock.js';
import type { CanBuses, CanSubscriber, CanSubscription } from './bus.js';
import type { CanFrame } from './frame.js';
import type { Channel, ChannelEvents, TransportError } from '../transport.js';

export interface CanChannelOptions extends Pick<CanSubscriber, 'ids' | 'fd'> {
  readonly interface: string;
  /** A frame of these ids has come; it is valid during the call only. */
  received(frame: CanFrame, inbox: CanInbox): void;
  /** The frames that carry what is written. */
  framesOf(bytes: Uint8Array): Iterable<CanFrame>;
}

/** Resolves when frames are read: before, the kernel keeps some hundred and loses the rest. */
export async function openCanChannel(
  options: CanChannelOptions,
  buses: CanBuses,
  clock: Clock,
  events: ChannelEvents,
): Promise<Channel> {
  const inbox = new CanInbox(events);
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
  const { ids, fd } = options;
  const subscription = buses.subscribe(
    options.interface,
    {
      ids,
      fd,
      frame: (frame) => options.received(frame, inbox),
      closed: end,
      drained: () => events.drained(),
    },
    clock,
  );
  await subscription.ready;
  if (failure !== undefined) throw failure;
  opened = true;
  // Whoever opens gets the channel before the first frame.
  setImmediate(() => inbox.begin());
  return new CanChannel(subscription, inbox, options, () => end(undefined));
}

/** Two seconds of a full bus of 500 kbit/s. */
const MOST_WAITING = 8192;

/** Frames' data on their way to the session, which may make them wait: others use the same socket. */
export class CanInbox {
  readonly #events: ChannelEvents;
  #waiting: Uint8Array[] = [];
  #state: 'opening' | 'open' | 'paused' | 'stopped' = 'opening';
  #delivering = false;

  constructor(events: ChannelEvents) {
    this.#events = events;
  }

  /** The bytes may be used again after the call. `length`: those of the frame's data. */
  put(bytes: Uint8Array, length = bytes.length): void {
    if (this.#state === 'open' && this.#waiting.length === 0) this.#events.data(bytes);
    else if (this.#waiting.length >= MOST_WAITING) {
      this.#events.discarded('canOverrun', { bytes: length });
    } else if (this.#state !== 'stopped') this.#waiting.push(Uint8Array.from(bytes));
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

class CanChannel implements Channel {
  #closed: Promise<void> | undefined;

  constructor(
    private readonly subscription: CanSubscription,
    private readonly inbox: CanInbox,
    private readonly options: CanChannelOptions,
    /** The subscription has ended. */
    private readonly ended: () => void,
  ) {}

  get queued(): number {
    return this.subscription.queued;
  }

  write(bytes: Uint8Array): boolean {
    let taken = this.#closed === undefined;
    for (const frame of this.options.framesOf(bytes))
      taken = this.subscription.send(frame) && taken;
    return taken;
  }

  pause(): void {
    this.inbox.pause();
  }

  resume(): void {
    this.inbox.resume();
  }

  close(): Promise<void> {
    this.inbox.stop();
    this.#closed ??= this.subscription.end().then(this.ended);
    return this.#closed;
  }
}
