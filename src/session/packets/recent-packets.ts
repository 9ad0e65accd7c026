/** The last packets of a line, both ways, with what is in them. */
import { LOG_SUBJECT, PAYLOAD_AT, CRC_LENGTH } from '../../packet/packet.js';
import type { PayloadCodec } from '../../packet/payload.js';
import { readText } from '../../packet/text.js';
import type { Clock } from '../../point/clock.js';
import { excerpt } from '../../point/excerpt.js';
import { pointName } from '../../point/point-info.js';
import { valueText } from '../../point/value-text.js';
import type { RecentPacket } from '../device-session.js';
import { RecentTraffic } from '../node/recent-traffic.js';

/** Characters of what is in a packet, for people. */
const LONGEST_CONTENT = 400;

/** The last packets of one line. */
export class RecentPackets {
  readonly #traffic: RecentTraffic;

  constructor(clock: Clock) {
    this.#traffic = new RecentTraffic(clock);
  }

  /** A packet without framing has come (up) or is written. Hot. */
  add(direction: 'up' | 'down', packet: Uint8Array): void {
    this.#traffic.add(direction, packet);
  }

  /** A copy, the oldest first. `codec`: of the device's points, as far as it is known. */
  all(codec: PayloadCodec | undefined): RecentPacket[] {
    return this.#traffic
      .all()
      .map((packet) => ({ ...packet, ...contentOf(packet.bytes, packet.length, codec) }));
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
