/**
 * CAN interfaces. All links of an interface share one socket:
 *
 * ```
 *  link A ─┐ received: by id      ┌────────┐             ┌─ filter of the kernel: all ids
 *  link B ─┼──────────────────────┤ CanBus ├─ CanSocket ─┤
 *  link C ─┘ sent: round robin    └────────┘             └─ queue of the interface
 * ```
 *
 * The socket is open while there are subscriptions. When the interface goes down,
 * goes bus-off or is removed, all subscriptions end and the socket is closed; the
 * next subscription opens a new one.
 */
import type { Clock, Timer } from '../../point/clock.js';
import type { CanFrame } from '../frame.js';
import type { CanInterfaceInfo } from './interface-info.js';
import { LoadMeter, type InterfaceReading } from './load.js';
import { filtersFor, idKey, type CanId } from './filters.js';
import { busOffError, canProblem, missingError } from './problem.js';
import { ERROR_CLASS, type CanEnd, type CanSocket, type CanSocketEvents } from './socket.js';
import { TransportError, type BusStatus } from '../transport.js';

/** The CAN interfaces of a computer; those of this one: machine.ts. */
export interface CanMachine {
  /** `undefined`: there is no CAN interface of this name. Throws a `TransportError`. */
  interfaceInfo(name: string): CanInterfaceInfo | undefined;
  /** Opens a raw socket. Throws a `TransportError`. */
  open(name: string, info: CanInterfaceInfo, events: CanSocketEvents): CanSocket;
}

/** What a link wants of a bus, and what it is told. */
export interface CanSubscriber {
  /** Identifiers of the frames that it receives. */
  readonly ids: readonly CanId[];
  /** Whether it uses frames of CAN FD. */
  readonly fd: boolean;
  /** The frame is valid during the call only. */
  frame(frame: CanFrame): void;
  /** The kernel has taken a frame of {@link CanSubscription.send}; valid during the call only. */
  sent(frame: CanFrame): void;
  /** Called once: the interface is down, bus-off or gone, and the subscription has ended. */
  closed(cause: TransportError): void;
  /** After {@link CanSubscription.send} has returned false: the kernel has taken all frames. */
  drained(): void;
}

/** A link's use of a bus. */
export interface CanSubscription {
  /** Resolves when frames are read, or the subscription has ended. Never rejects. */
  readonly ready: Promise<void>;
  /** Sends a frame, in order. False: it is queued until the kernel takes it. */
  send(frame: CanFrame): boolean;
  /** Data in the queue, bytes. */
  readonly queued: number;
  /** Idempotent. Resolves when the socket is closed, or others still use it. */
  end(): Promise<void>;
}

/** ms until the next attempt when the kernel has no room; a frame takes 0.25 ms at 500 kbit/s. */
const RETRY_MS = 1;
/** The time doubles up to this while nothing goes out: no node acknowledges, or the controller is off. */
const LONGEST_RETRY_MS = 16;
/** Most frames sent in 1 ms. A virtual interface would take any number, and its readers lose some. */
const MOST_A_MS = 64;
/** ms for which all links use one reading of the kernel's counters. */
const STATUS_FRESH_MS = 1_000;

/** The buses of a computer, by the names of their interfaces. */
export class CanBuses {
  readonly #buses = new Map<string, CanBus>();

  constructor(private readonly machine: CanMachine) {}

  /** Throws a `TransportError`: `notFound`, `down`, `busOff`, `unsupportedSetting`, `permission` or `io`. */
  subscribe(name: string, subscriber: CanSubscriber, clock: Clock): CanSubscription {
    return this.#bus(name, clock).subscribe(subscriber);
  }

  /** Never throws. */
  status(name: string, clock: Clock): BusStatus {
    return this.#bus(name, clock).status();
  }

  #bus(name: string, clock: Clock): CanBus {
    let bus = this.#buses.get(name);
    if (bus === undefined) {
      bus = new CanBus(name, this.machine, clock);
      this.#buses.set(name, bus);
    }
    return bus;
  }
}

class Subscription implements CanSubscription {
  readonly queue: CanFrame[] = [];
  constructor(
    readonly subscriber: CanSubscriber,
    private readonly bus: CanBus,
    readonly ready: Promise<void>,
  ) {}

