/**
 * The seam of a link: a transport opens a channel, which moves units both ways.
 * There are two kinds of units. Bytes are a stream, which may be cut anywhere; a
 * frame is a whole, which is never cut and never joined with another. They are
 * types of their own, so that the compiler refuses to take one for the other.
 *
 * | transport           | unit       | what talks over it           |
 * | ------------------- | ---------- | ---------------------------- |
 * | serial, usb, tcp    | bytes      | packets in COBS              |
 * | can                 | `Frame`    | packets in ISO-TP; in COBS, by {@link ./frame-stream.ts} |
 * | can-signals         | `CanFrame` | signals                      |
 */
import type { CanFrame, Frame } from './frame.js';

/** Why a channel could not be opened, or ended. */
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

export class TransportError extends Error {
  override readonly name = 'TransportError';
  /** `message` is for people: what is wrong, and what to do about it. */
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
 * - `canOverrun`: a frame that came while the link had to wait, and found no room
 */
export type ChannelDiscard = 'canFrame' | 'canOverrun';

/** `Unit`: `Uint8Array` of a stream of bytes, else a kind of {@link Frame}. */
export interface ChannelEvents<in Unit> {
  /** What came. Its bytes are reused: copy what is to outlive the call. */
  data(unit: Unit): void;
  /** Something came that is of no use, and is not handed on. */
  discarded(cause: ChannelDiscard, detail: object): void;
  /** Exactly once for each opened channel; `undefined` after our own close(). */
  closed(cause: TransportError | undefined): void;
  /** The channel works, but somebody should know. For people. */
  warning(message: string): void;
  /** All that was queued has been handed to the system (after write() returned false). */
  drained(): void;
}

export interface Channel<in Unit> {
  /**
   * Queues bytes or a frame, in order; the caller leaves them unchanged until
   * they are out. False: more than a frame or two is queued (the device, or its
   * flow control, does not take it); wait for `drained` before writing more.
   */
  write(unit: Unit): boolean;
  /** Bytes queued here that the system has not taken yet. */
  readonly queued: number;
  /** No more `data` after this call; what comes waits in the system, or the other side does. */
  pause(): void;
  /** Reads on after {@link pause}. */
  resume(): void;
  /** Idempotent; resolves, never rejects, when the device or socket is released. */
  close(): Promise<void>;
}

/** States of a controller (linux/can/netlink.h), in the words of people. */
export type CanState =
  'error-active' | 'error-warning' | 'error-passive' | 'bus-off' | 'stopped' | 'sleeping';

/** A bus that a device shares with others, as the system sees it. */
export interface BusStatus {
  /** `up`: a virtual one, which has no other states. */
  readonly state: 'missing' | 'down' | 'up' | CanState;
  /** Error counters of the controller, 0 … 255 (ISO 11898-1). */
  readonly errors?: { readonly tx: number; readonly rx: number };
  /** Percent of the bit rate that is in use, 0 … 100, as far as it can be told. */
  readonly load?: number;
  /** Frames that were received and found no room here, since the start. */
  readonly lost: number;
  /** Times that the controller went bus-off while it was in use, since the start. */
  readonly busOffs: number;
}

export type ByteChannel = Channel<Uint8Array>;
export type FrameChannel = Channel<Frame>;

/** What opens channels of one kind of unit. */
export interface TransportOf<Unit> {
  /** For logs and people, such as `/dev/ttyUSB0 115200 8N1` or `tcp 192.0.2.10:3333`. */
  readonly description: string;
  /** Rejects with a {@link TransportError}. Events begin after it has resolved. */
  open(events: ChannelEvents<Unit>): Promise<Channel<Unit>>;
  /** Of a bus: how it is now, whether a channel is open or not. Cheap; never throws. */
  bus?(): BusStatus;
}

/** A stream of bytes both ways. */
export interface ByteTransport extends TransportOf<Uint8Array> {
  readonly unit: 'bytes';
  /**
   * Of a line that may return what is written on it: what a byte takes on it at
   * most, ms; 0: not known (docs/contract.md, "Own echo").
   */
  readonly mayEcho?: { readonly byteMs: number };
}

/** Frames of one device, with their data alone. */
export interface FrameTransport extends TransportOf<Frame> {
  readonly unit: 'frames';
  /** Most bytes of a frame that is written. */
  readonly frameLength: number;
}

/** All frames of a bus that are of use, with their identifiers. */
export interface CanFrameTransport extends TransportOf<CanFrame> {
  readonly unit: 'canFrames';
}

export type Transport = ByteTransport | FrameTransport | CanFrameTransport;
