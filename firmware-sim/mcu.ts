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
import { encodePacket, type McuPacket } from './packet.js';
import type { BytePipe } from './pipe.js';
import { mcuPoint, sameKey, type McuPoint, type PointLike } from './points.js';
import { PacketReceiver, type ReceiveProblem } from './receiver.js';
import { Sender, type PacketContent, type SendResult } from './sender.js';
import {
  NotReceivedError,
  Transcript,
  type ReceivedPacket,
  type WaitOptions,
} from './transcript.js';

/**
 * Which time the device writes into its points.
 * - `synced`: 0 until a `timeSync` has come, then the time of day
 * - `sinceStart`: since its own start, always: a board without a clock
 * - `zero`: always 0
 */
export type McuTimes = 'synced' | 'sinceStart' | 'zero';

export interface McuOptions {
  readonly protocol: Protocol;
  readonly clock: SimClock;
  /** ms without an ack before a packet is sent again; 1,000. */
  readonly ackTimeoutMs?: number;
  /** Transmissions after the first; 3. */
  readonly retries?: number;
  /** Packets on their way at once; 1. */
  readonly window?: number;
  readonly times?: McuTimes;
  /** Longest frame it can receive; 1,024. */
  readonly maxFrameLength?: number;
  /** Subject of its point packets; both mean the same (docs/siot.md, 2.2). */
  readonly pointSubject?: '' | 'proto';
  /** From a restart until it is there again, deaf and mute; 100 ms. */
  readonly bootMs?: number;
  /** Whether it says hello (an empty packet) when it has started; true. */
  readonly hello?: boolean;
  /** How long what is waited for may take unless the waiting says otherwise; 5,000 ms. */
  readonly waitMs?: number;
  /** Packets kept in `received`; all. */
  readonly transcriptLimit?: number;
}

/** Told what happens; all methods may be left out. */
export interface McuObserver {
  /** It has started, or started again. */
  started?(): void;
  /** It goes down: what follows until `started` is lost. */
  stopping?(): void;
  /** Points were applied, in the order received; not for retransmissions. */
  points?(points: readonly McuPoint[], packet: ReceivedPacket): void;
  /** The clock has been set. */
  clockSet?(timeNs: bigint): void;
  sent?(packet: OutgoingPacket): void;
  problem?(problem: ReceiveProblem | 'undecodable'): void;
  /** Any packet with a good CRC, before any behaviour sees it. */
  received?(packet: ReceivedPacket): void;
  /** A packet that was to be acknowledged has ended, either way. */
  ended?(result: SendResult): void;
}

const NS_PER_MS = 1_000_000n;

