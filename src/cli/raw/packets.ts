/** Packets of both directions, as they cross a link: what is in them, and which belong together. */
import { crc16 } from '../../packet/crc.js';
import { detectCodec, PAYLOAD_CODECS } from '../../packet/codecs.js';
import { parseFileBlock } from '../../packet/file-block.js';
import {
  ACK_SUBJECT,
  CRC_LENGTH,
  FILE_SUBJECT,
  HIGH_RATE_SUBJECT,
  LOG_SUBJECT,
  parsePacket,
  type Packet,
} from '../../packet/packet.js';
import { readHighRate } from '../../packet/high-rate.js';
import type { DecodedPayload, PayloadCodecName } from '../../packet/payload.js';
import { readText } from '../../packet/text.js';
import type { Clock } from '../../point/clock.js';
import { TIME_SYNC_TYPE } from '../../point/reserved.js';
import { isEmptyList } from '../../session/codec/choice.js';
import { crcVariants } from '../../session/diagnosis/crc-variants.js';
import type { DiagnosisCause } from '../../session/diagnosis/diagnosis.js';
import { verdictsOf } from '../../session/diagnosis/frame-verdict.js';
import { OwnEcho } from '../../session/receiving/own-echo.js';
import type { TapDirection } from '../../transport/transport.js';
import type {
  Acknowledged,
  Again,
  DecodedPacket,
  DiscardedFrame,
  FileBlock,
  HighRate,
} from './decoded.js';

/** A device repeats a packet within this time when it has missed the ack, ms. */
const REPEATED_WITHIN_MS = 5_000;

export interface PacketReaderOptions {
  readonly protocol: 'auto' | PayloadCodecName;
  /** Of a line that may return what is sent on it; see `ByteTransport.mayEcho`. */
  readonly mayEcho?: { readonly byteMs: number };
}

/** A packet that was sent, in one direction. */
interface Sent {
  readonly packet: Uint8Array;
  readonly firstMs: number;
  lastMs: number;
  transmissions: number;
  isAcknowledged: boolean;
}