  get queued(): number {
    return this.queue.reduce((sum, { data }) => sum + data.length, 0);
  }

  send(frame: CanFrame): boolean {
    return this.bus.send(this, frame);
  }

  end(): Promise<void> {
    return this.bus.unsubscribe(this);
  }
}

class CanBus {
  readonly #subscriptions = new Set<Subscription>();
  /** Subscriptions by the {@link idKey} of the frames that they receive. */
  readonly #readers = new Map<number, Subscription[]>();
  #socket: CanSocket | undefined;
  #closing: Promise<void> = Promise.resolve();
  /** Set while the kernel has no room. */
  #retryTimer: Timer | undefined;
  #retryMs = RETRY_MS;
  /** The present ms, and frames sent in it. */
  #sliceMs = 0;
  #sentInSlice = 0;
  readonly #meter = new LoadMeter();
  #reading: InterfaceReading | undefined;
  #load: number | undefined;
  /** Of sockets that are closed. */
  #lostBefore = 0;
  #busOffs = 0;

  constructor(
    private readonly name: string,
    private readonly machine: CanMachine,
    private readonly clock: Clock,
  ) {}

  subscribe(subscriber: CanSubscriber): Subscription {
    const info = this.#usable(subscriber.fd);
    this.#socket ??= this.#open(info);
    const subscription = new Subscription(subscriber, this, this.#socket.ready);
    this.#subscriptions.add(subscription);
    this.#subscriptionsChanged();
    return subscription;
  }

  #open(info: CanInterfaceInfo): CanSocket {
    // The last reading may be from before the interface came up.
    this.#reading = undefined;
    return this.machine.open(this.name, info, {
      frame: (frame) => this.#frame(frame),
      ended: (end, detail) => this.#ended(this.#endError(end, detail)),
    });
  }