/**
 * A microcontroller on the other end of a line, as docs/siot.md, 7 wants
 * one. What it does on a packet is a stack of {@link Behaviour}s, newest first,
 * so that a test pushes the one misbehaviour it is about.
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
  readonly #timers = new Set<SimTimer>();
  readonly #pointSubject: string;
  readonly #bootMs: number;
  readonly #hello: boolean;
  #times: McuTimes;
  #startedMs: number;
  /** Time of day minus the clock's ms, once known; in ns. */
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
    this.#codec = POINT_CODECS[options.protocol];
    this.#pointSubject = options.pointSubject ?? '';
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

  /** Packets with a good CRC, oldest first. */
  get received(): readonly ReceivedPacket[] {
    return this.#transcript.packets;
  }

  /** Points received, oldest first, retransmissions left out. */
  get receivedPoints(): readonly McuPoint[] {
    return this.received.flatMap((packet) => (packet.retransmission ? [] : packet.points));
  }

  /** Packets not acknowledged or given up yet. */
  get unacknowledged(): number {
    return this.#sender.length;
  }

  /** ms since it started. */
  get uptimeMs(): number {
    return this.#clock.monotonicMs() - this.#startedMs;
  }

  /** The time of day, as far as it knows it; 0 otherwise. What {@link McuTimes} says is not considered. */
  get clockNs(): bigint {
    return this.#synced === undefined ? 0n : this.#synced + this.#clockMsAsNs();
  }

  /** The first packet for which `matches` holds, received already or within the time. */
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

  /** The first point of this type for which `matches` holds, received already or within the time. */
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

  waitForTimeSync(options?: WaitOptions): Promise<McuPoint> {
    return this.waitForSetting('timeSync', undefined, options);
  }

  /** Throws {@link NotReceivedError}, with what was received, unless such a point was. */
  assertReceived(type: string, matches: (point: McuPoint) => boolean = () => true): McuPoint {
    const found = this.receivedPoints.find((point) => point.type === type && matches(point));
    if (found === undefined) {
      throw new NotReceivedError(`"${type}" was not received.\n${this.#transcript.describe()}`);
    }
    return found;
  }

  /** Throws {@link NotReceivedError}, with what was received, if such a point was. */
  assertNotReceived(type: string, matches: (point: McuPoint) => boolean = () => true): void {
    if (this.receivedPoints.some((point) => point.type === type && matches(point))) {
      throw new NotReceivedError(
        `"${type}" was received, and should not have been.\n${this.#transcript.describe()}`,
      );
    }
  }

  /** Forgets what was received so far; whether a packet is a retransmission is still known. */
  clearReceived(): void {
    this.#transcript.packets.length = 0;
  }

  // How it behaves ---------------------------------------------------------

  /** Puts a behaviour on top of the stack; what is returned takes it off again. */
  push(behaviour: Behaviour): () => void {
    this.#behaviours.unshift(behaviour);
    return () => {
      const at = this.#behaviours.indexOf(behaviour);
      if (at >= 0) this.#behaviours.splice(at, 1);
    };
  }

  /** What is returned ends it. */
  observe(observer: McuObserver): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  set times(times: McuTimes) {
    this.#times = times;
  }

  /** The time that a point made now would carry, in ns. */
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

  later(ms: number, fn: () => void): SimTimer {
    if (this.#state === 'closed') return { cancel: () => undefined };
    const timer = this.#clock.setTimer(ms, () => {
      this.#timers.delete(timer);
      fn();
    });
    this.#timers.add(timer);
    return {
      cancel: () => {
        this.#timers.delete(timer);
        timer.cancel();
      },
    };
  }

  // What it sends ----------------------------------------------------------

  /** It has power: says hello, if it does, and tells its observers. */
  start(): void {
    if (this.#hello) this.sendHello();
    this.#tell((observer) => observer.started?.());
  }

  /**
   * One packet with these points; those without a time get {@link now}. Resolves
   * when it was acknowledged, has been given up, or the device has restarted.
   * `waitAck: false`: sent once, with no eye for its ack.
   */
  async sendPoints(
    points: readonly PointLike[],
    options: { readonly waitAck?: boolean } = {},
  ): Promise<SendResult> {
    return this.sendPayload(this.#pointSubject, this.#encode(points), options);
  }

  /**
   * As {@link sendPoints}, of what `read` says when the packet is built: when it
   * is its turn, not now. While `isCurrent` holds, a retransmission has the same
   * bytes; else it is a new packet, with what `read` says then.
   */
  async reportPoints(
    read: () => readonly PointLike[],
    isCurrent: () => boolean = () => true,
  ): Promise<SendResult> {
    return this.#send(this.#pointSubject, { build: () => this.#encode(read()), isCurrent });
  }

  /** As {@link sendPoints}, with a payload of any subject. */
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

  /** An empty list of points: "I have started". Never acknowledged (docs/siot.md, 2.7). */
  sendHello(): void {
    this.#sendOnce(this.#pointSubject, this.#codec.encode([]));
  }

  /** Text without a CRC (docs/siot.md, 2.2); bytes for what is not UTF-8. */
  sendLog(text: string | Uint8Array): void {
    this.#sendOnce('log', typeof text === 'string' ? Buffer.from(text) : text);
  }

  sendAck(sequence: number): void {
    this.#transmit({
      sequence,
      subject: 'ack',
      payload: this.#codec.encode([]),
      attempt: 1,
    });
  }

  /** A packet as given, sequence included; no retries. */
  sendPacket(packet: McuPacket): void {
    this.sendRaw(encodeFrame(encodePacket(packet)));
  }

  /** Bytes as they are. */
  sendRaw(bytes: Uint8Array): void {
    if (this.#state === 'running') this.#pipe.write(bytes);
  }

  // What behaviours call ---------------------------------------------------

  apply(packet: ReceivedPacket): void {
    if (packet.retransmission) return;
    for (const point of packet.points) {
      if (point.type === 'timeSync') this.#setClock(point.time);
    }
    const others = packet.points.filter((point) => point.type !== 'timeSync');
    if (others.length > 0) this.#tell((observer) => observer.points?.(others, packet));
  }

  acknowledged(sequence: number): boolean {
    return this.#sender.acknowledge(sequence);
  }

  // Its life ---------------------------------------------------------------

  /** Power off and on: what was on its way, the clock and the sequence are gone. */
  reboot(): void {
    if (this.#state !== 'running') return;
    this.#halt('booting');
    const timer = this.#clock.setTimer(this.#bootMs, () => {
      this.#timers.delete(timer);
      this.#state = 'running';
      this.#startedMs = this.#clock.monotonicMs();
      this.start();
    });
    this.#timers.add(timer);
  }

  /** Lets go of the pipe and of everybody who waits. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#halt('closed');
    this.#transcript.close();
    await this.#pipe.close();
  }

  #halt(state: 'booting' | 'closed'): void {
    this.#state = state;
    this.#tell((observer) => observer.stopping?.());
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#sender.reset();
    this.#receiver.reset();
    this.#synced = undefined;
    this.#lastPointPacket = undefined;
  }

  #received(packet: McuPacket, bytes: Uint8Array, repaired: boolean): void {
    // An earlier packet of the same chunk may have restarted the device.
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
    this.#pipe.write(encodeFrame(encodePacket(packet)));
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
