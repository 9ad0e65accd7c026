/**
 * Mistakes that firmware makes in what it writes to the line, so that no gateway
 * understands it. A device makes one of them, all the time (docs/wire.md has what is right).
 */
import { encodeFrame } from './cobs.js';
import { carriesPoints, POINT_CODECS, type Protocol } from './codec.js';
import { crc16, encodePacket, HEADER_BYTES, type McuPacket } from './packet.js';
import { numberIn, textIn, type McuPoint } from './points.js';

interface MistakeKind {
  /** For people. */
  readonly what: string;
  /** The bytes that are written for a packet; empty: none. */
  readonly encode: (packet: McuPacket, protocol: Protocol, count: number) => Uint8Array;
}

const NOTHING = new Uint8Array(0);

const joined = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(Buffer.concat(parts));

const lowByteFirst = (crc: number): Uint8Array => Uint8Array.of(crc & 0xff, crc >>> 8);

/** The points of a packet; `undefined`: it is none of points. */
const pointsOf = ({ subject, payload }: McuPacket, protocol: Protocol): McuPoint[] | undefined =>
  carriesPoints(subject) ? POINT_CODECS[protocol].decode(payload) : undefined;

/** The packet before its CRC, with another one. */
const withCrc =
  (crc: (body: Uint8Array) => Uint8Array): MistakeKind['encode'] =>
  (packet) => {
    const whole = encodePacket(packet);
    if (packet.subject === 'log') return encodeFrame(whole);
    const body = whole.subarray(0, -2);
    return encodeFrame(joined(body, crc(body)));
  };

/** CRC-16/MODBUS: reflected 0xa001, start 0xffff. */
function modbusCrc(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc;
}

/** A line for each point. */
const asLines =
  (line: (point: McuPoint) => string): MistakeKind['encode'] =>
  (packet, protocol) =>
    Uint8Array.from(Buffer.from((pointsOf(packet, protocol) ?? []).map(line).join('')));

const plain = ({ value }: McuPoint): string => textIn(value) || String(numberIn(value));

const OTHER: Readonly<Record<Protocol, Protocol>> = { protobuf: 'compact', compact: 'protobuf' };

/** `sequence, protobuf { 2: repeated point }, CRC` with a length of 8 bits, and a zero behind it (docs/siot.md, 2.11). */
function oldArduino(packet: McuPacket, protocol: Protocol): Uint8Array {
  const points = pointsOf(packet, protocol) ?? [];
  if (points.length === 0) return NOTHING;
  const field = (number: number, bytes: Uint8Array): Uint8Array =>
    joined(Uint8Array.of((number << 3) | 2, bytes.length), bytes);
  const list = points.map((point) => {
    const value = Buffer.alloc(5);
    value[0] = (4 << 3) | 5;
    value.writeFloatLE(numberIn(point.value), 1);
    const text = Buffer.from(textIn(point.value).slice(0, 24));
    return field(
      2,
      joined(
        field(2, Buffer.from(point.type.slice(0, 24))),
        value,
        ...(text.length === 0 ? [] : [field(8, text)]),
        ...(point.key === '' ? [] : [field(11, Buffer.from(point.key.slice(0, 24)))]),
      ),
    );
  });
  const body = joined(Uint8Array.of(packet.sequence), ...list);
  const crc = crc16(body.subarray(0, body.length & 0xff));
  return encodeFrame(joined(body, lowByteFirst(crc))).subarray(1);
}

/** All mistakes by name. */
const KINDS = {
  'crc-swapped': {
    what: 'the high byte of its CRC comes first',
    encode: withCrc((body) => lowByteFirst(crc16(body)).reverse()),
  },
  'crc-modbus': {
    what: 'its CRC is CRC-16/MODBUS',
    encode: withCrc((body) => lowByteFirst(modbusCrc(body))),
  },
  'crc-payload': {
    what: 'its CRC covers the payload alone',
    encode: withCrc((body) => lowByteFirst(crc16(body.subarray(HEADER_BYTES)))),
  },
  'no-crc': { what: 'its packets have no CRC', encode: withCrc(() => NOTHING) },
  'no-cobs': {
    what: 'its packets are not encoded by COBS',
    encode: (packet) => joined(Uint8Array.of(0), encodePacket(packet), Uint8Array.of(0)),
  },
  'no-zero': {
    what: 'no zero byte is between its frames',
    encode: (packet) => encodeFrame(encodePacket(packet)).slice(1, -1),
  },
  'short-subject': {
    what: 'its subject ends at the first zero',
    encode: ({ sequence, subject, payload }) => {
      const body = joined(Uint8Array.of(sequence), Buffer.from(`${subject}\0`), payload);
      return encodeFrame(joined(body, lowByteFirst(crc16(body))));
    },
  },
  'old-arduino': { what: 'the layout of SIOT’s older Arduino examples', encode: oldArduino },
  text: {
    what: 'it prints its points, such as temp=23.5',
    encode: asLines((point) => `${point.type}=${plain(point)}\r\n`),
  },
  json: {
    what: 'it prints its points as JSON',
    encode: asLines((point) => `${JSON.stringify({ [point.type]: plain(point) })}\n`),
  },
  'two-codecs': {
    what: 'each other packet has its points in the other codec',
    encode: (packet, protocol, count) => {
      const points = pointsOf(packet, protocol);
      const isOther = count % 2 === 1 && points !== undefined;
      const payload = isOther ? POINT_CODECS[OTHER[protocol]].encode(points) : packet.payload;
      return encodeFrame(encodePacket({ ...packet, payload }));
    },
  },
  'standing-sequence': {
    what: 'the sequence of its packets is always 1',
    // The sender counts none.
    encode: (packet) => encodeFrame(encodePacket(packet)),
  },
} satisfies Record<string, MistakeKind>;

/** Name of a mistake. */
export type WireMistake = keyof typeof KINDS;

/** All mistakes, with what each is, for people. */
export const WIRE_MISTAKES: readonly (readonly [WireMistake, string])[] = Object.entries(KINDS).map(
  ([name, { what }]) => [name as WireMistake, what],
);

/** What a device writes for its packets, with this mistake or without one. */
export function wireEncoder(
  mistake: WireMistake | undefined,
  protocol: Protocol,
): (packet: McuPacket) => Uint8Array {
  if (mistake === undefined) return (packet) => encodeFrame(encodePacket(packet));
  const kind: MistakeKind = KINDS[mistake];
  let count = 0;
  return (packet) => kind.encode(packet, protocol, carriesPoints(packet.subject) ? count++ : 0);
}
