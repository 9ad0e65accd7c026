/**
 * Recognises our own transmissions when the line returns them (docs/contract.md, "Own
 * echo"): TX is joined to RX, or an RS-485 adapter hears itself.
 *
 * ```
 *               a points packet of ours comes back
 *  unknown ─────────────────────────────────────────► echoes
 *   nothing is cancelled;                              each transmission cancels
 *   an ack like ours is doubtful                       at most one equal packet
 *      ▲                                                   │
 *      └────────────── closed, and opened again ◄──────────┘
 * ```
 *
 * A points packet has our sequence and a time in nanoseconds: no device sends the same
 * one by chance. An ack has only its sequence: a device's ack of n equals ours of n byte
 * for byte.
 */
import type { Clock, Timer } from '../../point/clock.js';

/** For people: what an echo is, and what to do. */
export const ECHO_ADVICE =
  'the line echoes: it returns what is sent on it, and these copies are left out. If nothing else ' +
  'is heard, TX is joined to RX, or no device answers behind an RS-485 adapter that hears itself: ' +
  'look at the wiring, and whether the device is on. Many adapters have a switch or a jumper that ' +
  'turns their receiver off while they send';

/** A packet that is written to the line. Its bytes are never changed. */
export interface Transmission {
  readonly content: 'points' | 'ack' | 'file';
  /** Without its framing. */
  readonly packet: Uint8Array;
  /** As it is written. */
  readonly frame: Uint8Array;
}

/**
 * Who has sent a packet that has come:
 * - `theirs`: the device
 * - `doubtful`: the device, as far as is known. But the packet equals an ack of ours,
 *   and the line may turn out to echo
 * - `recognised`: we have. It is the first of ours that came back
 * - `own`: we have
 */
export type Whose = 'theirs' | 'doubtful' | 'recognised' | 'own';

/** An echo comes within this time after its last byte was sent, ms. */
const WITHIN_MS = 1_000;
/** After this time the process has read what had arrived before, ms. */
const LOOK_MS = 1;
/** Most acks of ours that are on their way at once: twice what 115,200 baud carries in a second. */
const MOST_ACKS = 1_024;

interface SentPoints {
  readonly packet: Uint8Array;
  readonly sentMs: number;
  /** It comes back until then, or not at all (monotonic ms). */
  readonly untilMs: number;
  /** Acks sent so far. */
  readonly acksBefore: number;
}

