import {
  applyAndAcknowledge,
  takeAcks,
  type BehavingMcu,
  type Behaviour,
  type OutgoingPacket,
} from './behaviours.js';
import type { SimClock, SimTimer } from './clock.js';
import { encodeFrame } from './cobs.js';
import { carriesPoints, POINT_CODECS, type PointCodec, type Protocol } from './codec.js';
import { wireEncoder, type WireMistake } from './mistakes.js';
import { encodePacket, type McuPacket } from './packet.js';
import type { BytePipe } from './pipe.js';
import { mcuPoint, sameKey, type McuPoint, type PointLike } from './points.js';
import { PacketReceiver, type ReceiveProblem } from './receiver.js';
import { Sender, type PacketContent, type SendResult } from './sender.js';
import { TimerSet } from './timer-set.js';
import {
  NotReceivedError,
  Transcript,
  type ReceivedPacket,
  type WaitOptions,
} from './transcript.js';

/**
 * The time that the device writes into its points.
 * - `synced`: 0 until a `timeSync` was received, then the time of day
 * - `sinceStart`: since its start, as a board without a clock
 * - `zero`: 0
 */
export type McuTimes = 'synced' | 'sinceStart' | 'zero';

/** Options of a device; defaults after the semicolon. */
export interface McuOptions {
  readonly protocol: Protocol;
  readonly clock: SimClock;
  /** Time without an ack after which a packet is sent again, ms; 1,000. */
  readonly ackTimeoutMs?: number;
  /** Transmissions after the first; 3. */
  readonly retries?: number;
  /** Packets without ack at a time; 1. */
  readonly window?: number;
  /** Times of its points; `synced`. */
  readonly times?: McuTimes;
  /** Longest frame that it can receive, bytes; 1,024. */
  readonly maxFrameLength?: number;
  /** Subject of its packets with points; blank. Both mean the same (docs/siot.md, 2.2). */
  readonly pointSubject?: '' | 'proto';
  /** Length of a restart, in which it neither sends nor receives, ms; 100. */
  readonly bootMs?: number;
  /** Whether it sends a hello (an empty packet) after each start; true. */
  readonly hello?: boolean;
  /** Timeout of the `waitFor…` methods, ms; 5,000. */
  readonly waitMs?: number;
  /** What is wrong with all that it writes; nothing. */
  readonly mistake?: WireMistake | undefined;
  /** Number of packets kept in `received`; all. */
  readonly transcriptLimit?: number;
}

/** Told what happens. All methods are optional. */
export interface McuObserver {
  /** The device has started, or restarted. */
  started?(): void;
  /** It stops: what is sent until `started` is lost. */
  stopping?(): void;
  /** Points were applied, in the order of the packet; not called for retransmissions. */
  points?(points: readonly McuPoint[], packet: ReceivedPacket): void;
  /** The clock has been set. */
  clockSet?(timeNs: bigint): void;
  /** A packet was transmitted, or transmitted again. */
  sent?(packet: OutgoingPacket): void;
  /** A frame was thrown away. */
  problem?(problem: ReceiveProblem | 'undecodable'): void;
  /** A packet with a good CRC was received; called before the behaviours. */
  received?(packet: ReceivedPacket): void;
  /** A packet that needs an ack has ended, with or without one. */
  ended?(result: SendResult): void;
}

const NS_PER_MS = 1_000_000n;

/**
 * A microcontroller at the other end of a line, with the device's half of the
 * protocol (docs/siot.md, 7). A stack of {@link Behaviour}s decides what it does with
 * packets, so that a test can push the fault that it is about.
 */
export class SimulatedMcu implements BehavingMcu {
  readonly protocol: Protocol;
  readonly #pipe: BytePipe;
  readonly #clock: SimClock;
  readonly #codec: PointCodec;
  readonly #receiver: PacketReceiver;
  readonly #sender: Sender;
  readonly #transcript: Transcript;
  readonly #observers = new Set<McuObserver>();
  readonly #behaviours: Behaviour[] = [applyAndAcknowledge, takeAcks];
  readonly #timers: TimerSet;
  readonly #pointSubject: string;
  readonly #wire: (packet: McuPacket) => Uint8Array;
  readonly #bootMs: number;
  readonly #hello: boolean;
  #times: McuTimes;
  #startedMs: number;
  /** Time of day minus the monotonic clock, ns; `undefined`: the clock is not set. */
  #synced: bigint | undefined;
  #lastPointPacket: Uint8Array | undefined;
  #state: 'running' | 'booting' | 'closed' = 'running';
  /** Frames thrown away, by cause. */
  readonly problems: Record<ReceiveProblem | 'undecodable', number> = {
    oversize: 0,
    malformed: 0,
    short: 0,
    crc: 0,
    undecodable: 0,
  };

