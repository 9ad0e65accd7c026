/**
 * Knowing our own transmissions when the line returns them (docs/contract.md, "Own
 * echo"): TX joined to RX, or an adapter for RS-485 that hears itself.
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
 * A points packet has our sequence and a time to the nanosecond: no device makes
 * the same one by chance. An ack has nothing but its sequence, and a device's
 * ack of n is ours of n byte for byte.
 */
import type { Clock, Timer } from '../../point/clock.js';

/** For people: what it is, and what to do. */
export const ECHO_ADVICE =
  'the line echoes: it returns what is sent on it, and these copies are left out. If nothing else ' +
  'is heard, TX is joined to RX, or no device answers behind an RS-485 adapter that hears itself: ' +
  'look at the wiring, and whether the device is on. Many adapters have a switch or a jumper that ' +
  'turns their receiver off while they send';

/** Something that is written to the line. Its bytes are never changed. */
export interface Transmission {
  readonly content: 'points' | 'ack';
  /** As it is between the delimiters, decoded. */
  readonly packet: Uint8Array;
  /** As it is written. */
  readonly frame: Uint8Array;
}

/**
 * Whose a packet is that has come:
 * - `theirs`: the device's
 * - `doubtful`: as good as the device's; but it is like an ack of ours, and the
 *   line may turn out to echo
 * - `recognised`: the first of ours that came back
 * - `own`: another of ours
 */
export type Whose = 'theirs' | 'doubtful' | 'recognised' | 'own';

/** An echo comes within so long after its last byte can have been sent. */
const WITHIN_MS = 1_000;
/** Long enough that the process has looked at what came before. */
const LOOK_MS = 1;
/** Acks of ours that can be on their way at once; twice what 115,200 baud carries in a second. */
const MOST_ACKS = 1_024;

interface SentPoints {
  readonly packet: Uint8Array;
  readonly sentMs: number;
  /** Comes back until then, or not at all (monotonic ms). */
  readonly untilMs: number;
  /** Acks sent so far. */
  readonly acksBefore: number;
}

export class OwnEcho {
  #recognised = false;
  /** Not come back yet, the oldest first: with one packet in flight hardly more than one. */
  readonly #points: SentPoints[] = [];
  readonly #acks = new SentAcks();
  /** When the last byte of what was written so far can be out. */
  #busyUntilMs = Number.NEGATIVE_INFINITY;
  #notEchoedMs = Number.NEGATIVE_INFINITY;
  /** Monotonic ms of the last broken frame. */
  #brokenMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    /** What a byte takes on the line at most, ms; 0: not known. */
    private readonly byteMs: number,
  ) {}

  /** The line echoes: a points packet of ours has come back since the opening. */
  get recognised(): boolean {
    return this.#recognised;
  }

  /** Monotonic ms of a points packet that did not come back: no ack of before was an echo. */
  get notEchoedMs(): number {
    return this.#notEchoedMs;
  }

  /** It may be another line. */
  opened(): void {
    this.#busyUntilMs = Number.NEGATIVE_INFINITY;
    this.#acks.clear();
    // The points packets of the last second are known on: what waited in a serial server
    // comes when the connection is there again.
    this.#expire(this.clock.monotonicMs());
    this.#watch();
  }

  /** Nothing comes back any more, and nobody is to look at the wiring of a port that is not open. */
  closed(): void {
    this.#recognised = false;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  sent({ content, packet, frame }: Transmission): void {
    const nowMs = this.clock.monotonicMs();
    this.#busyUntilMs = Math.max(nowMs, this.#busyUntilMs) + frame.length * this.byteMs;
    const untilMs = this.#busyUntilMs + WITHIN_MS;
    if (content === 'ack') this.#acks.push(packet, untilMs);
    else this.#points.push({ packet, sentMs: nowMs, untilMs, acksBefore: this.#acks.count });
    if (content === 'points' || this.#recognised) this.#watch();
  }

  /** A broken frame has come. */
  broken(): void {
    this.#brokenMs = this.clock.monotonicMs();
  }

  /** Judges a packet with a valid CRC. Hot: called for each one. */
  received(content: Transmission['content'], packet: Uint8Array): Whose {
    if (content === 'points') return this.#pointsCame(packet);
    if (this.#recognised) return this.#acks.take(packet) ? 'own' : 'theirs';
    this.#acks.expire(this.clock.monotonicMs());
    return this.#acks.has(packet) ? 'doubtful' : 'theirs';
  }

  #pointsCame(packet: Uint8Array): Whose {
    for (let i = 0; i < this.#points.length; i++) {
      const sent = this.#points[i];
      if (sent === undefined || !sameBytes(sent.packet, packet)) continue;
      this.#points.splice(i, 1);
      // A line keeps the order: acks sent before it that have not come back never will.
      this.#acks.retire(sent.acksBefore);
      if (this.#recognised) return 'own';
      this.#recognised = true;
      this.#acks.expire(this.clock.monotonicMs());
      // For acks from now on, too.
      this.#timer?.cancel();
      this.#timer = undefined;
      this.#watch();
      return 'recognised';
    }
    return 'theirs';
  }

  /**
   * What does not come back in time is forgotten. What has come while this
   * process had no time for it is read first: so not when its time is over, but
   * when the process has looked at what there is since then.
   */
  #watch(): void {
    if (this.#timer !== undefined) return;
    const acksMs = this.#recognised ? this.#acks.nextMs : Number.POSITIVE_INFINITY;
    const nextMs = Math.min(this.#points[0]?.untilMs ?? Number.POSITIVE_INFINITY, acksMs);
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
    for (let oldest = this.#points[0]; oldest !== undefined; oldest = this.#points[0]) {
      if (nowMs < oldest.untilMs) return;
      this.#points.shift();
      // It may have come back broken.
      if (this.#brokenMs < oldest.sentMs) this.#notEchoedMs = oldest.sentMs;
    }
  }
}

/** The last acks sent, a ring: an entry costs no more than two stores. */
class SentAcks {
  readonly #packets: Uint8Array[] = [];
  readonly #untilMs = new Float64Array(MOST_ACKS);
  /** Sent so far, and of them: come back, or given up. */
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

  /** Monotonic ms until which the oldest of them may come back; infinite: there is none. */
  get nextMs(): number {
    const isEmpty = this.#done >= this.#count;
    return isEmpty ? Number.POSITIVE_INFINITY : (this.#untilMs[this.#oldest % MOST_ACKS] ?? 0);
  }

  has(packet: Uint8Array): boolean {
    return this.#find(packet) !== undefined;
  }

  /** The first of them that is equal has come back, and those before it never will. */
  take(packet: Uint8Array): boolean {
    const found = this.#find(packet);
    if (found !== undefined) this.#done = found + 1;
    return found !== undefined;
  }

  /** Of those sent so far, no more than `count`. */
  retire(count: number): void {
    this.#done = Math.max(this.#done, count);
  }

  /** Those whose time was over then. */
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
