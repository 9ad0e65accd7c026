/**
 * Packets of points from a device. Their points go to the outbox; a packet is
 * acknowledged once its points are safe there. One that comes twice is acknowledged
 * again and not processed twice (docs/contract.md, "Acknowledging").
 */
import type { Packet } from '../../packet/packet.js';
import type { Clock } from '../../point/clock.js';
import type { Point } from '../../point/point.js';
import type { Counters } from '../node/counters.js';
import type { TakenPoint } from './point-filter.js';
import { RepetitionWatch, type RepetitionHost } from './repetition-watch.js';

/** The way to SIOT. */
interface Outlet {
  /** See `NodeHost.report`. */
  report(points: readonly Point[], safe: () => void): 'taken' | 'dropped' | 'full';
}

/** Sends acks to the device, and is told what is odd about its packets. */
interface AckSender extends RepetitionHost {
  /** Acknowledges a packet of the device by its sequence, 0 … 255. False: it could not be written now. */
  acknowledge(sequence: number): boolean;
}

/** A packet of points that was taken. */
interface TakenPacket {
  readonly length: number;
  /** Monotonic ms of its arrival, or of its last repetition. */
  ms: number;
  /** Of all packets, in their order. */
  readonly number: number;
  /** Those of its points that are new are safe. */
  ownSafe: boolean;
  /** All its points are safe: it may be acknowledged, also again. */
  safe: boolean;
  /** An ack for it was written. */
  acknowledged: boolean;
}

/** A packet with points that an earlier packet had as well, and that are not safe yet. */
interface Repetition {
  readonly packet: TakenPacket;
  readonly sequence: number;
  readonly restarts: number;
}

const SAME_PACKET_WITHIN_MS = 5_000;

const NO_PACKET: TakenPacket = {
  length: -1,
  ms: 0,
  number: 0,
  ownSafe: false,
  safe: false,
  acknowledged: false,
};

/** Delivers the points of one device, and acknowledges its packets. */
export class Uplink {
  /** The packet just before. */
  #last = NO_PACKET;
  readonly #lastBytes: Buffer;
  readonly #watch: RepetitionWatch;
  #lastBytesLength = -1;
  #lastSequence: number | undefined;
  #sequenceMoves = false;
  #packets = 0;
  /** Packets whose new points are not safe yet, the oldest first. */
  readonly #unsafe = new Set<TakenPacket>();
  /**
   * The latest of each sequence: a device that gets no ack for hours repeats its
   * packets without end, and one ack answers all repetitions of a packet.
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
    this.#watch = new RepetitionWatch(acks);
  }

  /**
   * Whether a packet has the bytes of the one just before it, from a device whose
   * sequence otherwise moves. Then it is acknowledged again, and that is all.
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
    if (last.acknowledged) this.#watch.repeated(sequence, now, true);
    if (last.safe && this.acks.acknowledge(sequence)) last.acknowledged = true;
    return true;
  }

  /** A hello has come: the next packet is a new one, whatever its bytes. */
  hello(sequence: number): void {
    this.#forget();
    this.#noteSequence(sequence);
  }

  /** The channel was opened anew. */
  opened(): void {
    this.#watch.reset();
  }

  /** The device has restarted. */
  restarted(): void {
    this.#watch.reset();
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
    // Only packets that really wait are put into the set. If every packet passed through
    // it, its replaced tables would keep each other alive as old garbage.
    if (!packet.ownSafe) this.#unsafe.add(packet);
    this.counters.points += taken.length;
    for (const { record, point, spelling, timeKind } of taken) {
      record.merge(point, timeKind === 'real');
      record.spelling = spelling;
    }
    return true;
  }

  /** What is called when a packet's own points are safe. */
  #whenSafe(packet: TakenPacket, sequence: number, hasOld: boolean): () => void {
    const repetition = { packet, sequence, restarts: this.#restarts };
    return () => {
      packet.ownSafe = true;
      this.#unsafe.delete(packet);
      // Points that an earlier packet had as well are safe only when that packet is.
      if (hasOld && this.#hasUnsafeBefore(packet)) this.#await(repetition);
      else this.#nowSafe(repetition);
      if (this.#repetitions.size > 0) this.#acknowledgeSafeRepetitions();
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

  #acknowledgeSafeRepetitions(): void {
    for (const repetition of this.#repetitions.values()) {
      if (this.#hasUnsafeBefore(repetition.packet)) continue;
      this.#repetitions.delete(repetition.sequence);
      this.#nowSafe(repetition);
    }
  }

  #nowSafe({ packet, sequence, restarts }: Repetition): void {
    packet.safe = true;
    if (restarts === this.#restarts) packet.acknowledged = this.acks.acknowledge(sequence);
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
    const ms = this.clock.monotonicMs();
    // A repeated packet does not tell whether the device's sequence moves.
    if (!this.#hasLastBytes(frame)) {
      this.#noteSequence(sequence);
      this.#watch.packet(sequence);
    } else if (this.#last.acknowledged) {
      this.#watch.repeated(sequence, ms, this.#sequenceMoves);
    }
    this.#lastBytes.set(frame);
    this.#lastBytesLength = frame.length;
    this.#packets += 1;
    this.#last = {
      length: frame.length,
      ms,
      number: this.#packets,
      ownSafe: false,
      safe: false,
      acknowledged: false,
    };
    return this.#last;
  }
}
