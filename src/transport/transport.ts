/**
 * Transports of a link: a transport opens a channel, which moves units both ways.
 * There are two kinds of units. Bytes are a stream, which may be cut anywhere. A
 * frame is never cut, and never joined with another. Each kind has a type, so that
 * the compiler refuses one where the other is needed.
 *
 * | transport           | unit       | what talks over it           |
 * | ------------------- | ---------- | ---------------------------- |
 * | serial, usb, tcp    | bytes      | packets in COBS              |
 * | can                 | `Frame`    | packets in ISO-TP; in COBS, by {@link ./frame-stream.ts} |
 * | can-signals         | `CanFrame` | signals                      |
 */
import type { CanFrame, Frame } from './frame.js';

/** Why a channel could not be opened, or why it ended. */
export type TransportReason =
  | 'notFound'
  | 'permission'
  | 'busy'
  | 'notATty'
  | 'unsupportedSetting'
  | 'refused'
  | 'unreachable'
  | 'down'
  | 'busOff'
  | 'hangup'
  | 'io';

/** A channel could not be opened, or has ended. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  /** `message`: what is wrong and what to do about it, for people. */
  constructor(
    readonly reason: TransportReason,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/**
 * Why a channel threw something away:
 * - `canFrame`: a frame of CAN FD on a link that is not configured for it
 * - `canOverrun`: a frame without room in the queue, while the channel was paused
 */
export type ChannelDiscard = 'canFrame' | 'canOverrun';

/** `up`: from the device; `down`: to it. */
export type TapDirection = 'up' | 'down';

/** Who observes what crosses a channel (tap.ts). */
export interface ChannelTap {
  /** Whether anybody does. To be asked before each call of the others. */
  readonly isObserved: boolean;
  /** A chunk of a stream was read, or is written. */
  bytes(direction: TapDirection, bytes: Uint8Array): void;
  /** A frame was received, or the kernel has taken it. */
  frame(direction: TapDirection, frame: CanFrame): void;
}

/** What a channel tells its user. `Unit`: `Uint8Array` for a stream of bytes, else a kind of {@link Frame}. */
export interface ChannelEvents<in Unit> {
  /** A unit was received. Its bytes are valid during the call only. */
  data(unit: Unit): void;
  /** Something was received and thrown away. `detail`: fields for the log. */
  discarded(cause: ChannelDiscard, detail: object): void;
  /** Exactly once for each opened channel; `undefined` after our own close(). */
  closed(cause: TransportError | undefined): void;
  /** The channel works, but not as it should. For people. */
  warning(message: string): void;
  /** After write() has returned false: the system has taken all that was queued. */
  drained(): void;
  /** Who observes the channel. Only the channel next to the device tells it units; one over another hands it down. */
  readonly tap?: ChannelTap | undefined;
}

/** An open connection to a device or a bus. `Unit`: what is written. */
export interface Channel<in Unit> {
  /**
   * Queues bytes or a frame, in order; the caller must not change them until they
   * have been sent. False: more than a frame or two is queued, since the device or
   * its flow control does not take them; wait for `drained` before writing more.
   */
  write(unit: Unit): boolean;
  /** Bytes that the system has not taken yet. */
  readonly queued: number;
  /** No `data` after this call. What is received waits in the system, or the other side waits. */
  pause(): void;
  /** Ends {@link pause}. */
  resume(): void;
  /** Idempotent; resolves, never rejects, when the device or socket is released. */
  close(): Promise<void>;
}

/** State of a controller (linux/can/netlink.h), as `ip link` writes it. */
export type CanState =
  'error-active' | 'error-warning' | 'error-passive' | 'bus-off' | 'stopped' | 'sleeping';

/** State of a CAN interface. */
export interface BusStatus {
  /** `up`: a virtual interface, which has no controller. */
  readonly state: 'missing' | 'down' | 'up' | CanState;
  /** Error counters of the controller, 0 … 255 (ISO 11898-1). */
  readonly errors?: { readonly tx: number; readonly rx: number };
  /** Percent of the bit rate that is in use, 0 … 100; estimated. Absent where it is not known. */
  readonly load?: number;
  /** Received frames without room in the gateway, since its start. */
  readonly lost: number;
  /** Times that the controller went bus-off while a link used it, since the gateway's start. */
  readonly busOffs: number;
}

export type ByteChannel = Channel<Uint8Array>;
export type FrameChannel = Channel<Frame>;

/** Opens channels of one kind of unit. */
export interface TransportOf<Unit> {
  /** For logs and people, such as `/dev/ttyUSB0 115200 8N1` or `tcp 192.0.2.10:3333`. */
  readonly description: string;
  /** Rejects with a {@link TransportError}. Events begin after it has resolved. */
  open(events: ChannelEvents<Unit>): Promise<Channel<Unit>>;
  /** For a CAN bus: its present state, also while no channel is open. Cheap; never throws. */
  bus?(): BusStatus;
}

/** A stream of bytes both ways. */
export interface ByteTransport extends TransportOf<Uint8Array> {
  readonly unit: 'bytes';
  /**
   * Present where the line may return what is written to it. `byteMs`: longest time
   * of a byte on the line, ms; 0: not known (docs/contract.md, "Own echo").
   */
  readonly mayEcho?: { readonly byteMs: number };
}

/** Frames of one device, without identifiers. */
export interface FrameTransport extends TransportOf<Frame> {
  readonly unit: 'frames';
  /** Most bytes of a frame that is written: 8, or 64 with CAN FD. */
  readonly frameLength: number;
}

/** Frames of a bus with their identifiers. */
export interface CanFrameTransport extends TransportOf<CanFrame> {
  readonly unit: 'canFrames';
}

export type Transport = ByteTransport | FrameTransport | CanFrameTransport;
