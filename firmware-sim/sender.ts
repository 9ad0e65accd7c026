import type { SimClock, SimTimer } from './clock.js';

/**
 * How a packet ended.
 * - `acknowledged`: an ack with its sequence came
 * - `unacknowledged`: all retries used
 * - `aborted`: the device restarted, or was closed
 * - `sent`: no ack was asked for
 */
export type SendOutcome = 'acknowledged' | 'unacknowledged' | 'aborted' | 'sent';

export interface SendResult {
  readonly outcome: SendOutcome;
  /** 1 … 255; 0 if it was never transmitted. */
  readonly sequence: number;
  readonly transmissions: number;
  /** From the first transmission to the end, in ms. */
  readonly tookMs: number;
}

/** What a packet says: read when it is built, not when it begins to wait for its turn. */
export interface PacketContent {
  build(): Uint8Array;
  /**
   * Whether what was built is still so. If not, the next retransmission is a new
   * packet: an old value must not go out behind a setting that was acknowledged.
   */
  isCurrent(): boolean;
}

export interface SenderOptions {
  readonly clock: SimClock;
  /** ms without an ack before a packet is sent again. */
  readonly ackTimeoutMs: number;
  /** Transmissions after the first. */
  readonly retries: number;
  /** Packets on their way at once; 1 is stop-and-wait. */
  readonly window: number;
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

/** Stop-and-wait with retries (docs/siot.md, 7, MCU side 1 to 3), or with a wider window. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #waiting: Outgoing[] = [];
  readonly #inFlight = new Map<number, Outgoing>();
  #sequence = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Packets not acknowledged or given up yet. */
  get length(): number {
    return this.#waiting.length + this.#inFlight.size;
  }

  /** 1 … 255, in turn, leaving out those on their way. */
  nextSequence(): number {
    do this.#sequence = (this.#sequence % 255) + 1;
    while (this.#inFlight.has(this.#sequence));
    return this.#sequence;
  }

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

  sendOnce(subject: string, payload: Uint8Array): SendResult {
    const sequence = this.nextSequence();
    this.#options.transmit(sequence, subject, payload, 1);
    return { outcome: 'sent', sequence, transmissions: 1, tookMs: 0 };
  }

  /** False: nothing with this sequence was waiting for it. */
  acknowledge(sequence: number): boolean {
    const packet = this.#inFlight.get(sequence);
    if (packet === undefined) return false;
    this.#end(packet, 'acknowledged');
    return true;
  }

  /** Forgets everything, and starts to count at 1 again. */
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
    // The timer first: the answer may come before transmit() returns.
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
