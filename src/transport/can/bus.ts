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
import type { CanFrame } from './frame.js';
import type { CanLink } from './link.js';
import { FrameTally } from './load.js';
import { filtersFor, idKey, type CanId } from './filters.js';
import { ERROR_CLASS, type CanEnd, type CanSocket, type CanSocketEvents } from './socket.js';
import { TransportError, type BusStatus } from '../transport.js';

/** What a machine offers for its CAN interfaces; the real one: can-machine.ts. */
export interface CanMachine {
  /** Undefined: no CAN interface of this name. Throws a `TransportError`. */
  look(name: string): CanLink | undefined;
  /** Throws a `TransportError`. */
  open(name: string, link: CanLink, events: CanSocketEvents): CanSocket;
}

export interface CanMember {
  /** Which frames it wants. */
  readonly ids: readonly CanId[];
  /** Whether it sends frames of CAN FD. */
  readonly fd: boolean;
  /** The frame is valid during the call only. */
  frame(frame: CanFrame): void;
  /** Once: the seat is of no use any more. */
  closed(cause: TransportError): void;
  /** After {@link CanSeat.send} has returned false: all frames have been handed over. */
  drained(): void;
}

export interface CanSeat {
  /** Resolves, never rejects, when frames are read, or the seat is of no use any more. */
  readonly ready: Promise<void>;
  /** Queues a frame, in order. False: it waits for room. */
  send(frame: CanFrame): boolean;
  /** Bytes of data that wait. */
  readonly queued: number;
  /** Idempotent; resolves when the socket is closed, or others use it. */
  leave(): Promise<void>;
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
  join(name: string, member: CanMember, clock: Clock): CanSeat {
    return this.#bus(name, clock).join(member);
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

class Seat implements CanSeat {
  readonly queue: CanFrame[] = [];
  constructor(
    readonly member: CanMember,
    private readonly bus: CanBus,
    readonly ready: Promise<void>,
  ) {}

  get queued(): number {
    return this.queue.reduce((sum, { data }) => sum + data.length, 0);
  }

  send(frame: CanFrame): boolean {
    return this.bus.send(this, frame);
  }

  leave(): Promise<void> {
    return this.bus.leave(this);
  }
}

interface Reading {
  readonly atMs: number;
  readonly link: CanLink;
}

class CanBus {
  readonly #seats = new Set<Seat>();
  /** By the ids that they want, as {@link idKey}. */
  readonly #readers = new Map<number, Seat[]>();
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

  join(member: CanMember): Seat {
    const link = this.#usable(member.fd);
    this.#socket ??= this.#open(link);
    const seat = new Seat(member, this, this.#socket.ready);
    this.#seats.add(seat);
    this.#seatsChanged();
    return seat;
  }

  #open(link: CanLink): CanSocket {
    // It is up again since.
    this.#reading = undefined;
    return this.machine.open(this.name, link, {
      frame: (frame) => this.#frame(frame),
      ended: (end, detail) => this.#ended(this.#endError(end, detail)),
    });
  }

  leave(seat: Seat): Promise<void> {
    if (!this.#seats.delete(seat)) return this.#closing;
    seat.queue.length = 0;
    if (this.#seats.size > 0) this.#seatsChanged();
    else this.#close();
    return this.#closing;
  }

  send(seat: Seat, frame: CanFrame): boolean {
    if (!this.#seats.has(seat)) return false;
    if (this.#roomTimer === undefined && this.#hand(frame)) return true;
    // What was lent must stay until it is sent.
    seat.queue.push({ ...frame, data: Uint8Array.from(frame.data) });
    return false;
  }

  status(): BusStatus {
    const now = this.clock.monotonicMs();
    if (this.#reading === undefined || now - this.#reading.atMs >= STATUS_FRESH_MS) {
      const link = this.#look();
      this.#load = link === undefined ? undefined : this.#loadSince(this.#reading, link, now);
      this.#reading = link === undefined ? undefined : { atMs: now, link };
    }
    const link = this.#reading?.link;
    return {
      state: stateOf(link),
      ...(link?.errors === undefined ? {} : { errors: link.errors }),
      ...(this.#load === undefined ? {} : { load: this.#load }),
      lost: this.#lostBefore + (this.#socket?.lost ?? 0),
      busOffs: this.#busOffs,
    };
  }

  #look(): CanLink | undefined {
    try {
      return this.machine.look(this.name);
    } catch (error) {
      if (error instanceof TransportError) return undefined;
      throw error;
    }
  }

  /** The interface as it is now, ready for frames. Throws what is wrong with it. */
  #usable(fd: boolean): CanLink {
    const link = this.machine.look(this.name);
    const problem = canProblem(this.name, link, fd);
    if (link === undefined || problem !== undefined) {
      throw problem ?? missingError(this.name);
    }
    return link;
  }

  #endError(end: CanEnd, detail: string): TransportError {
    if (end === 'io') return new TransportError('io', `${this.name} cannot be used: ${detail}`);
    const fd = [...this.#seats].some(({ member }) => member.fd);
    const now = canProblem(this.name, this.#look(), fd);
    // It may be up again already.
    return now ?? new TransportError('down', `${this.name} was down for a moment`);
  }

  /**
   * Percent of the bit rate, 0 … 100; undefined where there is none, no time has
   * passed, or the counters have begun anew.
   */
  #loadSince(before: Reading | undefined, link: CanLink, now: number): number | undefined {
    if (before === undefined || link.bitRate === undefined || now <= before.atMs) return undefined;
    if (!this.#tally.isEmpty) {
      this.#usual = this.#tally;
      this.#tally = new FrameTally();
    }
    const frames = Number(link.frames - before.link.frames);
    const bytes = Number(link.bytes - before.link.bytes);
    if (link.index !== before.link.index || frames < 0 || bytes < 0) return undefined;
    const bits = this.#usual.bitTimes(frames, bytes, link);
    const share = bits / ((link.bitRate * (now - before.atMs)) / 1000);
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
    for (const seat of this.#readers.get(idKey(frame)) ?? []) seat.member.frame(frame);
  }

  #ended(cause: TransportError): void {
    const seats = [...this.#seats];
    this.#seats.clear();
    this.#close();
    for (const seat of seats) {
      seat.queue.length = 0;
      seat.member.closed(cause);
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

  #seatsChanged(): void {
    this.#readers.clear();
    for (const seat of this.#seats) {
      for (const key of new Set(seat.member.ids.map(idKey))) {
        this.#readers.set(key, [...(this.#readers.get(key) ?? []), seat]);
      }
    }
    const ids = [...this.#seats].flatMap(({ member }) => member.ids);
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
    const emptied: Seat[] = [];
    let waiting = [...this.#seats].filter(({ queue }) => queue.length > 0);
    while (waiting.length > 0 && this.#handOneOfEach(waiting)) {
      emptied.push(...waiting.filter(({ queue }) => queue.length === 0));
      waiting = waiting.filter(({ queue }) => queue.length > 0);
    }
    emptied.push(...waiting.filter(({ queue }) => queue.length === 0));
    for (const seat of emptied) if (this.#seats.has(seat)) seat.member.drained();
  }

  /** In turns, so that nobody waits for another's long packet. False: there is no more room. */
  #handOneOfEach(seats: readonly Seat[]): boolean {
    for (const seat of seats) {
      const [frame] = seat.queue;
      if (frame !== undefined && !this.#hand(frame)) return false;
      seat.queue.shift();
      // Behind all others, also when there is room for one frame at a time.
      this.#seats.delete(seat);
      this.#seats.add(seat);
    }
    return true;
  }
}

function stateOf(link: CanLink | undefined): BusStatus['state'] {
  if (link === undefined) return 'missing';
  return link.up ? (link.state ?? 'up') : 'down';
}

/** Why an interface is of no use to a link, with what to do about it; undefined: it can be used. */
export function canProblem(
  name: string,
  link: CanLink | undefined,
  fd: boolean,
): TransportError | undefined {
  if (link === undefined) return missingError(name);
  const command = upCommand(name, link, fd);
  if (!link.up) return new TransportError('down', `${name} is down; bring it up: ${command}`);
  if (link.state === 'bus-off') return busOffError(name);
  if (!fd || link.fd) return undefined;
  const message =
    `${name} takes no CAN FD frames; take fd out of the configuration, or set it up anew: ` +
    `sudo ip link set ${name} down; ${command}`;
  return new TransportError('unsupportedSetting', message);
}

/** What a person types to bring an interface up. */
function upCommand(name: string, link: CanLink, fd: boolean): string {
  // Virtual ones have no bit rate.
  if (link.state === undefined) return `sudo ip link set ${name} ${fd ? 'mtu 72 ' : ''}up`;
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
