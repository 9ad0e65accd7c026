/** Packets for a device, in their frames, each with its sequence. */
import type { Framing } from '../../framing/framing.js';
import { fileBlockPayload, type FileBlock } from '../../packet/file-block.js';
import { ACK_SUBJECT, FILE_SUBJECT, POINTS_SUBJECT, buildPacket } from '../../packet/packet.js';
import type { PayloadCodec, PayloadCodecName } from '../../packet/payload.js';
import { NO_VALUE, type Point } from '../../point/point.js';
import { TIME_SYNC_TYPE } from '../../point/reserved.js';
import type { Transmission } from '../receiving/own-echo.js';
import type { ReportRound } from '../receiving/report-round.js';

/** A packet that is to be acknowledged. */
export interface OutgoingPacket extends Transmission {
  readonly sequence: number;
}

/** Makes all packets for one device, and gives them their sequences. */
export class Outgoing {
  #sequence: number;
  /** There are 256 acks in each codec: each is made once. */
  readonly #acks: Readonly<Record<PayloadCodecName, Transmission[]>> = {
    protobuf: [],
    compact: [],
  };

  constructor(
    private readonly framing: Pick<Framing<never>, 'encode'>,
    /** Of the last packet made before the gateway was restarted; 0: none. */
    sequence: number,
    private readonly round: ReportRound,
  ) {
    this.#sequence = sequence;
  }

  /** Of the last packet made, 1 … 255; 0 before the first. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Throws a `PayloadError` when the point does not fit the codec. */
  point(point: Point, codec: PayloadCodec): OutgoingPacket {
    return this.#next('points', POINTS_SUBJECT, codec.encode([point]));
  }

  /** A block of a file, or its end. */
  file(block: FileBlock): OutgoingPacket {
    return this.#next('file', FILE_SUBJECT, fileBlockPayload(block));
  }

  /** Of a block in its frame, bytes. */
  fileFrameLength(block: FileBlock): number {
    return this.framing.encode(buildPacket(1, FILE_SUBJECT, fileBlockPayload(block))).length;
  }

  /** `time`: ns since 1970. */
  timeSync(time: bigint, codec: PayloadCodec): OutgoingPacket {
    this.round.timeSent();
    const point = {
      type: TIME_SYNC_TYPE,
      key: '',
      time,
      value: NO_VALUE,
      tombstone: 0,
      origin: '',
    };
    return this.point(point, codec);
  }

  /** `sequence`: the device's, 0 … 255. */
  ack(sequence: number, codec: PayloadCodec): Transmission {
    return (this.#acks[codec.name][sequence] ??= this.#made(
      'ack',
      buildPacket(sequence, ACK_SUBJECT, codec.ackPayload),
    ));
  }

  #next(content: Transmission['content'], subject: string, payload: Uint8Array): OutgoingPacket {
    const sequence = (this.#sequence % 255) + 1;
    this.#sequence = sequence;
    return { sequence, ...this.#made(content, buildPacket(sequence, subject, payload)) };
  }

  #made(content: Transmission['content'], packet: Uint8Array): Transmission {
    return { content, packet, frame: this.framing.encode(packet) };
  }
}
