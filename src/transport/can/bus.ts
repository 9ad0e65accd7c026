/**
 * CAN interfaces, each with one socket for all links that use it:
 *
 * ```
 *  link A ─┐ ids of A ┌──────────┐                     ┌─ kernel's filter: all ids
 *  link B ─┼──────────┤  CanBus  ├─── CanSocket ───────┤
 *  link C ─┘ in turns └──────────┘                     └─ queue of the interface
 * ```
 *
 * A bus lives while somebody uses it. Where its interface goes down, goes
 * bus-off or is taken away, everybody is told, and the socket is closed; whoever
 * comes back opens it anew.
 */
import type { Clock, Timer } from '../../point/clock.js';
import type { CanFrame } from '../frame.js';
import type { CanInterfaceInfo } from './interface-info.js';
import { FrameTally } from './load.js';
import { filtersFor, idKey, type CanId } from './filters.js';
import { ERROR_CLASS, type CanEnd, type CanSocket, type CanSocketEvents } from './socket.js';
import { TransportError, type BusStatus } from '../transport.js';

/** What a machine offers for its CAN interfaces; the real one: machine.ts. */
export interface CanMachine {
  /** Undefined: no CAN interface of this name. Throws a `TransportError`. */
  interfaceInfo(name: string): CanInterfaceInfo | undefined;
  /** Throws a `TransportError`. */
  open(name: string, info: CanInterfaceInfo, events: CanSocketEvents): CanSocket;
}

export interface CanSubscriber {
  /** Which frames it wants. */
  readonly ids: readonly CanId[];
  /** Whether it sends frames of CAN FD. */
  readonly fd: boolean;
  /** The frame is valid during the call only. */
  frame(frame: CanFrame): void;
  /** Once: the interface is down, bus-off or gone, and the subscription has ended. */
  closed(cause: TransportError): void;
  /** After {@link CanSubscription.send} has returned false: all frames have been handed over. */
  drained(): void;
}

export interface CanSubscription {
  /** Resolves, never rejects, when frames are read, or the subscription has ended. */
  readonly ready: Promise<void>;
  /** Queues a frame, in order. False: it waits for room. */
  send(frame: CanFrame): boolean;
  /** Bytes of data that wait. */
  readonly queued: number;
  /** Idempotent; resolves when the socket is closed, or others use it. */
  end(): Promise<void>;
}

/** When a queue has no room, the next look at it; a frame takes 0.25 ms at 500 kbit/s. */
const ROOM_LOOK_MS = 1;
/** The same when nothing has gone out for a while: nobody acknowledges, or the controller is off. */
const ROOM_LOOK_LONGEST_MS = 16;
/** Virtual interfaces take any number at once, and whoever reads them loses some. */
const MOST_A_MS = 64;
/** A reading of the kernel's counters serves all links for so long. */
const STATUS_FRESH_MS = 1_000;

export class CanBuses {
  readonly #buses = new Map<string, CanBus>();

  constructor(private readonly machine: CanMachine) {}

  /** Throws a `TransportError`: `notFound`, `down`, `unsupportedSetting`, `permission` or `io`. */
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

interface Reading {
  readonly atMs: number;
  readonly info: CanInterfaceInfo;
}

class CanBus {
  readonly #subscriptions = new Set<Subscription>();
  /** By the ids that they want, as {@link idKey}. */
  readonly #readers = new Map<number, Subscription[]>();
  #socket: CanSocket | undefined;
  #closing: Promise<void> = Promise.resolve();
  #roomTimer: Timer | undefined;
  #roomLookMs = ROOM_LOOK_MS;
  #sliceMs = 0;
  #sentInSlice = 0;
  #reading: Reading | undefined;
  #load: number | undefined;
  /** Frames of ours: since the last reading, and in the last time that had any. */
  #tally = new FrameTally();
  #usual = new FrameTally();
  /** By sockets that have been closed. */
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
    // It is up again since.
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
    if (this.#roomTimer === undefined && this.#hand(frame)) return true;
    // What was lent must stay until it is sent.
    subscription.queue.push({ ...frame, data: Uint8Array.from(frame.data) });
    return false;
  }