  unsubscribe(subscription: Subscription): Promise<void> {
    if (!this.#subscriptions.delete(subscription)) return this.#closing;
    subscription.queue.length = 0;
    if (this.#subscriptions.size > 0) this.#subscriptionsChanged();
    else this.#close();
    return this.#closing;
  }

  send(subscription: Subscription, frame: CanFrame): boolean {
    if (!this.#subscriptions.has(subscription)) return false;
    if (this.#retryTimer === undefined && this.#sendNow(frame)) {
      subscription.subscriber.sent(frame);
      return true;
    }
    // The caller may use its bytes again.
    subscription.queue.push({ ...frame, data: Uint8Array.from(frame.data) });
    return false;
  }

  status(): BusStatus {
    const now = this.clock.monotonicMs();
    if (this.#reading === undefined || now - this.#reading.atMs >= STATUS_FRESH_MS) {
      const info = this.#interfaceInfo();
      const reading = info === undefined ? undefined : { atMs: now, info };
      this.#load = reading === undefined ? undefined : this.#meter.load(this.#reading, reading);
      this.#reading = reading;
    }
    const info = this.#reading?.info;
    return {
      state: stateOf(info),
      ...(info?.errors === undefined ? {} : { errors: info.errors }),
      ...(this.#load === undefined ? {} : { load: this.#load }),
      lost: this.#lostBefore + (this.#socket?.lost ?? 0),
      busOffs: this.#busOffs,
    };
  }

  #interfaceInfo(): CanInterfaceInfo | undefined {
    try {
      return this.machine.interfaceInfo(this.name);
    } catch (error) {
      if (error instanceof TransportError) return undefined;
      throw error;
    }
  }

  /** The interface, which can be used. Throws what is wrong with it. */
  #usable(fd: boolean): CanInterfaceInfo {
    const info = this.machine.interfaceInfo(this.name);
    if (info === undefined) throw missingError(this.name);
    const problem = canProblem(this.name, info, fd);
    if (problem !== undefined) throw problem;
    return info;
  }

  #endError(end: CanEnd, detail: string): TransportError {
    if (end === 'io') return new TransportError('io', `${this.name} cannot be used: ${detail}`);
    const fd = [...this.#subscriptions].some(({ subscriber }) => subscriber.fd);
    const now = canProblem(this.name, this.#interfaceInfo(), fd);
    // Else it is up again already.
    return now ?? new TransportError('down', `${this.name} was down for a moment`);
  }

  #frame(frame: CanFrame): void {
    if (frame.error) {
      if ((frame.id & ERROR_CLASS.busOff) !== 0) {
        this.#busOffs += 1;
        this.#ended(busOffError(this.name));
      }
      return;
    }
    this.#meter.add(frame);
    for (const subscription of this.#readers.get(idKey(frame)) ?? [])
      subscription.subscriber.frame(frame);
  }

  #ended(cause: TransportError): void {
    const subscriptions = [...this.#subscriptions];
    this.#subscriptions.clear();
    this.#close();
    for (const subscription of subscriptions) {
      subscription.queue.length = 0;
      subscription.subscriber.closed(cause);
    }
  }

  #close(): void {
    this.#retryTimer?.cancel();
    this.#retryTimer = undefined;
    this.#readers.clear();
    this.#reading = undefined;
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#socket = undefined;
    this.#lostBefore += socket.lost;
    this.#closing = Promise.all([this.#closing, socket.close()]).then(() => undefined);
  }

  #subscriptionsChanged(): void {
    this.#readers.clear();
    for (const subscription of this.#subscriptions) {
      for (const key of new Set(subscription.subscriber.ids.map(idKey))) {
        this.#readers.set(key, [...(this.#readers.get(key) ?? []), subscription]);
      }
    }
    const ids = [...this.#subscriptions].flatMap(({ subscriber }) => subscriber.ids);
    this.#socket?.setFilters(filtersFor(ids));
  }

  /** False: the kernel has no room now; {@link #flush} tries again. */
  #sendNow(frame: CanFrame): boolean {
    const slice = Math.floor(this.clock.monotonicMs());
    if (slice !== this.#sliceMs) {
      this.#sliceMs = slice;
      this.#sentInSlice = 0;
    }
    const socket = this.#socket;
    const outcome = this.#sentInSlice < MOST_A_MS ? (socket?.send(frame) ?? 'full') : 'full';
    if (outcome === 'sent') {
      this.#sentInSlice += 1;
      this.#meter.add(frame);
      this.#retryMs = RETRY_MS;
      return true;
    }
    // The kernel reports an error of a socket once, so the reading thread may not see this one.
    // The subscriptions end after the present call, since the caller is still sending.
    if (outcome !== 'full') {
      setImmediate(() => {
        if (this.#socket === socket) this.#ended(this.#endError(outcome, 'a frame was refused'));
      });
    }
    this.#retryTimer = this.clock.setTimer(this.#retryMs, () => this.#flush());
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    return false;
  }

  /** Sends queued frames until the kernel has no room. */
  #flush(): void {
    this.#retryTimer = undefined;
    const emptied: Subscription[] = [];
    let waiting = [...this.#subscriptions].filter(({ queue }) => queue.length > 0);
    while (waiting.length > 0 && this.#sendOneOfEach(waiting)) {
      emptied.push(...waiting.filter(({ queue }) => queue.length === 0));
      waiting = waiting.filter(({ queue }) => queue.length > 0);
    }
    emptied.push(...waiting.filter(({ queue }) => queue.length === 0));
    for (const subscription of emptied)
      if (this.#subscriptions.has(subscription)) subscription.subscriber.drained();
  }

  /** Round robin: no link waits for the long packet of another. False: the kernel has no room. */
  #sendOneOfEach(subscriptions: readonly Subscription[]): boolean {
    for (const subscription of subscriptions) {
      const [frame] = subscription.queue;
      if (frame === undefined) continue;
      if (!this.#sendNow(frame)) return false;
      subscription.queue.shift();
      subscription.subscriber.sent(frame);
      // It goes to the end, so that the order holds also when there is room for one frame at a time.
      this.#subscriptions.delete(subscription);
      this.#subscriptions.add(subscription);
    }
    return true;
  }
}

function stateOf(info: CanInterfaceInfo | undefined): BusStatus['state'] {
  if (info === undefined) return 'missing';
  return info.up ? (info.state ?? 'up') : 'down';
}
