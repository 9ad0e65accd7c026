/**
 * The one reliable sender of a device (docs/contract.md, "Sending", "Devices that
 * never acknowledge"). What it sends comes from its clients (client.ts), by
 * priority; it knows packets, and nothing of what is in them.
 *
 * ```
 *                  ┌── acknowledged ───────────────► next
 *  next ─► flight ─┼── unanswered, others heard ───► next
 *             ▲    └── unanswered in silence ──────► silent: probes every 30 s
 *             └ retransmit                           until something is heard
 * ```
 *
 * What is in flight: flight.ts. How long an ack is waited for: retransmit-timer.ts.
 * A device that is not heard: silence.ts.
 */
import type { PayloadCodec } from '../../packet/payload.js';
import type { Clock, Timer } from '../../point/clock.js';
import type { Counters } from '../node/counters.js';
import type { Acknowledges } from '../node/presence.js';
import type { Delivery, SenderClient, SenderEvent, Unanswered } from './client.js';
import { FlightControl, type Flight, type FlightHost, type Line } from './flight.js';
import { Silence, type Life, type SilenceHost } from './silence.js';

/** What the configuration says of retransmissions. */
export interface SenderOptions {
  /** Longest wait for an ack before a retransmission, ms; the last wait is never shorter. */
  readonly ackTimeoutMs: number;
  /** Transmissions after the first. */
  readonly retries: number;
}

/** What the sender needs of its session. */
export interface SenderHost {
  /** `undefined`: not known yet, or nothing is to be sent now. */
  codec(): PayloadCodec | undefined;
  /** Nothing at all is heard any more. */
  silent(): void;
  /** Whether the device acknowledges is known anew. */
  learned(acknowledges: Acknowledges): void;
}

/** What an ack has changed. */
export interface AckEffect {
  readonly delivery: Delivery;
  /** Whether the device acknowledged, as far as was known before. */
  readonly before: Acknowledges;
}

/** What was believed of the device, and was an echo of the gateway's own packets. */
export interface Mistaken<Before extends Life = Life> {
  /** In the order in which they came. */
  readonly acks: readonly AckEffect[];
  /** As it was before they were taken for signs of life; `undefined`: it has been heard since. */
  readonly life: Before | undefined;
  /** The device has acknowledged something beyond doubt since. */
  readonly acknowledges: boolean;
}

const GAP_WITHOUT_ACKS_MS = 20;
const CONGESTED_LOOK_MS = 100;

/** Sends the packets of its clients, and tells each one's end. */
export class ReliableSender implements FlightHost, SilenceHost {
  /** By priority. */
  readonly #clients: SenderClient[] = [];
  readonly #flights: FlightControl;
  readonly #silence: Silence;
  #open = false;
  #pumping = false;
  #pumpAgain = false;
  /** Wakes the pump: a gap between packets, or what a client waits for. */
  #pumpTimer: Timer | undefined;
  #gapUntilMs = 0;
  /** Of this round of probes, still to be sent. */
  #probesLeft: Delivery[] = [];

  constructor(
    private readonly host: SenderHost,
    private readonly line: Line,
    private readonly clock: Clock,
    counters: Counters,
    private readonly options: SenderOptions,
    /** As it was known before the gateway was restarted. */
    private isAcknowledging: Acknowledges,
  ) {
    this.#flights = new FlightControl(this, line, clock, counters, options.ackTimeoutMs);
    this.#silence = new Silence(this, clock);
  }

  /** Before the first opening. */
  attach(client: SenderClient): void {
    this.#clients.push(client);
    this.#clients.sort((a, b) => a.priority - b.priority);
  }

