/** A channel over a CAN bus: a subscription, and a queue of received frames. */
import type { Clock } from '../../point/clock.js';
import type { CanBuses, CanSubscriber, CanSubscription } from './bus.js';
import type { CanFrame } from '../frame.js';
import type { Channel, ChannelEvents, TransportError } from '../transport.js';

/** What a channel takes of its interface. `Unit`: what the link writes. */
export interface CanChannelOptions<Unit> extends Pick<CanSubscriber, 'ids' | 'fd'> {
  readonly interface: string;
  /** Whether a frame of these ids goes to the link. It is valid during the call only. */
  accepts(frame: CanFrame): boolean;
  /** The frame that carries a unit. */
  frameOf(unit: Unit): CanFrame;
}

/** Resolves when frames are read; until then the kernel keeps some hundred and drops the rest. */
export async function openCanChannel<Unit>(
  options: CanChannelOptions<Unit>,
  buses: CanBuses,
  clock: Clock,
  events: ChannelEvents<CanFrame>,
): Promise<Channel<Unit>> {
  const queue = new ReceiveQueue(events);
  let ended = false;
  let opened = false;
  let failure: TransportError | undefined;
  const end = (cause: TransportError | undefined): void => {
    if (ended) return;
    ended = true;
    queue.stop();
    if (opened) events.closed(cause);
    else failure = cause;
  };
  const { ids, fd } = options;
  const { tap } = events;
  const subscription = buses.subscribe(
    options.interface,
    {
      ids,
      fd,
      frame: (frame) => {
        if (tap?.isObserved === true) tap.frame('up', frame);
        if (options.accepts(frame)) queue.put(frame);
      },
      sent: (frame) => {
        if (tap?.isObserved === true) tap.frame('down', frame);
      },
      closed: end,
      drained: () => events.drained(),
    },
    clock,
  );
  await subscription.ready;
  if (failure !== undefined) throw failure;
  opened = true;
  // The caller gets the channel before the first frame.
  setImmediate(() => queue.begin());
  return new CanChannel(subscription, queue, options, () => end(undefined));
}

/** Frames of two seconds on a full bus of 500 kbit/s. */
const MOST_WAITING = 8192;

/** Keeps received frames while the session pauses; the socket goes on, since other links use it. */
class ReceiveQueue {
  readonly #events: ChannelEvents<CanFrame>;
  #waiting: CanFrame[] = [];
  #state: 'opening' | 'open' | 'paused' | 'stopped' = 'opening';
  #delivering = false;

  constructor(events: ChannelEvents<CanFrame>) {
    this.#events = events;
  }

  /** The frame is valid during the call only: one that waits is copied. */
  put(frame: CanFrame): void {
    if (this.#state === 'open' && this.#waiting.length === 0) this.#events.data(frame);
    else if (this.#waiting.length >= MOST_WAITING) {
      this.#events.discarded('canOverrun', { bytes: frame.data.length });
    } else if (this.#state !== 'stopped') {
      this.#waiting.push({ ...frame, data: Uint8Array.from(frame.data) });
    }
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
    // Called by the session from within the loop below, which goes on.
    if (this.#delivering) return;
    this.#delivering = true;
    const all = this.#waiting;
    let done = 0;
    for (let next = all[0]; this.#isOpen() && next !== undefined; next = all[done]) {
      done += 1;
      this.#events.data(next);
    }
    this.#delivering = false;
    this.#waiting = this.#isStopped() ? [] : all.slice(done);
  }

  stop(): void {
    this.#state = 'stopped';
    this.#waiting = [];
  }

  // A call, since the compiler does not see that events.data() changes the state.
  #isStopped(): boolean {
    return this.#state === 'stopped';
  }

  #isOpen(): boolean {
    return this.#state === 'open';
  }
}

class CanChannel<Unit> implements Channel<Unit> {
  #closed: Promise<void> | undefined;

  constructor(
    private readonly subscription: CanSubscription,
    private readonly received: ReceiveQueue,
    private readonly options: CanChannelOptions<Unit>,
    /** To be called when the subscription has ended. */
    private readonly ended: () => void,
  ) {}

  get queued(): number {
    return this.subscription.queued;
  }

  write(unit: Unit): boolean {
    return this.#closed === undefined && this.subscription.send(this.options.frameOf(unit));
  }

  pause(): void {
    this.received.pause();
  }

  resume(): void {
    this.received.resume();
  }

  close(): Promise<void> {
    this.received.stop();
    this.#closed ??= this.subscription.end().then(this.ended);
    return this.#closed;
  }
}
