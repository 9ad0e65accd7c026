/** What `siot-mcu watch --raw` finds in the traffic of a link: see decoder.ts. */
import type { FrameDiscard } from '../../framing/framing.js';
import type { LinkSummary } from '../../gateway/link/status.js';
import type { ObservedPdu } from '../../framing/framings.js';
import type { PacketDiscard } from '../../packet/packet.js';
import type { PayloadCodecName } from '../../packet/payload.js';
import type { Point } from '../../point/point.js';
import type { MessageCodec } from '../../signals/message-codec.js';
import type { CanFrame } from '../../transport/frame.js';
import type { ChannelDiscard, TapDirection } from '../../transport/transport.js';

/** When and which way something crossed the link. */
export interface Crossing {
  readonly direction: TapDirection;
  /** Of the last byte, as the gateway read or wrote it; ms of its monotonic clock. */
  readonly monotonicMs: number;
  /** ns since 1970, UTC. */
  readonly wallNs: bigint;
}

/** A line of `watch --raw`. */
export type Decoded = CrossedItem | Notice;

/** Something that crossed the link. */
export type CrossedItem = Crossing & {
  /** All its bytes: as they were on the line, or of the packet in ISO-TP. */
  readonly bytes: Uint8Array;
} & (
    | { readonly kind: 'packet'; readonly packet: DecodedPacket }
    | ({ readonly kind: 'discarded' } & DiscardedFrame)
    /** Text outside any frame, or a line of a console. */
    | { readonly kind: 'text'; readonly text: string }
    /** Bytes of a frame that has not ended so far. */
    | { readonly kind: 'incomplete' }
    /** The end of a frame whose beginning was not seen. */
    | { readonly kind: 'cut' }
    /** Zero bytes with nothing between them. */
    | { readonly kind: 'zeros' }
    | ({ readonly kind: 'frame'; readonly frame: CanFrame } & FrameMeaning)
  );

/** What is said about the link. */
export type Notice = { readonly wallNs: bigint } &
  /** The first line of all: the link, as it is now. */
  (
    | {
        readonly kind: 'begin';
        readonly name: string;
        readonly transport: string;
        readonly port: LinkSummary['port'];
        /** Why the port is closed. */
        readonly problem?: string;
      }
    | { readonly kind: 'opened'; readonly transport: string }
    | { readonly kind: 'closed'; readonly reason: string }
    | { readonly kind: 'channelDiscard'; readonly cause: ChannelDiscard }
    /** The program was too slow, and the gateway has dropped what did not fit. */
    | { readonly kind: 'lost'; readonly units: number; readonly bytes: number }
    | { readonly kind: 'note'; readonly text: string }
  );

export type DiscardCause = FrameDiscard | PacketDiscard | 'payload';

/** A frame that is no packet, or a packet without a list of points. */
export interface DiscardedFrame {
  readonly cause: DiscardCause;
  /** Of a wrong CRC. */
  readonly crc?: { readonly stated: number; readonly computed: number };
  /** Bytes of the packet without its framing, where it could be undone. */
  readonly length?: number;
  /** What is said besides, for people. */
  readonly hint?: string;
  /** The bytes as text, where they are. */
  readonly text?: string;
}

/** What a CAN frame is. */
export interface FrameMeaning {
  readonly isoTp?: ObservedPdu;
  /** The message of the database. */
  readonly message?: MessageCodec;
}

/** `points`: of the device or for it; `hello`: a packet without any. */
export type PacketKind = 'points' | 'hello' | 'timeSync' | 'ack' | 'log' | 'highRate' | 'file';

export interface DecodedPacket {
  readonly kind: PacketKind;
  readonly sequence: number;
  readonly subject: string;
  /** Bytes without framing. */
  readonly length: number;
  readonly codec?: PayloadCodecName;
  readonly points?: readonly Point[];
  /** Of a log packet. */
  readonly text?: string;
  readonly highRate?: HighRate;
  readonly file?: FileBlock;
  /** Of an ack: the packet that it acknowledges; absent: none was seen. */
  readonly acknowledged?: Acknowledged;
  /** It has crossed the link before. */
  readonly again?: Again;
  /** The line has returned a packet of the gateway. */
  readonly isEcho?: true;
}

/** Header of high-rate points (docs/siot.md, 2.5). */
export interface HighRate {
  readonly type: string;
  readonly key: string;
  /** ns since 1970; 0: when it was received. */
  readonly time: bigint;
  readonly periodNs: number;
  readonly samples: number;
}

/** Header of a file block (docs/siot.md, 2.6). */
export interface FileBlock {
  readonly name: string;
  /** From 0; −1: the end. */
  readonly block: number;
  readonly bytes: number;
}

export interface Acknowledged {
  /** From its last transmission to the ack. */
  readonly roundTripMs: number;
  /** From its first transmission to the ack. */
  readonly sinceFirstMs: number;
  readonly transmissions: number;
  /** It was acknowledged before. */
  readonly isRepeated: boolean;
}

export interface Again {
  /** 2: the second. */
  readonly transmission: number;
  readonly sinceFirstMs: number;
}
