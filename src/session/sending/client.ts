/**
 * What the reliable sender and its clients know of each other.
 *
 * A client keeps what it has to send itself, and hands out the next packet when
 * the sender has a place for it: so what changes several times is sent once, as
 * it is then.
 *
 * ```
 *  client.next() ─► delivery.encode() ─► written ─► transmitted() ─┬─ acknowledged()
 *                       └ undefined: not sent          ▲     │     ├─ unanswered(why)
 *                                                      └─────┘     └─ dropped()
 *                                                     retransmission
 * ```
 *
 * To a device that never acknowledges a packet is written once: `sentOnce()`.
 */
import type { PayloadCodec } from '../../packet/payload.js';
import type { OutgoingPacket } from './outgoing.js';

/**
 * What happens to the device, for all clients:
 * - `opened`: the channel is open, and nothing has been heard on it yet
 * - `codecKnown`: the codec is known now, or is another one: what was sent before
 *   may not have been understood
 * - `awake`: the device is heard again after a silence
 * - `quiet`: it acknowledges, and has said nothing for 30 s, or while a persistent packet
 *   was sent again and again: a client is to send something that it has to acknowledge
 * - `restarted`: it has restarted, and has forgotten what it had not acknowledged
 * - `resync`: it has restarted, and is to have all again, now
 */
export type SenderEvent = 'opened' | 'codecKnown' | 'awake' | 'quiet' | 'restarted' | 'resync';

/** A source of packets for one device. */
export interface SenderClient {
  /** Of clients that have something to send, the one with the lowest is served first. */
  readonly priority: number;
  /**
   * Packets of this client that the device takes at once, unacknowledged. All
   * clients with a window of 1 share one place: of them, one packet is in flight.
   * No more packets are in flight in all than the widest window.
   */
  readonly window: number;
  /**
   * The next packet: it is sent now, or not at all if it cannot be encoded.
   * {@link Wait}: there will be one then, without anything else happening.
   */
  next(nowMs: number): Delivery | Wait | undefined;
  /** What goes out to a silent device, once each, in every round of probes. */
  probes(): readonly Delivery[];
  /** Called before the sender asks for packets again. */
  on(event: SenderEvent): void;
}

/** A client has nothing to send until then. */
export interface Wait {
  /** Monotonic ms. */
  readonly untilMs: number;
}

/**
 * Why a packet stays unanswered after its last transmission:
 * - `silence`: nothing else was heard from the device either
 * - `ignored`: other packets of the device were heard meanwhile
 * - `again`: the first sign of life came meanwhile: the packet is worth sending
 *   again, with all retransmissions; or it is persistent, and nothing was heard of
 *   the device since its first transmission
 * - `neverAcknowledges`: the device acknowledges nothing
 */
export type Unanswered = 'silence' | 'ignored' | 'again' | 'neverAcknowledges';

/** One packet of a client, until its end. */
export interface Delivery {
  /** It is sent once, not again, though its ack is waited for. */
  readonly once: boolean;
  /**
   * The first retransmission waits the whole `ackTimeoutMs`, however quick the
   * device is: it may act on each transmission.
   */
  readonly unhurried: boolean;
  /**
   * The device has to acknowledge it before its client can go on, also a device that
   * acknowledges no points: its acks say nothing of those. Each transmission is a try by
   * itself, at the device's pace, and what is more urgent goes out between two of them:
   * the client hands it out again until it is acknowledged. False: it is given up after
   * as many transmissions as the configuration says.
   */
  readonly persistent: boolean;
  /** Makes the packet, which is written next. `undefined`: it cannot be sent; the client tells people why. */
  encode(codec: PayloadCodec): OutgoingPacket | undefined;
  /** It has been written, for the first time or again, and its ack is waited for. */
  transmitted(attempt: number, limit: number): void;
  /** It has been written to a device that never acknowledges: this is its end. */
  sentOnce(): void;
  /**
   * The device has acknowledged it, perhaps late, after another end. `repeated`:
   * it was in flight, and had been sent more than once.
   */
  acknowledged(repeated: boolean): void;
  /** It had not acknowledged it: that ack was an echo of one of the gateway's. */
  ackTakenBack(): void;
  unanswered(why: Unanswered): void;
  /**
   * Its ack is not waited for any more, which says nothing about the device: the
   * channel was closed, the codec is another one, the device has restarted, the
   * client has withdrawn it, or it was a probe.
   */
  dropped(): void;
}