  constructor(pipe: BytePipe, options: McuOptions) {
    this.protocol = options.protocol;
    this.#pipe = pipe;
    this.#clock = options.clock;
    this.#timers = new TimerSet(options.clock);
    this.#codec = POINT_CODECS[options.protocol];
    this.#pointSubject = options.pointSubject ?? '';
    this.#wire = wireEncoder(options.mistake, options.protocol);
    this.#bootMs = options.bootMs ?? 100;
    this.#hello = options.hello ?? true;
    this.#times = options.times ?? 'synced';
    this.#startedMs = options.clock.monotonicMs();
    this.#transcript = new Transcript(
      options.clock,
      options.transcriptLimit ?? Number.POSITIVE_INFINITY,
      options.waitMs ?? 5000,
    );
    this.#sender = new Sender({
      clock: options.clock,
      ackTimeoutMs: options.ackTimeoutMs ?? 1000,
      retries: options.retries ?? 3,
      window: options.window ?? 1,
      standing: options.mistake === 'standing-sequence',
      transmit: (sequence, subject, payload, attempt) => {
        this.#transmit({ sequence, subject, payload, attempt });
      },
    });
    this.#receiver = new PacketReceiver(
      {
        packet: (packet, bytes, repaired) => {
          this.#received(packet, bytes, repaired);
        },
        problem: (problem) => {
          this.#problem(problem);
        },
      },
      options.maxFrameLength ?? 1024,
    );
    pipe.onData = (bytes) => {
      if (this.#state === 'running') this.#receiver.push(bytes);
    };
  }

  // What a test looks at ---------------------------------------------------

  /** Received packets with a good CRC, oldest first. */
  get received(): readonly ReceivedPacket[] {
    return this.#transcript.packets;
  }

  /** Received points, oldest first, without retransmissions. */
  get receivedPoints(): readonly McuPoint[] {
    return this.received.flatMap((packet) => (packet.retransmission ? [] : packet.points));
  }

  /** Number of packets that wait or have no ack yet. */
  get unacknowledged(): number {
    return this.#sender.length;
  }

  /** Time since its start, ms. */
  get uptimeMs(): number {
    return this.#clock.monotonicMs() - this.#startedMs;
  }

  /** The time of day, ns since 1970; 0: the clock is not set. {@link McuTimes} does not matter here. */
  get clockNs(): bigint {
    return this.#synced === undefined ? 0n : this.#synced + this.#clockMsAsNs();
  }

  /** The first packet that matches, also one that was received before. Rejects with {@link NotReceivedError}. */
  waitForPacket(
    matches: (packet: ReceivedPacket) => boolean,
    options?: WaitOptions & { readonly what?: string },
  ): Promise<ReceivedPacket> {
    return this.#transcript.wait(
      options?.what ?? 'The packet',
      (packet) => (matches(packet) ? packet : undefined),
      options,
    );
  }

  /** The first point of this type that matches, also one that was received before. Rejects with {@link NotReceivedError}. */
  waitForSetting(
    type: string,
    matches: (point: McuPoint) => boolean = () => true,
    options: WaitOptions = {},
  ): Promise<McuPoint> {
    return this.#transcript.wait(
      `Setting "${type}"`,
      (packet) => packet.points.find((point) => isOf(point, type, options.key) && matches(point)),
      options,
    );
  }

  /** As {@link waitForSetting}, for a `timeSync`. */
  waitForTimeSync(options?: WaitOptions): Promise<McuPoint> {
    return this.waitForSetting('timeSync', undefined, options);
  }

  /** The first received point of this type that matches. Throws {@link NotReceivedError}: there is none. */
  assertReceived(type: string, matches: (point: McuPoint) => boolean = () => true): McuPoint {
    const found = this.receivedPoints.find((point) => point.type === type && matches(point));
    if (found === undefined) {
      throw new NotReceivedError(`"${type}" was not received.\n${this.#transcript.describe()}`);
    }
    return found;
  }

  /** Throws {@link NotReceivedError} if a point of this type that matches was received. */
  assertNotReceived(type: string, matches: (point: McuPoint) => boolean = () => true): void {
    if (this.receivedPoints.some((point) => point.type === type && matches(point))) {
      throw new NotReceivedError(
        `"${type}" was received, and should not have been.\n${this.#transcript.describe()}`,
      );
    }
  }

  /** Forgets the received packets. Retransmissions of the last one are still recognised. */
  clearReceived(): void {
    this.#transcript.packets.length = 0;
  }

  // How it behaves ---------------------------------------------------------

  /** Puts a behaviour on top of the stack. Returns what removes it. */
  push(behaviour: Behaviour): () => void {
    this.#behaviours.unshift(behaviour);
    return () => {
      const at = this.#behaviours.indexOf(behaviour);
      if (at >= 0) this.#behaviours.splice(at, 1);
    };
  }

  /** Adds an observer. Returns what removes it. */
  observe(observer: McuObserver): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  /** Which times its points have from now on. */
  set times(times: McuTimes) {
    this.#times = times;
  }

  /** The time of a point that is made now, ns. */
  now(): bigint {
    switch (this.#times) {
      case 'zero':
        return 0n;
      case 'sinceStart':
        return BigInt(Math.round(this.uptimeMs * 1e6));
      case 'synced':
        return this.clockNs;
    }
  }

  /** Calls `fn` in `ms`, unless the device restarts or is closed before. */
  later(ms: number, fn: () => void): SimTimer {
    if (this.#state === 'closed') return { cancel: () => undefined };
    return this.#timers.start(ms, fn);
  }

  // What it sends ----------------------------------------------------------

  /** Power on: sends a hello, unless `hello` is false, and calls `started`. */
  start(): void {
    if (this.#hello) this.sendHello();
    this.#tell((observer) => observer.started?.());
  }

  /**
   * Sends a packet with these points; those without a time get {@link now}. Resolves
   * when it is acknowledged or given up, or when the device restarts.
   * `waitAck: false`: sent once, without waiting for an ack.
   */
  async sendPoints(
    points: readonly PointLike[],
    options: { readonly waitAck?: boolean } = {},
  ): Promise<SendResult> {
    return this.sendPayload(this.#pointSubject, this.#encode(points), options);
  }

  /**
   * As {@link sendPoints}, with the points that `read` returns when the packet is
   * first transmitted. While `isCurrent` returns true, a retransmission has the same
   * bytes; else it is a new packet, with the points that `read` returns then.
   */
  async reportPoints(
    read: () => readonly PointLike[],
    isCurrent: () => boolean = () => true,
  ): Promise<SendResult> {
    return this.#send(this.#pointSubject, { build: () => this.#encode(read()), isCurrent });
  }

  /** As {@link sendPoints}, with any subject and payload. */
  async sendPayload(
    subject: string,
    payload: Uint8Array,
    options: { readonly waitAck?: boolean } = {},
  ): Promise<SendResult> {
    if (options.waitAck === false && this.#state === 'running') {
      return this.#sender.sendOnce(subject, payload);
    }
    return this.#send(subject, { build: () => payload, isCurrent: () => true });
  }

  /** Sends an empty list of points, which says that it has started; without ack (docs/siot.md, 2.7). */
  sendHello(): void {
    this.#sendOnce(this.#pointSubject, this.#codec.encode([]));
  }

  /** Sends a text without CRC (docs/siot.md, 2.2), or bytes that are not UTF-8. */
  sendLog(text: string | Uint8Array): void {
    this.#sendOnce('log', typeof text === 'string' ? Buffer.from(text) : text);
  }

  /** Sends an ack with the empty list of the codec. */
  sendAck(sequence: number): void {
    this.#transmit({
      sequence,
      subject: 'ack',
      payload: this.#codec.encode([]),
      attempt: 1,
    });
  }

  /** Sends a packet with this sequence, once. */
  sendPacket(packet: McuPacket): void {
    this.sendRaw(encodeFrame(encodePacket(packet)));
  }

  /** Writes bytes to the line as they are. */
  sendRaw(bytes: Uint8Array): void {
    if (this.#state === 'running') this.#pipe.write(bytes);
  }

  // What behaviours call ---------------------------------------------------

  /** See {@link BehavingMcu.apply}; retransmissions are ignored. */
  apply(packet: ReceivedPacket): void {
    if (packet.retransmission) return;
    for (const point of packet.points) {
      if (point.type === 'timeSync') this.#setClock(point.time);
    }
    const others = packet.points.filter((point) => point.type !== 'timeSync');
    if (others.length > 0) this.#tell((observer) => observer.points?.(others, packet));
  }

  /** See {@link BehavingMcu.acknowledged}. */
  acknowledged(sequence: number): boolean {
    return this.#sender.acknowledge(sequence);
  }

  // Its life ---------------------------------------------------------------

  /** Power off and on: unacknowledged packets, the clock and the sequence are lost. */
  reboot(): void {
    if (this.#state !== 'running') return;
    this.#halt('booting');
    this.#timers.start(this.#bootMs, () => {
      this.#state = 'running';
      this.#startedMs = this.#clock.monotonicMs();
      this.start();
    });
  }

  /** Closes the pipe; the `waitFor…` methods reject. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#halt('closed');
    this.#transcript.close();
    await this.#pipe.close();
  }

  #halt(state: 'booting' | 'closed'): void {
    this.#state = state;
    this.#tell((observer) => observer.stopping?.());
    this.#timers.cancelAll();
    this.#sender.reset();
    this.#receiver.reset();
    this.#synced = undefined;
    this.#lastPointPacket = undefined;
  }

  #received(packet: McuPacket, bytes: Uint8Array, repaired: boolean): void {
    // A packet before it in the same chunk may have restarted the device.
    if (this.#state !== 'running') return;
    const points = carriesPoints(packet.subject) ? this.#codec.decode(packet.payload) : [];
    if (points === undefined) this.#problem('undecodable');
    const hasPoints = points !== undefined && points.length > 0;
    const retransmission = hasPoints && sameBytes(bytes, this.#lastPointPacket);
    if (hasPoints) this.#lastPointPacket = bytes;
    const received: ReceivedPacket = {
      atMs: this.#clock.monotonicMs(),
      ...packet,
      points: points ?? [],
      bytes,
      retransmission,
      repaired,
    };
    this.#transcript.add(received);
    this.#tell((observer) => observer.received?.(received));
    for (const behaviour of [...this.#behaviours]) {
      if (behaviour.onPacket?.(received, this) === 'handled') return;
    }
  }

  #problem(problem: ReceiveProblem | 'undecodable'): void {
    this.problems[problem] += 1;
    this.#tell((observer) => observer.problem?.(problem));
  }

  #setClock(timeNs: bigint): void {
    this.#synced = timeNs - this.#clockMsAsNs();
    this.#tell((observer) => observer.clockSet?.(timeNs));
  }

  #clockMsAsNs(): bigint {
    return BigInt(Math.round(this.#clock.monotonicMs() * Number(NS_PER_MS)));
  }

  #encode(points: readonly PointLike[]): Uint8Array {
    const now = this.now();
    return this.#codec.encode(points.map((point) => mcuPoint({ time: now, ...point })));
  }

  async #send(subject: string, content: PacketContent): Promise<SendResult> {
    if (this.#state !== 'running') {
      return { outcome: 'aborted', sequence: 0, transmissions: 0, tookMs: 0 };
    }
    const result = await this.#sender.send(subject, content);
    this.#tell((observer) => observer.ended?.(result));
    return result;
  }

  #sendOnce(subject: string, payload: Uint8Array): void {
    if (this.#state === 'running') this.#sender.sendOnce(subject, payload);
  }

  #transmit(packet: OutgoingPacket): void {
    if (this.#state !== 'running') return;
    if (this.#behaviours.some((behaviour) => behaviour.onSend?.(packet, this) === 'drop')) return;
    const bytes = this.#wire(packet);
    if (bytes.length > 0) this.#pipe.write(bytes);
    this.#tell((observer) => observer.sent?.(packet));
  }

  #tell(call: (observer: McuObserver) => void): void {
    for (const observer of [...this.#observers]) call(observer);
  }
}

function isOf(point: McuPoint, type: string, key: string | undefined): boolean {
  return point.type === type && (key === undefined || sameKey(point.key, key));
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}