/** What was sent on one line, and has not come back. */
export class OwnEcho {
  #recognised = false;
  readonly #points = new AwaitedPoints();
  readonly #acks = new SentAcks();
  /** When the last byte written so far is sent at the latest (monotonic ms). */
  #busyUntilMs = Number.NEGATIVE_INFINITY;
  #notEchoedMs = Number.NEGATIVE_INFINITY;
  /** Monotonic ms of the last broken frame. */
  #brokenMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    /** The longest time that a byte takes on the line, ms; 0: not known. */
    private readonly byteMs: number,
  ) {}

  /** The line echoes: a points packet of ours has come back since the opening. */
  get recognised(): boolean {
    return this.#recognised;
  }

  /** When the last points packet was sent that did not come back, monotonic ms: no ack before that was an echo. */
  get notEchoedMs(): number {
    return this.#notEchoedMs;
  }

  /** The channel is open again. It may be another line. */
  opened(): void {
    this.#busyUntilMs = Number.NEGATIVE_INFINITY;
    this.#acks.clear();
    // Points packets of the last second are still awaited: a serial server may hold them
    // until the connection is there again.
    this.#expire(this.clock.monotonicMs());
    this.#watch();
  }

  /** The channel is gone: nothing comes back, and there is no echo to advise about. */
  closed(): void {
    this.#recognised = false;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** A packet is written to the line. */
  sent({ content, packet, frame }: Transmission): void {
    const nowMs = this.clock.monotonicMs();
    this.#busyUntilMs = Math.max(nowMs, this.#busyUntilMs) + frame.length * this.byteMs;
    const untilMs = this.#busyUntilMs + WITHIN_MS;
    if (content === 'ack') this.#acks.push(packet, untilMs);
    else this.#points.add({ packet, sentMs: nowMs, untilMs, acksBefore: this.#acks.count });
    if (content !== 'ack' || this.#recognised) this.#watch();
  }

  /** A broken frame has come. */
  broken(): void {
    this.#brokenMs = this.clock.monotonicMs();
  }

  /** Who has sent a packet with a valid CRC. Hot: called for each packet. */
  received(content: 'points' | 'ack', packet: Uint8Array): Whose {
    if (content === 'points') return this.#pointsCame(packet);
    if (this.#recognised) return this.#acks.take(packet) ? 'own' : 'theirs';
    this.#acks.expire(this.clock.monotonicMs());
    return this.#acks.has(packet) ? 'doubtful' : 'theirs';
  }

  #pointsCame(packet: Uint8Array): Whose {
    const sent = this.#points.take(packet);
    if (sent === undefined) return 'theirs';
    // A line keeps the order: acks sent before this packet have come back, or never will.
    this.#acks.retire(sent.acksBefore);
    if (this.#recognised) return 'own';
    this.#recognised = true;
    this.#acks.expire(this.clock.monotonicMs());
    // From now on for acks as well.
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#watch();
    return 'recognised';
  }

  /**
   * Forgets packets that do not come back in time. Bytes may have arrived while this
   * process was busy. So a packet is not forgotten when its time is over, but after
   * the process has read what had arrived by then.
   */
  #watch(): void {
    if (this.#timer !== undefined) return;
    const acksMs = this.#recognised ? this.#acks.nextMs : Number.POSITIVE_INFINITY;
    const nextMs = Math.min(this.#points.oldest?.untilMs ?? Number.POSITIVE_INFINITY, acksMs);
    if (nextMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.clock.setTimer(Math.max(0, nextMs - this.clock.monotonicMs()), () => {
      const overMs = this.clock.monotonicMs();
      this.#timer = this.clock.setTimer(LOOK_MS, () => {
        this.#timer = undefined;
        this.#expire(overMs);
        this.#watch();
      });
    });
  }

  #expire(nowMs: number): void {
    if (this.#recognised) this.#acks.expire(nowMs);
    for (let { oldest } = this.#points; oldest !== undefined; oldest = this.#points.oldest) {
      if (nowMs < oldest.untilMs) return;
      this.#points.delete(oldest);
      // It may have come back broken.
      if (this.#brokenMs < oldest.sentMs) this.#notEchoedMs = oldest.sentMs;
    }
  }
}

/** Points packets that have not come back yet. To a quick device it is thousands: each waits for a second. */
class AwaitedPoints {
  /** Those that have come back are left out later. */
  readonly #inOrder: SentPoints[] = [];
  /** By their sequence: a packet that has come is compared with few. */
  readonly #bySequence = new Map<number | undefined, Set<SentPoints>>();

  /** The one that was sent first. */
  get oldest(): SentPoints | undefined {
    for (;;) {
      const oldest = this.#inOrder[0];
      if (oldest === undefined || this.#of(oldest.packet).has(oldest)) return oldest;
      this.#inOrder.shift();
    }
  }

  add(sent: SentPoints): void {
    this.#of(sent.packet).add(sent);
    this.#inOrder.push(sent);
  }

  delete(sent: SentPoints): void {
    this.#of(sent.packet).delete(sent);
  }

  /** A packet has come. If it equals one of these, the first such one has come back. */
  take(packet: Uint8Array): SentPoints | undefined {
    const alike = this.#of(packet);
    for (const sent of alike) {
      if (!sameBytes(sent.packet, packet)) continue;
      alike.delete(sent);
      return sent;
    }
    return undefined;
  }

  #of(packet: Uint8Array): Set<SentPoints> {
    const sequence = packet[0];
    let alike = this.#bySequence.get(sequence);
    if (alike === undefined) {
      alike = new Set();
      this.#bySequence.set(sequence, alike);
    }
    return alike;
  }
}

/** The last acks sent, as a ring: an entry costs two stores. */
class SentAcks {
  readonly #packets: Uint8Array[] = [];
  readonly #untilMs = new Float64Array(MOST_ACKS);
  /** How many were sent so far, and how many of them have come back or are given up. */
  #count = 0;
  #done = 0;

  get count(): number {
    return this.#count;
  }

  push(packet: Uint8Array, untilMs: number): void {
    const slot = this.#count % MOST_ACKS;
    this.#packets[slot] = packet;
    this.#untilMs[slot] = untilMs;
    this.#count += 1;
  }

  /** Until when the oldest of them may come back, monotonic ms; infinite: there is none. */
  get nextMs(): number {
    const isEmpty = this.#done >= this.#count;
    return isEmpty ? Number.POSITIVE_INFINITY : (this.#untilMs[this.#oldest % MOST_ACKS] ?? 0);
  }

  has(packet: Uint8Array): boolean {
    return this.#find(packet) !== undefined;
  }

  /** An ack has come. True: it equals one of these, which has come back; those sent before it never will. */
  take(packet: Uint8Array): boolean {
    const found = this.#find(packet);
    if (found !== undefined) this.#done = found + 1;
    return found !== undefined;
  }

  /** The first `count` acks that were sent do not come back any more. */
  retire(count: number): void {
    this.#done = Math.max(this.#done, count);
  }

  /** Gives up those whose time was over then. */
  expire(nowMs: number): void {
    let done = this.#oldest;
    while (done < this.#count && nowMs >= (this.#untilMs[done % MOST_ACKS] ?? 0)) done++;
    this.#done = done;
  }

  clear(): void {
    this.#done = this.#count;
  }

  /** Number of the first that has not come back and is not given up. */
  get #oldest(): number {
    return Math.max(this.#done, this.#count - MOST_ACKS);
  }

  #find(packet: Uint8Array): number | undefined {
    for (let i = this.#oldest; i < this.#count; i++) {
      const sent = this.#packets[i % MOST_ACKS];
      if (sent !== undefined && sameBytes(sent, packet)) return i;
    }
    return undefined;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a[0] === b[0] && Buffer.compare(a, b) === 0;
}