  /** Whether the device acknowledges what is sent to it. */
  get acknowledges(): Acknowledges {
    return this.isAcknowledging;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  get life(): Life {
    const { heardMs, silent } = this.#silence;
    return { heardMs, silent };
  }

  /** Monotonic ms of the last packet heard since the opening. */
  get heardMs(): number | undefined {
    return this.#silence.heardMs;
  }

  /** From a packet to its ack, smoothed, ms; `undefined`: not measured since the opening. */
  get roundTripMs(): number | undefined {
    return this.#flights.roundTripMs;
  }

  /** The channel is open; nothing has been heard on it yet. */
  opened(): void {
    this.#open = true;
    this.#silence.opened();
    this.#flights.forgetPace();
    this.#tell('opened');
    this.pump();
  }

  closed(): void {
    this.#open = false;
    this.#endSilence();
    this.#silence.closed();
    for (const delivery of this.#flights.endAll()) delivery.dropped();
    this.#pumpTimer?.cancel();
    this.#pumpTimer = undefined;
  }

  /** A packet with a valid CRC has come (an ack: after {@link ack}). Hot: called for each one. */
  heard(): void {
    this.#silence.heard();
  }

  /**
   * The packet that {@link heard} announced has been processed. If it was the first
   * one after a silence, all that waits is sent, after the probe that is in flight.
   */
  awake(): void {
    if (!this.#silence.silent) return;
    this.#endSilence();
    this.#tell('awake');
    this.pump();
  }

  /** The device has acknowledged something that was sent past this sender: a probe for its codec. */
  answered(): void {
    if (this.isAcknowledging !== 'yes') this.#learn('yes');
  }

  /** The codec is known now, or has changed. */
  codecKnown(): void {
    this.#tell('codecKnown', this.#flights.endAll());
    this.pump();
  }

  /** The device has restarted: called at once, {@link resync} when all may be sent again. */
  restarted(): void {
    const dropped = this.#flights.endAll();
    this.#flights.forgetSent();
    this.#tell('restarted', dropped);
  }

  /** After a restart, when the device is to have all again. */
  resync(): void {
    this.#endSilence();
    this.#tell('resync');
    this.pump();
  }

  /** `undefined`: it acknowledges nothing that was sent, or what was acknowledged before. */
  ack(sequence: number): AckEffect | undefined {
    const acked = this.#flights.ack(sequence);
    if (acked === undefined) return undefined;
    const before = this.isAcknowledging;
    if (!acked.delivery.persistent) this.answered();
    acked.delivery.acknowledged(acked.repeated);
    this.pump();
    return { delivery: acked.delivery, before };
  }

  /** Acks and signs of life that were echoes of what the gateway sent, and not the device's. */
  takeBack({ acks, life, acknowledges }: Mistaken): void {
    if (life !== undefined) this.#silence.takeBack(life);
    this.#flights.forgetPace();
    const [first] = acks;
    if (first === undefined) return;
    if (!acknowledges) this.isAcknowledging = first.before;
    // The last first: two of them may have changed the same, one after the other.
    for (const { delivery } of [...acks].reverse()) delivery.ackTakenBack();
    this.pump();
  }

  /** Its ack is not waited for any more; a late one still counts. */
  withdraw(delivery: Delivery): void {
    this.#flights.drop(delivery);
  }

  /** It is not sent again, but the next packet waits for its ack. */
  stopRetrying(delivery: Delivery): void {
    this.#flights.stopRetrying(delivery);
  }

  /** Sends what is due, as far as the device may have it now. Clients call it when they have something. */
  pump(): void {
    this.#pumpAgain = true;
    // A client may call this while it is asked or told something: nested calls are put off.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#pumpAgain) {
        this.#pumpAgain = false;
        while (this.#sendNext());
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** False: nothing can be sent now. */
  #sendNext(): boolean {
    if (!this.#open || this.#silence.silent) return false;
    const clients = this.#clients.filter(({ window }) => this.#flights.hasPlace(window));
    const codec = this.host.codec();
    if (clients.length === 0 || codec === undefined) return false;
    const nowMs = this.clock.monotonicMs();
    let wakeMs = Number.POSITIVE_INFINITY;
    if (nowMs < this.#gapUntilMs) wakeMs = this.#gapUntilMs;
    else if (this.line.congested()) wakeMs = nowMs + CONGESTED_LOOK_MS;
    else {
      for (const client of clients) {
        const next = client.next(nowMs);
        if (next === undefined) continue;
        if (!('untilMs' in next)) {
          this.#launch(next, codec, client.window);
          return true;
        }
        wakeMs = Math.min(wakeMs, next.untilMs);
      }
    }
    if (wakeMs < Number.POSITIVE_INFINITY) this.#wakeAt(wakeMs);
    return false;
  }

  #wakeAt(ms: number): void {
    this.#pumpTimer?.cancel();
    this.#pumpTimer = this.clock.setTimer(Math.max(0, ms - this.clock.monotonicMs()), () =>
      this.pump(),
    );
  }

  /** False: it could not be encoded. */
  #launch(delivery: Delivery, codec: PayloadCodec, window: number): boolean {
    const packet = delivery.encode(codec);
    if (packet === undefined) return false;
    const { persistent } = delivery;
    if (this.isAcknowledging === 'no' && !persistent) {
      this.#flights.writeOnce(delivery, packet);
      this.#gapUntilMs = this.clock.monotonicMs() + GAP_WITHOUT_ACKS_MS;
      delivery.sentOnce();
      return true;
    }
    const probe = this.#silence.silent;
    this.#flights.launch(delivery, packet, {
      limit: probe || delivery.once || persistent ? 1 : 1 + this.options.retries,
      window,
      probe,
      heardBefore: this.#silence.heardMs !== undefined,
    });
    return true;
  }

  /** The last transmission of a packet has found no answer. */
  gaveUp(flight: Flight): void {
    const { delivery } = flight;
    if (this.#silence.silent) {
      delivery.dropped();
      this.#probeNext();
      return;
    }
    if (delivery.persistent) {
      this.#tryFailed(flight);
      return;
    }
    const why = flight.final || flight.probe ? undefined : this.#whyUnanswered(flight);
    if (why === 'silence') {
      this.#fallSilent(delivery);
      return;
    }
    if (why === undefined) delivery.dropped();
    else delivery.unanswered(why);
    this.pump();
  }

  /**
   * The device may refuse such a packet alone. So it is asked whether it lives, as often as
   * any other packet would have been sent without an answer.
   */
  #tryFailed({ delivery, firstMs, attempt }: Flight): void {
    const { heardMs = Number.NEGATIVE_INFINITY } = this.#silence;
    const { retries, ackTimeoutMs } = this.options;
    // The ack of the packet before it may have been heard after it was sent.
    const silentMs = this.clock.monotonicMs() - Math.max(firstMs, heardMs);
    const isLong = attempt > retries && silentMs >= (1 + retries) * ackTimeoutMs;
    if (isLong && this.isAcknowledging === 'yes') this.#tell('quiet');
    delivery.unanswered(heardMs >= firstMs ? 'ignored' : 'again');
    this.pump();
  }

