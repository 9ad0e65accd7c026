/**
 * Packets of points from a device: known when they come twice, handed to the
 * outbox, and acknowledged once their points are safe there (docs/contract.md,
 * "Acknowledging").
 */
import type { Packet } from '../../packet/packet.js';
import type { Clock } from '../../point/clock.js';
import type { Point } from '../../point/point.js';
import type { Counters } from '../node/counters.js';
import type { TakenPoint } from './point-filter.js';

/** The way to SIOT. */
export interface Outlet {
  /** See `NodeHost.report`. */
  report(points: readonly Point[], safe: () => void): 'taken' | 'dropped' | 'full';
}

export interface AckSender {
  /** Acknowledges a packet of the device by its sequence, 0 … 255. */
  acknowledge(sequence: number): void;
}

/** A packet of points that was taken. */
interface TakenPacket {
  readonly length: number;
  /** Monotonic ms of its arrival, or of its last repetition. */
  ms: number;
  /** Of all packets, in their order. */
  readonly number: number;
  /** Its new points are safe. */
  ownSafe: boolean;
  /** All that it says is safe: it may be acknowledged (again). */
  safe: boolean;
}

/** A packet that says again what packets before it have said, which are not safe yet. */
interface Repetition {
  readonly packet: TakenPacket;
  readonly sequence: number;
  readonly restarts: number;
}

const SAME_PACKET_WITHIN_MS = 5_000;

const NO_PACKET: TakenPacket = { length: -1, ms: 0, number: 0, ownSafe: false, safe: false };

export class Uplink {
  /** The packet just before. */
  #last = NO_PACKET;
  readonly #lastBytes: Buffer;
  #lastBytesLength = -1;
  #lastSequence: number | undefined;
  #sequenceMoves = false;
  #packets = 0;
  /** Packets with new points that are on their way to safety, the oldest first. */
  readonly #unsafe = new Set<TakenPacket>();
  /**
   * The latest of each sequence: a device that hears nothing for hours repeats
   * without end, and an ack answers all repetitions of a packet.
   */
  readonly #repetitions = new Map<number, Repetition>();
  /** After a restart of the device its sequences mean other packets. */
  #restarts = 0;

  constructor(
    private readonly outlet: Outlet,
    private readonly acks: AckSender,
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
  repeats({ sequence, frame }: Packet): boolean {
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
    if (last.safe) this.acks.acknowledge(sequence);
    return true;
  }

  /** A hello has come: the next packet is a new one, whatever its bytes. */
  hello(sequence: number): void {
    this.#forget();
    this.#noteSequence(sequence);
  }

  restarted(): void {
    this.#restarts += 1;
    this.#repetitions.clear();
    this.#forget();
  }

  /**
   * Hands the points of a packet to the outbox, and acknowledges it when they
   * are safe. False: there is no room; the device holds them and tries again.
   */
  deliver({ sequence, frame }: Packet, taken: readonly TakenPoint[]): boolean {
    const packet = this.#remember(sequence, frame);
    const news: Point[] = [];
    for (const { point, again } of taken) if (!again) news.push(point);
    const safe = this.#whenSafe(packet, sequence, news.length < taken.length);
    const outcome = news.length === 0 ? 'nothing' : this.outlet.report(news, safe);
    if (outcome === 'full') {
      this.#forget();
      this.counters.discard('outboxFull', {}, news.length);
      return false;
    }
    if (outcome === 'dropped') this.counters.discard('nodeDeleted', {}, news.length);
    if (outcome !== 'taken') safe();
    // Only what really waits: a set through which every packet passes leaves garbage
    // that grows old, since each table of a set refers to the next.
    if (!packet.ownSafe) this.#unsafe.add(packet);
    this.counters.points += taken.length;
    for (const { record, point, spelling, timeKind } of taken) {
      record.merge(point, timeKind === 'real');
      record.spelling = spelling;
    }
    return true;
  }

  /** To be called when a packet's own points are safe. */
  #whenSafe(packet: TakenPacket, sequence: number, saysAgain: boolean): () => void {
    const repetition = { packet, sequence, restarts: this.#restarts };
    return () => {
      packet.ownSafe = true;
      this.#unsafe.delete(packet);
      // What came before and is sent again is safe only when its first packet is.
      if (saysAgain && this.#hasUnsafeBefore(packet)) this.#await(repetition);
      else this.#isSafe(repetition);
      if (this.#repetitions.size > 0) this.#lookAtRepetitions();
    };
  }

  #await(repetition: Repetition): void {
    const { packet, sequence, restarts } = repetition;
    if (restarts !== this.#restarts) return;
    const other = this.#repetitions.get(sequence);
    if (other === undefined || other.packet.number < packet.number) {
      this.#repetitions.set(sequence, repetition);
    }
  }

  #hasUnsafeBefore({ number }: TakenPacket): boolean {
    const [oldest] = this.#unsafe;
    return oldest !== undefined && oldest.number < number;
  }

  #lookAtRepetitions(): void {
    for (const repetition of this.#repetitions.values()) {
      if (this.#hasUnsafeBefore(repetition.packet)) continue;
      this.#repetitions.delete(repetition.sequence);
      this.#isSafe(repetition);
    }
  }

  #isSafe({ packet, sequence, restarts }: Repetition): void {
    packet.safe = true;
    if (restarts === this.#restarts) this.acks.acknowledge(sequence);
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
    this.#packets += 1;
    this.#last = { length: frame.length, ms, number: this.#packets, ownSafe: false, safe: false };
    return this.#last;
  }
}
