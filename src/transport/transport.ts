/**
 * The seam of a link is bytes: a transport opens a channel, which moves them
 * both ways. Serial ports and TCP sockets implement it; so does what tests put
 * in their place, below the real framing.
 */

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

export interface ChannelEvents {
  /**
   * Bytes as they came; of CAN the data of one frame. The buffer is reused: copy
   * what is to outlive the call.
   */
  data(chunk: Uint8Array): void;
  /** Something came that is of no use, and is not handed on. */
  discarded(cause: ChannelDiscard, detail: object): void;
  /** Exactly once for each opened channel; `undefined` after our own close(). */
  closed(cause: TransportError | undefined): void;
  /** The channel works, but somebody should know. For people. */
  warning(message: string): void;
  /** All queued bytes have been handed to the system (after write() returned false). */
  drained(): void;
}

export interface Channel {
  /**
   * Queues bytes, in order; the caller leaves them unchanged until they are
   * out. False: more than a frame or two is queued (the device, or its flow
   * control, does not take it); wait for `drained` before writing more.
   */
  write(bytes: Uint8Array): boolean;
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

export interface Transport {
  /** For logs and people, such as `/dev/ttyUSB0 115200 8N1` or `tcp 192.0.2.10:3333`. */
  readonly description: string;
  /**
   * Of a line that may return what is written on it, which a bus cannot: what a
   * byte takes on it at most, ms; 0: not known (docs/contract.md, "Own echo").
   */
  readonly mayEcho?: { readonly byteMs: number };
  /** Rejects with a {@link TransportError}. Events begin after it has resolved. */
  open(events: ChannelEvents): Promise<Channel>;
  /** Of a bus: how it is now, whether a channel is open or not. Cheap; never throws. */
  bus?(): BusStatus;
}