  status(): BusStatus {
    const now = this.clock.monotonicMs();
    if (this.#reading === undefined || now - this.#reading.atMs >= STATUS_FRESH_MS) {
      const info = this.#interfaceInfo();
      this.#load = info === undefined ? undefined : this.#loadSince(this.#reading, info, now);
      this.#reading = info === undefined ? undefined : { atMs: now, info };
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

  /** The interface as it is now, ready for frames. Throws what is wrong with it. */
  #usable(fd: boolean): CanInterfaceInfo {
    const info = this.machine.interfaceInfo(this.name);
    const problem = canProblem(this.name, info, fd);
    if (info === undefined || problem !== undefined) {
      throw problem ?? missingError(this.name);
    }
    return info;
  }

  #endError(end: CanEnd, detail: string): TransportError {
    if (end === 'io') return new TransportError('io', `${this.name} cannot be used: ${detail}`);
    const fd = [...this.#subscriptions].some(({ subscriber }) => subscriber.fd);
    const now = canProblem(this.name, this.#interfaceInfo(), fd);
    // It may be up again already.
    return now ?? new TransportError('down', `${this.name} was down for a moment`);
  }

  /**
   * Percent of the bit rate, 0 … 100; undefined where there is none, no time has
   * passed, or the counters have begun anew.
   */
  #loadSince(before: Reading | undefined, info: CanInterfaceInfo, now: number): number | undefined {
    if (before === undefined || info.bitRate === undefined || now <= before.atMs) return undefined;
    if (!this.#tally.isEmpty) {
      this.#usual = this.#tally;
      this.#tally = new FrameTally();
    }
    const frames = Number(info.frames - before.info.frames);
    const bytes = Number(info.bytes - before.info.bytes);
    if (info.index !== before.info.index || frames < 0 || bytes < 0) return undefined;
    const bits = this.#usual.bitTimes(frames, bytes, info);
    const share = bits / ((info.bitRate * (now - before.atMs)) / 1000);
    return Math.min(100, Math.round(share * 1000) / 10);
  }

  #frame(frame: CanFrame): void {
    if (frame.error) {
      if ((frame.id & ERROR_CLASS.busOff) !== 0) {
        this.#busOffs += 1;
        this.#ended(busOffError(this.name));
      }
      return;
    }
    this.#tally.add(frame);
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
    this.#roomTimer?.cancel();
    this.#roomTimer = undefined;
    this.#readers.clear();
    // What it says is of before.
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

  /** False: no room now; {@link #flush} tries again. */
  #hand(frame: CanFrame): boolean {
    const slice = Math.floor(this.clock.monotonicMs());
    if (slice !== this.#sliceMs) {
      this.#sliceMs = slice;
      this.#sentInSlice = 0;
    }
    const socket = this.#socket;
    const outcome = this.#sentInSlice < MOST_A_MS ? (socket?.send(frame) ?? 'full') : 'full';
    if (outcome === 'sent') {
      this.#sentInSlice += 1;
      this.#tally.add(frame);
      this.#roomLookMs = ROOM_LOOK_MS;
      return true;
    }
    // The kernel tells an error once, to whoever asks first: the reading side may not hear of it.
    // Those who send are not done yet.
    if (outcome !== 'full') {
      setImmediate(() => {
        if (this.#socket === socket) this.#ended(this.#endError(outcome, 'a frame was refused'));
      });
    }
    this.#roomTimer = this.clock.setTimer(this.#roomLookMs, () => this.#flush());
    this.#roomLookMs = Math.min(this.#roomLookMs * 2, ROOM_LOOK_LONGEST_MS);
    return false;
  }

  /** As many as there is room for. */
  #flush(): void {
    this.#roomTimer = undefined;
    const emptied: Subscription[] = [];
    let waiting = [...this.#subscriptions].filter(({ queue }) => queue.length > 0);
    while (waiting.length > 0 && this.#handOneOfEach(waiting)) {
      emptied.push(...waiting.filter(({ queue }) => queue.length === 0));
      waiting = waiting.filter(({ queue }) => queue.length > 0);
    }
    emptied.push(...waiting.filter(({ queue }) => queue.length === 0));
    for (const subscription of emptied)
      if (this.#subscriptions.has(subscription)) subscription.subscriber.drained();
  }

  /** In turns, so that nobody waits for another's long packet. False: there is no more room. */
  #handOneOfEach(subscriptions: readonly Subscription[]): boolean {
    for (const subscription of subscriptions) {
      const [frame] = subscription.queue;
      if (frame !== undefined && !this.#hand(frame)) return false;
      subscription.queue.shift();
      // Behind all others, also when there is room for one frame at a time.
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

/** Why an interface is of no use to a link, with what to do about it; undefined: it can be used. */
export function canProblem(
  name: string,
  info: CanInterfaceInfo | undefined,
  fd: boolean,
): TransportError | undefined {
  if (info === undefined) return missingError(name);
  const command = upCommand(name, info, fd);
  if (!info.up) return new TransportError('down', `${name} is down; bring it up: ${command}`);
  if (info.state === 'bus-off') return busOffError(name);
  if (!fd || info.fd) return undefined;
  const message =
    `${name} takes no CAN FD frames; take fd out of the configuration, or set it up anew: ` +
    `sudo ip link set ${name} down; ${command}`;
  return new TransportError('unsupportedSetting', message);
}

/** What a person types to bring an interface up. */
function upCommand(name: string, info: CanInterfaceInfo, fd: boolean): string {
  // Virtual ones have no bit rate.
  if (info.state === undefined) return `sudo ip link set ${name} ${fd ? 'mtu 72 ' : ''}up`;
  const rates = fd ? 'bitrate 500000 dbitrate 2000000 fd on' : 'bitrate 500000';
  return `sudo ip link set ${name} up type can ${rates} restart-ms 100`;
}

function missingError(name: string): TransportError {
  const advice = /^vcan\d*$/.test(name)
    ? `make it with: sudo ip link add ${name} type vcan && sudo ip link set ${name} up`
    : 'is the adapter plugged in, and its driver loaded?';
  const message = `there is no CAN interface ${name}: ${advice}`;
  return new TransportError('notFound', message);
}

function busOffError(name: string): TransportError {
  const message =
    `${name} is bus-off: wiring, termination or bit rate are wrong; it comes back by itself ` +
    `if it was set up with restart-ms, or by: sudo ip link set ${name} type can restart`;
  return new TransportError('busOff', message);
}