  #whyUnanswered({ firstMs, heardBefore }: Flight): Unanswered {
    // Its first packet had all its retries, and so had this one after it was heard.
    if (this.isAcknowledging === 'unknown' && heardBefore) this.#learn('no');
    if (this.isAcknowledging === 'no') return 'neverAcknowledges';
    const { heardMs } = this.#silence;
    if (heardMs === undefined || heardMs < firstMs) return 'silence';
    return this.isAcknowledging === 'yes' ? 'ignored' : 'again';
  }

  #fallSilent(first: Delivery): void {
    this.#silence.begin();
    for (const delivery of [first, ...this.#flights.endAll()]) delivery.unanswered('silence');
    this.host.silent();
  }

  #endSilence(): void {
    this.#silence.end();
    this.#probesLeft = [];
  }

  /** On an open port with nobody there. */
  probe(): void {
    // A long round goes on; the next one begins after it.
    if (!this.#flights.isEmpty) return;
    const isPossible = this.host.codec() !== undefined && !this.line.congested();
    this.#probesLeft = isPossible ? this.#clients.flatMap((client) => client.probes()) : [];
    this.#probeNext();
  }

  #probeNext(): void {
    const codec = this.host.codec();
    // What was written before has not gone out: more of it would come too late, all at once.
    if (codec === undefined || this.line.congested()) return;
    for (;;) {
      const delivery = this.#probesLeft.shift();
      if (delivery === undefined || this.#launch(delivery, codec, 1)) return;
    }
  }

  /** To see whether the device lives. */
  quiet(): void {
    if (this.isAcknowledging !== 'yes' || !this.#flights.isEmpty) return;
    this.#tell('quiet');
    this.pump();
  }

  /** What was dropped for it is told as well. Nothing is sent until all clients know. */
  #tell(event: SenderEvent, dropped: readonly Delivery[] = []): void {
    const pumping = this.#pumping;
    this.#pumping = true;
    try {
      for (const client of this.#clients) client.on(event);
      for (const delivery of dropped) delivery.dropped();
    } finally {
      this.#pumping = pumping;
    }
  }

  #learn(acknowledges: 'yes' | 'no'): void {
    this.isAcknowledging = acknowledges;
    this.host.learned(acknowledges);
  }
}
