/**
 * Devices that do not talk, as the bytes that they send: each message is sent once a
 * second. Made with the firmware's own codec.
 */
import { POINT_CODECS, type Protocol } from '../../../firmware-sim/codec.js';
import { encodeFrame } from '../../../firmware-sim/cobs.js';
import { crc16, encodePacket } from '../../../firmware-sim/packet.js';
import { mcuPoint } from '../../../firmware-sim/points.js';
import type { DiagnosisCause } from '../../../src/session/diagnosis/diagnosis.js';
import { reread } from './reread.js';

export interface BrokenDevice {
  readonly name: string;
  readonly cause: DiagnosisCause;
  /** Words that the text for people must have. */
  readonly says: readonly string[];
  /** The message of a second, counted from 0. */
  readonly message: (second: number) => Uint8Array;
}

const latin = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const joined = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(Buffer.concat(parts));

export const pointsOf = (second: number, protocol: Protocol): Uint8Array =>
  POINT_CODECS[protocol].encode([
    mcuPoint({
      type: 'temp',
      value: 20 + second * 0.37,
      time: 1_767_323_045_678_901_234n + BigInt(second) * 1_000_000_007n,
    }),
  ]);

const packetOf = (second: number, protocol: Protocol, subject = ''): Uint8Array =>
  encodePacket({ sequence: (second % 255) + 1, subject, payload: pointsOf(second, protocol) });

const body = (second: number, protocol: Protocol): Uint8Array =>
  packetOf(second, protocol).subarray(0, -2);

const u16 = (crc: number, swapped = false): Uint8Array =>
  swapped ? Uint8Array.of(crc >>> 8, crc & 0xff) : Uint8Array.of(crc & 0xff, crc >>> 8);

/** A CRC by its definition, bit by bit, from the catalogue's unreflected polynomial. */
export function crcBy(poly: number, init: number, reflect: boolean, xorOut: number) {
  const reverse = (value: number, bits: number): number => {
    let out = 0;
    for (let bit = 0; bit < bits; bit++) if (value & (1 << bit)) out |= 1 << (bits - 1 - bit);
    return out;
  };
  return (bytes: Uint8Array): number => {
    let crc = init;
    for (const byte of bytes) {
      crc ^= (reflect ? reverse(byte, 8) : byte) << 8;
      for (let bit = 0; bit < 8; bit++)
        crc = crc & 0x8000 ? ((crc << 1) ^ poly) & 0xffff : (crc << 1) & 0xffff;
    }
    return (reflect ? reverse(crc, 16) : crc) ^ xorOut;
  };
}

const withCrc =
  (of: (body: Uint8Array) => Uint8Array) =>
  (second: number): Uint8Array => {
    const bytes = packetOf(second, second % 2 === 0 ? 'compact' : 'protobuf', 'proto').subarray(
      0,
      -2,
    );
    return encodeFrame(joined(bytes, of(bytes)));
  };

const algorithm = (name: string, crc: (bytes: Uint8Array) => number): BrokenDevice => ({
  name: `the CRC is ${name}`,
  cause: 'crcAlgorithm',
  says: [name, 'CRC-16/KERMIT'],
  message: withCrc((bytes) => u16(crc(bytes))),
});

const range = (what: string, of: (bytes: Uint8Array) => Uint8Array): BrokenDevice => ({
  name: `the CRC covers ${what}`,
  cause: 'crcRange',
  says: [`it covers ${what}`],
  message: withCrc((bytes) => u16(crc16(of(bytes)))),
});

/** SIOT's Arduino examples up to February 2023: sequence, protobuf { 1 subject, 2 points }, CRC; only a zero behind it. */
export function oldArduino(
  second: number,
  { points = 1, subject = '', crcLength = (length: number): number => length & 0xff } = {},
): Uint8Array {
  const text = (field: number, value: string): Uint8Array =>
    joined(Uint8Array.of((field << 3) | 2, value.length), latin(value));
  const value = Buffer.alloc(5);
  value[0] = (4 << 3) | 5;
  const lists = Array.from({ length: points }, (_, i) => {
    value.writeFloatLE(20 + second + i, 1);
    const point = joined(
      text(2, i === 0 ? 'temp' : `testPoint${String(i)}`),
      Uint8Array.from(value),
      text(11, 'front'),
    );
    return joined(Uint8Array.of((2 << 3) | 2, point.length), point);
  });
  const bytes = joined(
    Uint8Array.of(second & 0xff),
    ...(subject === '' ? [] : [text(1, subject)]),
    ...lists,
  );
  return encodeFrame(
    joined(bytes, u16(crc16(bytes.subarray(0, crcLength(bytes.length))))),
  ).subarray(1);
}

