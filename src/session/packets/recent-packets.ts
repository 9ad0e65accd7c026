/**
 * The last packets of a line, both ways: what one wants to see after a crash of the
 * device. They are copied into memory that is there from the start.
 */
import { LOG_SUBJECT, PAYLOAD_AT, CRC_LENGTH } from '../../packet/packet.js';
import type { PayloadCodec } from '../../packet/payload.js';
import { readText } from '../../packet/text.js';
import { NS_PER_MS, type Clock } from '../../point/clock.js';
import { excerpt } from '../../point/excerpt.js';
import { pointName } from '../../point/point-info.js';
import { valueText } from '../../point/value-text.js';
import type { RecentPacket } from '../device-session.js';

/** Packets that are kept. */
const PACKETS = 64;
/** Bytes of each; of longer ones the rest is not kept. */
const BYTES = 256;
/** Characters of what is in a packet, for people. */
const LONGEST_CONTENT = 400;

/** The last packets of one line. */
export class RecentPackets {
  readonly #bytes = Buffer.alloc(PACKETS * BYTES);
  readonly #lengths = new Uint32Array(PACKETS);
  readonly #ms = new Float64Array(PACKETS);
  readonly #isUp = new Uint8Array(PACKETS);
  /** Packets that there have been. */
  #count = 0;

  constructor(private readonly clock: Clock) {}

  /** A packet without framing has come (up) or is written. Hot. */
  add(direction: 'up' | 'down', packet: Uint8Array): void {
    const slot = this.#count % PACKETS;
    this.#bytes.set(packet.length > BYTES ? packet.subarray(0, BYTES) : packet, slot * BYTES);
    this.#lengths[slot] = packet.length;
    this.#ms[slot] = this.clock.monotonicMs();
    this.#isUp[slot] = direction === 'up' ? 1 : 0;
    this.#count += 1;
  }

  /** A copy, the oldest first. `codec`: of the device's points, as far as it is known. */
  all(codec: PayloadCodec | undefined): RecentPacket[] {
    const nowMs = this.clock.monotonicMs();
    const nowNs = this.clock.wallNs();
    const packets: RecentPacket[] = [];
    for (let at = Math.max(0, this.#count - PACKETS); at < this.#count; at++) {
      const slot = at % PACKETS;
      const length = this.#lengths[slot] ?? 0;
      const from = slot * BYTES;
      const bytes = Uint8Array.from(this.#bytes.subarray(from, from + Math.min(length, BYTES)));
      const agoMs = Math.round(nowMs - (this.#ms[slot] ?? nowMs));
      packets.push({
        ns: nowNs - BigInt(agoMs) * NS_PER_MS,
        direction: this.#isUp[slot] === 1 ? 'up' : 'down',
        length,
        bytes,
        ...contentOf(bytes, length, codec),
      });
    }
    return packets;
  }
}

/** What a packet says, for people. */
function contentOf(
  bytes: Uint8Array,
  length: number,
  codec: PayloadCodec | undefined,
): Pick<RecentPacket, 'sequence' | 'subject' | 'content'> {
  const [sequence = 0] = bytes;
  const subject = readText(bytes, 1, PAYLOAD_AT - 1).replaceAll('\u0000', '');
  const isLog = subject === LOG_SUBJECT;
  const end = bytes.length - (isLog || bytes.length < length ? 0 : CRC_LENGTH);
  if (end <= PAYLOAD_AT) return { sequence, subject, content: '' };
  const payload = bytes.subarray(PAYLOAD_AT, end);
  if (isLog) return { sequence, subject, content: readText(payload, 0, payload.length) };
  const decoded = bytes.length < length ? undefined : codec?.decode(payload);
  const points = typeof decoded === 'object' ? decoded.points : [];
  const content = points.map(
    (point) => `${pointName(point.type, point.key)}=${valueText(point.value)}`,
  );
  return { sequence, subject, content: excerpt(content.join(' '), LONGEST_CONTENT) };
}
