/**
 * The packets of a line, both ways: bytes to frames to packets, and back. Where the
 * line echoes, packets of ours that come back are left out (docs/contract.md, "Own echo").
 */
import type { Deframer, FrameDiscard, FrameSink, Framing } from '../../framing/framing.js';
import {
  ACK_SUBJECT,
  HIGH_RATE_SUBJECT,
  parsePacket,
  type Packet,
  type PacketDiscard,
} from '../../packet/packet.js';
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { LogRateLimiter } from '../../point/log-rate-limiter.js';
import type { SessionChannel } from '../device-session.js';
import type { Diagnoser } from '../diagnosis/diagnoser.js';
import type { Listener } from '../diagnosis/diagnosis.js';
import type { Counters } from '../node/counters.js';
import { ECHO_ADVICE, OwnEcho, type Transmission } from '../receiving/own-echo.js';
import { RecentPackets } from './recent-packets.js';
import { PrintedText, type PrintedTextHost } from './printed-text.js';

/** Of a line that may return what is sent on it. */
interface EchoOptions {
  /** See `ByteTransport.mayEcho`. */
  readonly byteMs: number;
  /** From 0 up to 1, for the jitter of retransmissions. */
  readonly random: () => number;
}

/** `Unit`: of the channel below. */
export interface PacketLineOptions<Unit> {
  readonly framing: Framing<Unit>;
  /** Longest frame, delimiters included, bytes. */
  readonly maxFrameLength: number;
  /** What the line is, for advice to people. */
  readonly listener: Listener;
  /** Of a line that may echo; `undefined`: it cannot. */
  readonly echo?: EchoOptions;
}

/** What a line tells its session. */
export interface PacketLineHost extends PrintedTextHost {
  /** A packet of the device. `doubtful`: it may turn out to be an echo of an ack of ours. */
  packet(packet: Packet, doubtful: boolean): void;
  /** The line echoes. What it returned after `sinceMs` (monotonic) was not sent by the device. */
  echoRecognised(sinceMs: number): void;
}

/**
 * Retransmissions on a line that echoes come later by up to this part of their wait.
 * The line may be half duplex: two sides that repeat at the same pace would collide
 * each time.
 */
const JITTER = 0.5;
const ECHO_TOLD_EVERY_MS = 3_600_000;

const NOTHING = new Uint8Array();

/** Packets over one channel, over all its openings. */
export class PacketLine<Unit> implements FrameSink {
  /** What one wants to see after a crash of the device. */
  readonly recent: RecentPackets;
  readonly #deframer: Deframer<Unit>;
  readonly #echo: OwnEcho | undefined;
  /** Of a stream: text between packets. */
  readonly #text: PrintedText | undefined;
  readonly #told: LogRateLimiter;

  constructor(
    private readonly host: PacketLineHost,
    private readonly channel: SessionChannel<Unit>,
    private readonly options: PacketLineOptions<Unit>,
    private readonly clock: Clock,
    private readonly counters: Counters,
    private readonly log: Log,
    private readonly diagnoser: Pick<Diagnoser, 'came' | 'listen' | 'frame' | 'discarded'>,
  ) {
    this.recent = new RecentPackets(clock);
    this.#deframer = options.framing.createDeframer(this, options.maxFrameLength);
    if (options.framing.streamOf !== undefined) {
      this.#text = new PrintedText(host, clock, options.maxFrameLength);
    }
    this.#echo = options.echo && new OwnEcho(clock, options.echo.byteMs);
    this.#told = new LogRateLimiter(clock, { everyMs: ECHO_TOLD_EVERY_MS });
  }

  /** The line returns what is sent on it, as has been seen since the opening. */
  get echoes(): boolean {
    return this.#echo?.recognised === true;
  }

  /** When the last packet was sent that did not come back, monotonic ms: no ack before that was an echo. */
  get notEchoedMs(): number {
    return this.#echo?.notEchoedMs ?? this.clock.monotonicMs();
  }

  opened(): void {
    this.#deframer.reset();
    this.#echo?.opened();
  }

  closed(): void {
    this.#text?.close();
    this.#echo?.closed();
  }

  /** From the device. Never throws, whatever it is. */
  data(unit: Unit): void {
    if (this.diagnoser.came()) this.diagnoser.listen(this.options.framing.cobsOf(unit));
    const text = this.#text;
    if (text === undefined) {
      this.#deframer.push(unit);
      return;
    }
    text.begin(this.options.framing.streamOf?.(unit) ?? NOTHING);
    this.#deframer.push(unit);
    text.end();
  }

  /** A CAN frame has come, which need not complete a packet. Hot. */
  partCame(): void {
    this.diagnoser.frame();
  }

  /** CAN frames were thrown away below the packets. */
  partsDiscarded(cause: FrameDiscard, length: number): void {
    this.diagnoser.discarded(cause);
    this.counters.discard(cause, { bytes: length });
  }

  congested(): boolean {
    return this.channel.congested;
  }

  write(packet: Transmission): void {
    // SIOT's own counter has no file blocks (docs/siot.md, 5.1).
    if (packet.content !== 'file') this.counters.tx += 1;
    if (packet.content === 'points') this.counters.sentPoints += 1;
    this.recent.add('down', packet.packet);
    this.#echo?.sent(packet);
    this.channel.write(this.options.framing.unitOf(packet.frame));
  }

  /** A wait for an ack, ms, as this line needs it. */
  jittered(ms: number): number {
    const { echo } = this.options;
    return echo !== undefined && this.echoes ? ms * (1 + JITTER * echo.random()) : ms;
  }

  frame(frame: Uint8Array): void {
    const packet = parsePacket(frame);
    this.#text?.ended(typeof packet !== 'string');
    if (typeof packet === 'string') {
      this.#discarded(packet, frame.length);
      return;
    }
    const whose = this.#echo?.received(packet.subject === ACK_SUBJECT ? 'ack' : 'points', frame);
    // High-rate packets would leave no others.
    if (packet.subject !== HIGH_RATE_SUBJECT) this.recent.add('up', frame);
    if (whose === 'own' || whose === 'recognised') {
      this.counters.notice('echo');
      if (whose === 'recognised') this.#recognised();
      return;
    }
    this.host.packet(packet, whose === 'doubtful');
  }

  discard(cause: FrameDiscard, length: number): void {
    this.#text?.ended(false);
    this.#discarded(cause, length);
  }

  #discarded(cause: FrameDiscard | PacketDiscard, length: number): void {
    this.counters.discard(cause, { bytes: length });
    this.#echo?.broken();
  }

  #recognised(): void {
    if (this.#told.due('echo') > 0) this.log.warn({}, ECHO_ADVICE);
    this.host.echoRecognised(this.notEchoedMs);
  }
}
