/**
 * The packet that is in flight: retransmitted unchanged until it is acknowledged
 * or given up; and what the acks of earlier ones would still confirm (docs/contract.md,
 * "Sending").
 */
import type { Clock, Timer } from '../../point/clock.js';
import type { Counters } from '../node/counters.js';
import type { OutgoingPacket } from './outgoing.js';
import { RetransmitTimer } from './retransmit-timer.js';
import type { Setting } from '../settings/setting.js';

/** What was sent, and an ack with its sequence would confirm. */
export type Sent =
  { readonly kind: 'time' } | { readonly kind: 'setting'; readonly setting: Setting };

export interface FlightPlan {
  /** Transmissions allowed in all. */
  readonly limit: number;
  /** Sent while the device is silent. */
  readonly probe: boolean;
  /** The device had been heard on this opening before the first transmission. */
  readonly heardBefore: boolean;
}

export type Flight = Sent &
  OutgoingPacket &
  FlightPlan & {
    readonly firstMs: number;
    /** Before the first retransmission, ms. */
    readonly firstWaitMs: number;
    attempt: number;
    /** Confirmed by a report: not sent again, its ack is only waited for. */
    settled: boolean;
  };

export interface FlightHost {
  /** A transmission of a packet, the first or another. */
  write(packet: OutgoingPacket): void;
  /** A wait for an ack, ms, as this line needs it. */
  jittered(ms: number): number;
  /** The device, or its flow control, does not take what was written before. */
  congested(): boolean;
  /** The packet in flight was sent once more. */
  retransmitted(flight: Flight): void;
  /** It is given up: nothing is in flight any more. */
  unanswered(flight: Flight): void;
}

/** What an ack means. */
export interface Acked {
  readonly sent: Sent;
  /** It ends what was in flight. */
  readonly answered: boolean;
  /** Of a packet in flight that had been sent more than once. */
  readonly repeated: boolean;
}

export class FlightControl {
  #flight: Flight | undefined;
  #timer: Timer | undefined;
  /** By sequence: a late ack still counts for its own packet. */
  readonly #sent = new Map<number, Sent>();
  readonly #retransmitTimer: RetransmitTimer;

  constructor(
    private readonly host: FlightHost,
    private readonly clock: Clock,
    private readonly counters: Counters,
    private readonly ackTimeoutMs: number,
  ) {
    this.#retransmitTimer = new RetransmitTimer(ackTimeoutMs);
  }

  /** What is in flight. */
  get flight(): Flight | undefined {
    return this.#flight;
  }

  /** Whether a setting is in flight. */
  carries(setting: Setting): boolean {
    return this.#flight?.kind === 'setting' && this.#flight.setting === setting;
  }

  /** How fast the device answers is not known any more: there may be another. */
  forgetPace(): void {
    this.#retransmitTimer.reset();
  }

  /** Writes a packet that nobody is waited for to acknowledge. */
  writeOnce(what: Sent, packet: OutgoingPacket): void {
    this.#sent.set(packet.sequence, what);
    this.host.write(packet);
  }

  /** Writes a packet and waits for its ack. */
  launch(what: Sent, packet: OutgoingPacket, plan: FlightPlan): void {
    this.writeOnce(what, packet);
    // Firmware that does not know a repeated packet acts once more on a repeated command.
    const patient = what.kind === 'setting' && what.setting.command;
    this.#flight = {
      ...what,
      ...packet,
      ...plan,
      firstMs: this.clock.monotonicMs(),
      firstWaitMs: patient ? this.ackTimeoutMs : this.#retransmitTimer.timeoutMs,
      attempt: 1,
      settled: false,
    };
    this.#await(this.#flight);
  }

  /** `undefined`: nothing with this sequence was sent, or it was acknowledged before. */
  ack(sequence: number): Acked | undefined {
    const sent = this.#sent.get(sequence);
    if (sent === undefined) return undefined;
    this.#sent.delete(sequence);
    const flight = this.#flight;
    const own = flight?.sequence === sequence;
    if (own && flight.attempt === 1)
      this.#retransmitTimer.measured(this.clock.monotonicMs() - flight.firstMs);
    const answered = own || (sent.kind === 'setting' && this.carries(sent.setting));
    if (answered) this.drop();
    return { sent, answered, repeated: own && flight.attempt > 1 };
  }

  /** Nothing is in flight any more; a late ack still counts. */
  drop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#flight = undefined;
  }

  /** The device has restarted: it has forgotten what it had not acknowledged. */
  forget(): void {
    this.drop();
    this.#sent.clear();
  }

  #await(flight: Flight): void {
    const elapsedMs = this.clock.monotonicMs() - flight.firstMs;
    const { attempt, limit, firstWaitMs } = flight;
    const waitMs = this.#retransmitTimer.waitMs(attempt, limit, firstWaitMs, elapsedMs);
    this.#timer?.cancel();
    this.#timer = this.clock.setTimer(this.host.jittered(waitMs), () => this.#timeout(flight));
  }

  #timeout(flight: Flight): void {
    this.#retransmitTimer.missed();
    if (flight.settled || flight.attempt >= flight.limit) {
      this.drop();
      this.host.unanswered(flight);
      return;
    }
    flight.attempt += 1;
    this.counters.notice('retransmission');
    if (!this.host.congested()) this.host.write(flight);
    this.#await(flight);
    this.host.retransmitted(flight);
  }
}