/** Reads the packets of a link, in the order in which they cross it. */
export class PacketReader {
  readonly #sent: Readonly<Record<TapDirection, Map<number, Sent>>> = {
    up: new Map<number, Sent>(),
    down: new Map<number, Sent>(),
  };
  readonly #echo: OwnEcho | undefined;

  constructor(
    private readonly options: PacketReaderOptions,
    private readonly clock: Clock,
  ) {
    const { mayEcho } = options;
    if (mayEcho !== undefined) this.#echo = new OwnEcho(clock, mayEcho.byteMs);
  }

  /** The channel is open again. */
  opened(): void {
    this.#echo?.opened();
  }

  closed(): void {
    this.#echo?.closed();
    this.#sent.up.clear();
    this.#sent.down.clear();
  }

  /** A frame was no packet. */
  broken(): void {
    this.#echo?.broken();
  }

  /**
   * `frame`: without its framing; it may be changed after the call. `wireLength`: bytes
   * with it.
   */
  read(
    direction: TapDirection,
    frame: Uint8Array,
    wireLength: number,
  ): DecodedPacket | DiscardedFrame {
    const packet = parsePacket(frame);
    if (typeof packet === 'string') {
      this.broken();
      const crc = packet === 'crc' ? { crc: crcsOf(frame) } : {};
      const hint = direction === 'up' ? mistakeIn(frame) : undefined;
      return { cause: packet, ...crc, length: frame.length, ...(hint && { hint }) };
    }
    const bytes = Uint8Array.from(frame);
    if (this.#isEcho(direction, packet, bytes, wireLength)) {
      const content = this.#contentOf(packet);
      return { ...('cause' in content ? headOf(packet) : content), isEcho: true };
    }
    const content = this.#contentOf(packet);
    if ('cause' in content) return content;
    if (content.kind === 'ack') {
      const acknowledged = this.#acknowledged(direction, packet.sequence);
      return { ...content, ...(acknowledged && { acknowledged }) };
    }
    const again = this.#again(direction, content, bytes);
    return { ...content, ...(again && { again }) };
  }

  #isEcho(
    direction: TapDirection,
    { subject }: Packet,
    packet: Uint8Array,
    wireLength: number,
  ): boolean {
    const content = subject === ACK_SUBJECT ? 'ack' : 'points';
    if (direction === 'down') {
      this.#echo?.sent({ content, packet, frame: new Uint8Array(wireLength) });
      return false;
    }
    const whose = this.#echo?.received(content, packet);
    return whose === 'own' || whose === 'recognised';
  }

  #acknowledged(direction: TapDirection, sequence: number): Acknowledged | undefined {
    const sent = this.#sent[direction === 'up' ? 'down' : 'up'].get(sequence);
    if (sent === undefined) return undefined;
    const isRepeated = sent.isAcknowledged;
    sent.isAcknowledged = true;
    const nowMs = this.clock.monotonicMs();
    return {
      roundTripMs: nowMs - sent.lastMs,
      sinceFirstMs: nowMs - sent.firstMs,
      transmissions: sent.transmissions,
      isRepeated,
    };
  }

  /** Remembers a packet that is to be acknowledged; says whether it has been sent before. */
  #again(
    direction: TapDirection,
    { kind, sequence }: DecodedPacket,
    packet: Uint8Array,
  ): Again | undefined {
    if (kind !== 'points' && kind !== 'timeSync' && kind !== 'file') return undefined;
    const nowMs = this.clock.monotonicMs();
    const sent = this.#sent[direction];
    const before = sent.get(sequence);
    const isSame = before !== undefined && Buffer.compare(before.packet, packet) === 0;
    if (isSame && (!before.isAcknowledged || nowMs - before.lastMs <= REPEATED_WITHIN_MS)) {
      before.transmissions += 1;
      before.lastMs = nowMs;
      return { transmission: before.transmissions, sinceFirstMs: nowMs - before.firstMs };
    }
    const times = { firstMs: nowMs, lastMs: nowMs, transmissions: 1 };
    sent.set(sequence, { packet, ...times, isAcknowledged: false });
    return undefined;
  }

  #contentOf(packet: Packet): DecodedPacket | DiscardedFrame {
    const { subject, payload } = packet;
    const head = headOf(packet);
    switch (subject) {
      case ACK_SUBJECT:
        return { ...head, kind: 'ack' };
      case LOG_SUBJECT:
        return { ...head, kind: 'log', text: readText(payload, 0, payload.length) };
      case HIGH_RATE_SUBJECT:
        return { ...head, kind: 'highRate', ...highRateOf(payload) };
      case FILE_SUBJECT:
        return { ...head, kind: 'file', ...fileBlockOf(payload) };
      default:
        return this.#pointsOf(packet);
    }
  }

  #pointsOf(packet: Packet): DecodedPacket | DiscardedFrame {
    const head = headOf(packet);
    const { payload } = packet;
    if (payload.length === 0) return head;
    const codec = detectCodec(payload);
    if (isEmptyList(payload)) return { ...head, codec: codec.name };
    const { protocol } = this.options;
    const decoded = codec.decode(payload);
    if (decoded === undefined || !hasContent(decoded)) {
      return { cause: 'payload', length: head.length, hint: 'no list of points in either codec' };
    }
    // A configured codec is the only one that is tried.
    if (
      protocol !== 'auto' &&
      protocol !== codec.name &&
      !hasContent(PAYLOAD_CODECS[protocol].decode(payload))
    ) {
      const hint = `these points are ${codec.name}, and the link’s protocol is ${protocol}`;
      return { cause: 'payload', length: head.length, hint };
    }
    const [first, second] = decoded.points;
    const isTime = first?.type === TIME_SYNC_TYPE && second === undefined;
    const kind = isTime ? 'timeSync' : 'points';
    return { ...head, kind, codec: codec.name, points: decoded.points };
  }
}

/** What all packets have; without more it is a hello. */
const headOf = ({ sequence, subject, frame }: Packet): DecodedPacket => ({
  kind: 'hello',
  sequence,
  subject,
  length: frame.length,
});

const hasContent = (decoded: DecodedPayload | undefined): boolean =>
  decoded !== undefined && decoded.points.length + decoded.oddValues > 0;

/** Those of which the line says as much already. */
const SAID: ReadonlySet<DiagnosisCause> = new Set<DiagnosisCause>([
  'crcWrong',
  'tooShort',
  'framedText',
]);

/** The mistake in the firmware that explains a frame, for people. One frame is no proof: the diagnosis of the link waits for two. */
function mistakeIn(frame: Uint8Array): string | undefined {
  const [first] = verdictsOf(frame);
  if (first?.kind !== 'mistake' || SAID.has(first.cause)) return undefined;
  const [variant] = crcVariants(frame);
  return variant?.cause === first.cause ? variant.name : `it looks like ${first.what}`;
}

function crcsOf(frame: Uint8Array): { readonly stated: number; readonly computed: number } {
  const end = frame.length - CRC_LENGTH;
  return {
    stated: (frame[end] ?? 0) | ((frame[end + 1] ?? 0) << 8),
    computed: crc16(frame, end),
  };
}

/** See docs/siot.md, 2.5; nothing where there is no sample. */
function highRateOf(payload: Uint8Array): { readonly highRate?: HighRate } {
  const header = readHighRate(payload);
  if (header === undefined) return {};
  const { type, key, startNs: time, periodNs, samples } = header;
  return { highRate: { type, key, time, periodNs, samples } };
}

/** Nothing where the header is cut. */
function fileBlockOf(payload: Uint8Array): { readonly file?: FileBlock } {
  const block = parseFileBlock(payload);
  if (block === undefined) return {};
  return { file: { name: block.name, block: block.index, bytes: block.data.length } };
}
