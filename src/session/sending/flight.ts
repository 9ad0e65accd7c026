/**
 * The packets that are in flight: each retransmitted unchanged until it is
 * acknowledged or given up; and what the acks of earlier ones would still confirm
 * (docs/contract.md, "Sending").
 */
import type { Clock, Timer } from '../../point/clock.js';
import type { Counters } from '../node/counters.js';
import type { Delivery } from './client.js';
import type { OutgoingPacket } from './outgoing.js';
import { RetransmitTimer } from './retransmit-timer.js';

/** Where packets are written to. */
export interface Line {
  /** A transmission of a packet, the first or another. */
  write(packet: OutgoingPacket): void;
  /** A wait for an ack, ms, as this line needs it. */
  jittered(ms: number): number;
  /** The device, or its flow control, does not take what was written before. */
  congested(): boolean;
}

/**
 * Sequences come round after 255 packets. An ack is not to be taken for that of a
 * newer packet, even if some packets more were sent past the sender.
 */
const MOST_SINCE_OLDEST = 200;

/** What is decided when a packet is sent for the first time. */
interface FlightPlan {
  /** Transmissions allowed in all. */
  readonly limit: number;
  /** See {@link SenderClient.window}. */
  readonly window: number;
  /** Sent while the device is silent. */
  readonly probe: boolean;
  /** The device had been heard on this opening before the first transmission. */
  readonly heardBefore: boolean;
}

/** A packet whose ack is waited for. */
export interface Flight extends FlightPlan {
  readonly delivery: Delivery;
  readonly packet: OutgoingPacket;
  /** Packets launched before it. */
  readonly number: number;
  /** Monotonic ms of the first transmission. */
  readonly firstMs: number;
  /** Before the first retransmission, ms. */
  readonly firstWaitMs: number;
  attempt: number;
  /** Not sent again: its ack is only waited for. */
  final: boolean;
  timer: Timer | undefined;
}

/** Is told of packets that find no ack. */
export interface FlightHost {
  /** A packet is given up, and is not in flight any more. */
  gaveUp(flight: Flight): void;
}

/** What an ack means. */
interface Acked {
  readonly delivery: Delivery;
  /** It was in flight, and had been sent more than once. */
  readonly repeated: boolean;
}

/** All packets of one device that are in flight. */
export class FlightControl {
  /** By sequence. */
  readonly #flights = new Map<number, Flight>();
  /** By sequence: a late ack still counts for its own packet. */
  readonly #sent = new Map<number, Delivery>();
  /** Of persistent packets that are not in flight now: the last try, with the number of tries. */
  readonly #tried = new Map<Delivery, Flight>();
  readonly #retransmitTimer: RetransmitTimer;
  #launched = 0;

  constructor(
    private readonly host: FlightHost,
    private readonly line: Line,
    private readonly clock: Clock,
    private readonly counters: Counters,
    private readonly ackTimeoutMs: number,
  ) {
    this.#retransmitTimer = new RetransmitTimer(ackTimeoutMs);
  }

  /** Nothing is in flight. */
  get isEmpty(): boolean {
    return this.#flights.size === 0;
  }

  /** See {@link RetransmitTimer.roundTripMs}. */
  get roundTripMs(): number | undefined {
    return this.#retransmitTimer.roundTripMs;
  }

