import type { SimClock, SimTimer } from './clock.js';

/**
 * How a packet ended.
 * - `acknowledged`: an ack with its sequence was received
 * - `unacknowledged`: there was none after all retries
 * - `aborted`: the device restarted, or was closed
 * - `sent`: no ack was asked for
 */
export type SendOutcome = 'acknowledged' | 'unacknowledged' | 'aborted' | 'sent';

/** The end of a packet. */
export interface SendResult {
  readonly outcome: SendOutcome;
  /** 1 … 255; 0: it was never transmitted. */
  readonly sequence: number;
  /** Number of them; 0: it was never transmitted. */
  readonly transmissions: number;
  /** From the first transmission to the end, in ms. */
  readonly tookMs: number;
}

/** The content of a packet. It is read when the packet is first transmitted, not when it is queued. */
export interface PacketContent {
  /** The payload. */
  build(): Uint8Array;
  /**
   * Whether the payload that was built still holds. If not, the next retransmission
   * is a new packet: an old value must not follow the ack of a newer setting.
   */
  isCurrent(): boolean;
}

/** Options of a {@link Sender}. */
export interface SenderOptions {
  readonly clock: SimClock;
  /** Time without an ack after which a packet is sent again, ms. */
  readonly ackTimeoutMs: number;
  /** Transmissions after the first. */
  readonly retries: number;
  /** Packets without ack at a time; 1: stop-and-wait. */
  readonly window: number;
  /** The sequence is always 1: a mistake; with a window of 1. */
  readonly standing?: boolean;
  transmit(sequence: number, subject: string, payload: Uint8Array, attempt: number): void;
}

interface Outgoing {
  readonly subject: string;
  readonly content: PacketContent;
  payload: Uint8Array;
  readonly done: (result: SendResult) => void;
  sequence: number;
  transmissions: number;
  firstAtMs: number;
  timer: SimTimer | undefined;
}

const NOT_BUILT = new Uint8Array(0);

/** Sends packets with retries (docs/siot.md, 7, MCU side 1 to 3), one at a time or in a window. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #waiting: Outgoing[] = [];
  readonly #inFlight = new Map<number, Outgoing>();
  #sequence = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Number of packets that wait or have no ack yet. */
  get length(): number {
    return this.#waiting.length + this.#inFlight.size;
  }

  /** The next of 1 … 255 that no packet without ack has. */
  nextSequence(): number {
    if (this.#options.standing === true) return 1;
    do this.#sequence = (this.#sequence % 255) + 1;
    while (this.#inFlight.has(this.#sequence));
    return this.#sequence;
  }

  /** Queues a packet. Never rejects. */
  send(subject: string, content: PacketContent): Promise<SendResult> {
    return new Promise((done) => {
      this.#waiting.push({
        subject,
        content,
        payload: NOT_BUILT,
        done,
        sequence: 0,
        transmissions: 0,
        firstAtMs: 0,
        timer: undefined,
      });
      this.#fill();
    });
  }

  /** Sends a packet at once, without waiting for an ack. */
  sendOnce(subject: string, payload: Uint8Array): SendResult {
    const sequence = this.nextSequence();
    this.#options.transmit(sequence, subject, payload, 1);
    return { outcome: 'sent', sequence, transmissions: 1, tookMs: 0 };
  }

  /** An ack was received. False: no packet with this sequence waits for one. */
  acknowledge(sequence: number): boolean {
    const packet = this.#inFlight.get(sequence);
    if (packet === undefined) return false;
    this.#end(packet, 'acknowledged');
    return true;
  }

  /** Ends all packets as `aborted`; the sequence starts at 1 again. */
  reset(): void {
    const all = [...this.#inFlight.values(), ...this.#waiting.splice(0)];
    this.#sequence = 0;
    for (const packet of all) this.#end(packet, 'aborted', false);
  }

  #fill(): void {
    while (this.#inFlight.size < Math.min(this.#options.window, 254)) {
      const packet = this.#waiting.shift();
      if (packet === undefined) return;
      packet.firstAtMs = this.#options.clock.monotonicMs();
      this.#build(packet);
      this.#transmit(packet);
    }
  }

  #build(packet: Outgoing): void {
    this.#inFlight.delete(packet.sequence);
    packet.sequence = this.nextSequence();
    packet.payload = packet.content.build();
    this.#inFlight.set(packet.sequence, packet);
  }

  #transmit(packet: Outgoing): void {
    packet.transmissions += 1;
    // First the timer: the ack may come before transmit() returns.
    packet.timer = this.#options.clock.setTimer(this.#options.ackTimeoutMs, () => {
      if (packet.transmissions > this.#options.retries) {
        this.#end(packet, 'unacknowledged');
        return;
      }
      if (!packet.content.isCurrent()) this.#build(packet);
      this.#transmit(packet);
    });
    this.#options.transmit(packet.sequence, packet.subject, packet.payload, packet.transmissions);
  }

  #end(packet: Outgoing, outcome: SendOutcome, fill = true): void {
    packet.timer?.cancel();
    if (this.#inFlight.get(packet.sequence) === packet) this.#inFlight.delete(packet.sequence);
    const tookMs =
      packet.transmissions === 0 ? 0 : this.#options.clock.monotonicMs() - packet.firstAtMs;
    const { sequence, transmissions } = packet;
    packet.done({ outcome, sequence, transmissions, tookMs });
    if (fill) this.#fill();
  }
}
