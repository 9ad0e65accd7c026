/**
 * Packets of points from a device: known when they come twice, handed to the
 * outbox, and acknowledged once their points are safe there (design.md,
 * "Acknowledging").
 */
import type { Clock } from '../point/clock.js';
import type { Point } from '../point/point.js';
import type { Counters } from './counters.js';
import type { TakenPoint } from './intake.js';

export interface UplinkHost {
  /** See `SessionHost.report`. */
  report(points: readonly Point[], safe: () => void): 'taken' | 'dropped' | 'full';
  acknowledge(sequence: number): void;
}

/** A packet of points that was taken. */
interface TakenPacket {
  readonly length: number;
  /** Monotonic ms of its arrival, or of its last repetition. */
  ms: number;
  /** Its points are safe: it may be acknowledged (again). */
  safe: boolean;
  /** What else waits for that. */
  whenSafe: (() => void)[] | undefined;
}

const SAME_PACKET_WITHIN_MS = 5_000;

const NO_PACKET: TakenPacket = { length: -1, ms: 0, safe: false, whenSafe: undefined };

export class Uplink {
  /** The packet just before. */
  #last = NO_PACKET;
  readonly #lastBytes: Buffer;
  #lastBytesLength = -1;
  #lastSequence: number | undefined;
  #sequenceMoves = false;
  /** Packets whose points are on their way to safety. */
  readonly #unsafe = new Set<TakenPacket>();
  /** After a restart of the device its sequences mean other packets. */
  #restarts = 0;

  constructor(
    private readonly host: UplinkHost,
    private readonly clock: Clock,
    private readonly counters: Counters,
    maxFrameLength: number,
    /** Of the device's last packet, in an earlier life of the gateway. */
    lastSequence: number | undefined,
  ) {
    this.#lastSequence = lastSequence;
    this.#lastBytes = Buffer.alloc(maxFrameLength);
  }

  /**
   * Whether a frame is that of the packet just before it, from a device whose
   * sequence otherwise moves: then it is acknowledged again, and that is all.
   */
  repeats(sequence: number, frame: Uint8Array): boolean {
    const last = this.#last;
    const now = this.clock.monotonicMs();
    const repeated =
      last.length === frame.length &&
      this.#sequenceMoves &&
      now - last.ms <= SAME_PACKET_WITHIN_MS &&
      this.#hasLastBytes(frame);
    if (!repeated) return false;
    this.counters.notice('duplicate');
    last.ms = now;
    if (last.safe) this.host.acknowledge(sequence);
    return true;
  }

  /** A hello has come: the next packet is a new one, whatever its bytes. */
  hello(sequence: number): void {
    this.#forget();
    this.#noteSequence(sequence);
  }

  restarted(): void {
    this.#restarts += 1;
    this.#forget();
  }

  /**
   * Hands the points of a packet to the outbox, and acknowledges it when they
   * are safe. False: there is no room; the device holds them and tries again.
   */
  deliver(sequence: number, frame: Uint8Array, taken: readonly TakenPoint[]): boolean {
    const packet = this.#remember(sequence, frame);
    const news: Point[] = [];
    for (const { point, again } of taken) if (!again) news.push(point);
    const safe = this.#whenAllSafe(packet, sequence, news.length < taken.length);
    const outcome = news.length === 0 ? 'nothing' : this.host.report(news, safe);
    if (outcome === 'full') {
      this.#forget();
      this.counters.discard('outboxFull', {}, news.length);
      return false;
    }
    if (outcome === 'dropped') this.counters.discard('nodeDeleted', {}, news.length);
    if (outcome !== 'taken') safe();
    // Only what really waits: a set through which every packet passes leaves garbage
    // that grows old, since each table of a set refers to the next.
    if (!packet.safe) this.#unsafe.add(packet);
    this.counters.points += taken.length;
    for (const { record, point, spelling, timeKind } of taken) {
      record.merge(point, timeKind === 'real');
      record.spelling = spelling;
    }
    return true;
  }

  /** To be called when a packet's own points are safe. */
  #whenAllSafe(packet: TakenPacket, sequence: number, hasOldPoints: boolean): () => void {
    const restarts = this.#restarts;
    // What came before and is sent again is safe only when its first packet is.
    const waitsFor = hasOldPoints ? [...this.#unsafe] : NONE;
    let own = false;
    const look = (): void => {
      if (!own || waitsFor.some((other) => !other.safe)) return;
      packet.safe = true;
      this.#unsafe.delete(packet);
      for (const then of packet.whenSafe ?? NONE) then();
      if (restarts === this.#restarts) this.host.acknowledge(sequence);
    };
    for (const other of waitsFor) (other.whenSafe ??= []).push(look);
    return () => {
      own = true;
      look();
    };
  }

  #forget(): void {
    this.#last = NO_PACKET;
  }

  #noteSequence(sequence: number): void {
    if (this.#lastSequence !== undefined) this.#sequenceMoves = sequence !== this.#lastSequence;
    this.#lastSequence = sequence;
  }

  #hasLastBytes(frame: Uint8Array): boolean {
    const length = this.#lastBytesLength;
    return (
      frame.length === length && Buffer.compare(this.#lastBytes.subarray(0, length), frame) === 0
    );
  }

  #remember(sequence: number, frame: Uint8Array): TakenPacket {
    // A packet sent again says nothing about whether its sequence moves otherwise.
    if (!this.#hasLastBytes(frame)) this.#noteSequence(sequence);
    this.#lastBytes.set(frame);
    this.#lastBytesLength = frame.length;
    const ms = this.clock.monotonicMs();
    this.#last = { length: frame.length, ms, safe: false, whenSafe: undefined };
    return this.#last;
  }
}

const NONE: readonly never[] = [];