  /** Whether a packet of a client with this window may be sent now. */
  hasPlace(window: number): boolean {
    let widest = window;
    let singles = 0;
    for (const flight of this.#flights.values()) {
      if (this.#launched - flight.number >= MOST_SINCE_OLDEST) return false;
      widest = Math.max(widest, flight.window);
      if (flight.window === 1) singles += 1;
    }
    return this.#flights.size < widest && (window > 1 || singles === 0);
  }

  /** Forgets how fast the device answers: another one may be attached now. */
  forgetPace(): void {
    this.#retransmitTimer.reset();
  }

  /** Writes a packet whose ack is not waited for. */
  writeOnce(delivery: Delivery, packet: OutgoingPacket): void {
    this.#sent.set(packet.sequence, delivery);
    this.line.write(packet);
  }

  /** Writes a packet and waits for its ack. */
  launch(delivery: Delivery, packet: OutgoingPacket, plan: FlightPlan): void {
    this.#sent.set(packet.sequence, delivery);
    this.line.write(packet);
    const { limit, window, probe, heardBefore } = plan;
    const earlier = this.#tried.get(delivery);
    this.#tried.delete(delivery);
    if (earlier !== undefined) this.counters.notice('retransmission');
    const flight: Flight = {
      limit,
      window,
      probe,
      heardBefore,
      delivery,
      packet,
      number: this.#launched++,
      firstMs: earlier?.firstMs ?? this.clock.monotonicMs(),
      firstWaitMs:
        earlier?.firstWaitMs ??
        (delivery.unhurried ? this.ackTimeoutMs : this.#retransmitTimer.timeoutMs),
      attempt: 1 + (earlier?.attempt ?? 0),
      final: false,
      timer: undefined,
    };
    this.#flights.set(packet.sequence, flight);
    this.#await(flight);
    delivery.transmitted(flight.attempt, limit);
  }

  /** `undefined`: nothing with this sequence was sent, or it was acknowledged before. */
  ack(sequence: number): Acked | undefined {
    const delivery = this.#sent.get(sequence);
    if (delivery === undefined) return undefined;
    this.#sent.delete(sequence);
    this.#tried.delete(delivery);
    const flight = this.#flights.get(sequence);
    if (flight?.attempt === 1) {
      this.#retransmitTimer.measured(this.clock.monotonicMs() - flight.firstMs);
    }
    if (flight !== undefined) this.#end(flight);
    return { delivery, repeated: flight !== undefined && flight.attempt > 1 };
  }

  /** It is not sent again, and its ack is waited for until then. */
  stopRetrying(delivery: Delivery): void {
    const flight = this.#find(delivery);
    if (flight !== undefined) flight.final = true;
  }

  /** It is in flight no more; a late ack still counts. */
  drop(delivery: Delivery): void {
    this.#tried.delete(delivery);
    const flight = this.#find(delivery);
    if (flight === undefined) return;
    this.#end(flight);
    delivery.dropped();
  }

  /** Nothing is in flight any more; late acks still count. Returns what was. */
  endAll(): Delivery[] {
    const flights = [...this.#flights.values()];
    this.#tried.clear();
    for (const flight of flights) this.#end(flight);
    return flights.map(({ delivery }) => delivery);
  }

  /** The device has restarted: it has forgotten what it had not acknowledged. */
  forgetSent(): void {
    this.#sent.clear();
  }

  #find(delivery: Delivery): Flight | undefined {
    for (const flight of this.#flights.values()) if (flight.delivery === delivery) return flight;
    return undefined;
  }

  #end(flight: Flight): void {
    flight.timer?.cancel();
    this.#flights.delete(flight.packet.sequence);
  }

  #await(flight: Flight): void {
    const elapsedMs = this.clock.monotonicMs() - flight.firstMs;
    const { attempt, limit, firstWaitMs, delivery } = flight;
    const waitMs = delivery.persistent
      ? this.#retransmitTimer.doubledMs(attempt, firstWaitMs)
      : this.#retransmitTimer.waitMs(attempt, limit, firstWaitMs, elapsedMs);
    flight.timer = this.clock.setTimer(this.line.jittered(waitMs), () => this.#timeout(flight));
  }

  #timeout(flight: Flight): void {
    this.#retransmitTimer.missed();
    if (flight.delivery.persistent) {
      this.#end(flight);
      this.#tried.set(flight.delivery, flight);
      this.host.gaveUp(flight);
      return;
    }
    if (flight.final || flight.attempt >= flight.limit) {
      this.#end(flight);
      this.host.gaveUp(flight);
      return;
    }
    flight.attempt += 1;
    this.counters.notice('retransmission');
    if (!this.line.congested()) this.line.write(flight.packet);
    this.#await(flight);
    flight.delivery.transmitted(flight.attempt, flight.limit);
  }
}