const ten =
  (of: (second: number) => Uint8Array) =>
  (second: number): Uint8Array =>
    joined(...Array.from({ length: 10 }, (_, i) => of(second * 10 + i)));

const slip = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.from([
    0xc0,
    ...[...bytes].flatMap((byte) =>
      byte === 0xc0 ? [0xdb, 0xdc] : byte === 0xdb ? [0xdb, 0xdd] : [byte],
    ),
    0xc0,
  ]);

const modbus = crcBy(0x8005, 0xffff, true, 0);

export const BROKEN_DEVICES: readonly BrokenDevice[] = [
  {
    name: 'prints temp=23.5',
    cause: 'text',
    says: ['temp=23.5', 'firmware'],
    message: () => latin('temp=23.5\r\n'),
  },
  {
    name: 'prints in UTF-8, ends its lines with a zero',
    cause: 'text',
    says: ['Temperatur: 21,5 °C'],
    message: () => Buffer.from('Temperatur: 21,5 °C\0'),
  },
  {
    name: 'a shell of Zephyr',
    cause: 'shell',
    says: ['protocol: shell'],
    message: (s) =>
      s === 0 ? latin('\r\n\u001b[1;32muart:~$ \u001b[m') : latin('pt temp 0 FLT 23.5\r\n'),
  },
  {
    name: 'Zephyr’s log',
    cause: 'shell',
    says: ['<inf>'],
    message: (s) => latin(`[00:00:0${String(s % 10)}.123,456] <inf> app: temp ${String(s)}\r\n`),
  },
  {
    name: 'lines of JSON',
    cause: 'json',
    says: ['{"temp":'],
    message: (s) => latin(`{"temp":${String(20 + s)}}\n`),
  },
  {
    name: 'a GNSS receiver',
    cause: 'nmea',
    says: ['NMEA'],
    message: () => latin('$GPGLL,4916.45,N,12311.12,W,225444,A,*1D\r\n'),
  },
  {
    name: 'a Modbus master',
    cause: 'modbus',
    says: ['Modbus'],
    message: (s) => {
      const ask = Uint8Array.of(1 + (s % 3), 3, 0, 0x6b, 0, 3);
      return joined(ask, u16(modbus(ask)));
    },
  },
  {
    name: 'SLIP',
    cause: 'slip',
    says: ['0xc0', 'COBS'],
    message: (s) => slip(packetOf(s, 'compact')),
  },
  {
    name: 'COBS without any zero',
    cause: 'noZero',
    says: ['zero byte'],
    message: (s) => encodeFrame(packetOf(s, 'protobuf')).slice(1, -1),
  },
  {
    name: 'packets without COBS, between zeros',
    cause: 'noCobs',
    says: ['COBS'],
    message: (s) => joined(Uint8Array.of(0), packetOf(s, 'compact'), Uint8Array.of(0)),
  },
  {
    name: 'packets without COBS, one after another',
    cause: 'noCobs',
    says: ['COBS'],
    message: (s) => packetOf(s, 'protobuf'),
  },
  {
    name: 'bare compact points',
    cause: 'barePayload',
    says: ['into a packet'],
    message: (s) => pointsOf(s, 'compact'),
  },
  {
    name: 'bare protobuf points',
    cause: 'barePayload',
    says: ['into a packet'],
    message: (s) => pointsOf(s, 'protobuf'),
  },
  {
    name: 'points in COBS, without a packet',
    cause: 'barePayload',
    says: ['COBS frames'],
    message: (s) => encodeFrame(pointsOf(s, 'compact')),
  },
  {
    name: 'no subject at all',
    cause: 'subjectLength',
    says: ['byte 1 in place of 17'],
    message: (s) => {
      const bytes = joined(Uint8Array.of(s + 1), pointsOf(s, 'compact'));
      return encodeFrame(joined(bytes, u16(crc16(bytes))));
    },
  },
  {
    name: 'a subject that ends at its first zero',
    cause: 'subjectLength',
    says: ['byte 7 in place of 17'],
    message: (s) => {
      const bytes = joined(Uint8Array.of(s + 1), latin('proto\0'), pointsOf(s, 'protobuf'));
      return encodeFrame(joined(bytes, u16(crc16(bytes))));
    },
  },
  {
    name: 'no CRC',
    cause: 'crcMissing',
    says: ['append the CRC'],
    message: (s) => encodeFrame(body(s, 'protobuf')),
  },
  {
    name: 'no CRC, compact',
    cause: 'crcMissing',
    says: ['append the CRC'],
    message: (s) => encodeFrame(body(s, 'compact')),
  },
  {
    name: 'the CRC’s bytes swapped',
    cause: 'crcSwapped',
    says: ['swapped', 'is right'],
    message: withCrc((bytes) => u16(crc16(bytes), true)),
  },
  range('the payload alone', (bytes) => bytes.subarray(17)),
  range('subject and payload, without the sequence', (bytes) => bytes.subarray(1)),
  range('sequence and subject, without the payload', (bytes) => bytes.subarray(0, 17)),
  range('two bytes for the CRC itself as well', (bytes) => joined(bytes, new Uint8Array(2))),
  range('a zero byte after the packet as well', (bytes) => joined(bytes, new Uint8Array(1))),
  range('the bytes after COBS', (bytes) => encodeFrame(bytes).slice(1, -1)),
  algorithm('CRC-16/CCITT-FALSE', crcBy(0x1021, 0xffff, false, 0)),
  algorithm('CRC-16/XMODEM', crcBy(0x1021, 0, false, 0)),
  algorithm('CRC-16/MODBUS', modbus),
  algorithm('CRC-16/ARC', crcBy(0x8005, 0, true, 0)),
  algorithm('CRC-16/X-25', crcBy(0x1021, 0xffff, true, 0xffff)),
  algorithm('CRC-16/DNP', crcBy(0x3d65, 0, true, 0xffff)),
  {
    name: 'a CRC that nobody knows',
    cause: 'crcWrong',
    says: ['it says 0x', 'is right'],
    message: withCrc((bytes) => u16(crc16(bytes) ^ 0x1234)),
  },
  {
    name: 'a payload of JSON in a good packet',
    cause: 'payload',
    says: ['{"temp":21}'],
    message: (s) =>
      encodeFrame(
        encodePacket({ sequence: s + 1, subject: 'proto', payload: latin('{"temp":21}') }),
      ),
  },
  {
    name: 'SIOT’s older Arduino example',
    cause: 'oldArduino',
    says: ['Arduino', '16 bytes'],
    message: (s) => oldArduino(s),
  },
  {
    name: 'SIOT’s older Arduino example with 10 points, whose CRC is wrong',
    cause: 'oldArduino',
    says: ['a length of 8 bits'],
    message: (s) => oldArduino(s, { points: 12 }),
  },
  {
    name: 'SIOT’s older Arduino example for high rate',
    cause: 'oldArduino',
    says: ['Arduino'],
    message: (s) => oldArduino(s, { subject: 'phr' }),
  },
  {
    name: 'text in COBS frames, as of another Arduino example',
    cause: 'framedText',
    says: ['subject log'],
    message: (s) =>
      encodeFrame(latin(`Mini-ATS COBS Test Msg: ${String(s).padStart(8, '0')}`)).slice(1),
  },
  {
    name: 'logs only',
    cause: 'onlyLogs',
    says: ['hello from'],
    message: (s) =>
      encodeFrame(
        encodePacket({ sequence: s + 1, subject: 'log', payload: latin('hello from the pump') }),
      ),
  },
  {
    name: 'COBS whose code bytes are one too small',
    cause: 'malformed',
    says: ['distance'],
    message: (s) => {
      const frame = Buffer.from(encodeFrame(packetOf(s, 'compact')));
      for (let at = 1; at < frame.length - 1;) {
        const code = frame[at] ?? 1;
        frame[at] = code + 40;
        at += code;
      }
      return Uint8Array.from(frame);
    },
  },
  {
    name: 'frames of 2,000 bytes',
    cause: 'tooLong',
    says: ['maxFrameLength'],
    message: (s) =>
      encodeFrame(
        encodePacket({
          sequence: s + 1,
          subject: '',
          payload: Buffer.alloc(2_000, `${String(s)}x`),
        }),
      ),
  },
  {
    name: 'frames of 3 bytes',
    cause: 'tooShort',
    says: ['19 bytes'],
    message: (s) => encodeFrame(Uint8Array.of(0x81, 1 + (s % 9), 0xfe)),
  },
  {
    name: '57,600 baud, read at 115,200',
    cause: 'baudRate',
    says: ['baud rate'],
    message: (s) => reread(encodeFrame(packetOf(s, 'compact')), 57_600, 115_200),
  },
  {
    name: '9,600 baud, read at 115,200',
    cause: 'baudRate',
    says: ['baud rate'],
    message: ten((s) => reread(latin(`temp=${String(s)}\r\n`), 9_600, 115_200)),
  },
  {
    name: '38,400 baud, read at 115,200',
    cause: 'baudRate',
    says: ['baud rate'],
    message: (s) => reread(encodeFrame(packetOf(s, 'protobuf')), 38_400, 115_200),
  },
];
