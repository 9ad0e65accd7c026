/**
 * What firmware computes in place of the CRC of a packet: another order of bytes,
 * range or algorithm. Each variant is tried on a frame whose CRC is wrong.
 */
import { FRAMINGS } from '../../framing/framings.js';
import { statedCrc } from '../../packet/crc.js';
import { PAYLOAD_AT } from '../../packet/packet.js';
import type { DiagnosisCause } from './diagnosis.js';

/** A CRC of 16 bits as catalogues describe it; `poly` is that of the bit order in use. */
interface Algorithm {
  readonly name: string;
  readonly poly: number;
  readonly init: number;
  readonly xorOut: number;
  /** The lowest bit of a byte comes first. */
  readonly reflected: boolean;
}

const KERMIT: Algorithm = {
  name: 'CRC-16/KERMIT',
  poly: 0x8408,
  init: 0,
  xorOut: 0,
  reflected: true,
};

const MODBUS: Algorithm = {
  name: 'CRC-16/MODBUS',
  poly: 0xa001,
  init: 0xffff,
  xorOut: 0,
  reflected: true,
};

/** Those that libraries for microcontrollers have. */
const ALGORITHMS: readonly Algorithm[] = [
  { name: 'CRC-16/XMODEM', poly: 0x1021, init: 0, xorOut: 0, reflected: false },
  { name: 'CRC-16/CCITT-FALSE', poly: 0x1021, init: 0xffff, xorOut: 0, reflected: false },
  { name: 'CRC-16/AUG-CCITT', poly: 0x1021, init: 0x1d0f, xorOut: 0, reflected: false },
  { name: 'CRC-16/GENIBUS', poly: 0x1021, init: 0xffff, xorOut: 0xffff, reflected: false },
  { name: 'CRC-16/BUYPASS', poly: 0x8005, init: 0, xorOut: 0, reflected: false },
  MODBUS,
  { name: 'CRC-16/ARC', poly: 0xa001, init: 0, xorOut: 0, reflected: true },
  { name: 'CRC-16/USB', poly: 0xa001, init: 0xffff, xorOut: 0xffff, reflected: true },
  { name: 'CRC-16/X-25', poly: 0x8408, init: 0xffff, xorOut: 0xffff, reflected: true },
  { name: 'CRC-16/MCRF4XX', poly: 0x8408, init: 0xffff, xorOut: 0, reflected: true },
  { name: 'CRC-16/DNP', poly: 0xa6bc, init: 0, xorOut: 0xffff, reflected: true },
];

function crcOf({ poly, init, xorOut, reflected }: Algorithm, bytes: Uint8Array): number {
  let crc = init;
  for (const byte of bytes) {
    crc ^= reflected ? byte : byte << 8;
    for (let bit = 0; bit < 8; bit++) {
      if (reflected) crc = crc & 1 ? (crc >>> 1) ^ poly : crc >>> 1;
      else crc = crc & 0x8000 ? ((crc << 1) ^ poly) & 0xffff : (crc << 1) & 0xffff;
    }
  }
  return crc ^ xorOut;
}

export const modbusCrc = (bytes: Uint8Array): number => crcOf(MODBUS, bytes);

const ZEROS = new Uint8Array(2);

/** Bytes that firmware may take instead of all before the CRC; `end`: where the CRC begins. */
const RANGES: readonly (readonly [
  name: string,
  of: (frame: Uint8Array, end: number) => Uint8Array,
])[] = [
  ['the payload alone', (frame, end) => frame.subarray(PAYLOAD_AT, end)],
  ['subject and payload, without the sequence', (frame, end) => frame.subarray(1, end)],
  ['sequence and subject, without the payload', (frame) => frame.subarray(0, PAYLOAD_AT)],
  [
    'a zero byte after the packet as well',
    (frame, end) => joined(frame.subarray(0, end), ZEROS.subarray(1)),
  ],
  ['two bytes for the CRC itself as well', (frame, end) => joined(frame.subarray(0, end), ZEROS)],
  ['the subject without its padding', (frame, end) => withoutPadding(frame, end)],
  [
    'the bytes after COBS',
    (frame, end) => FRAMINGS.cobs.encode(frame.subarray(0, end)).subarray(1, -1),
  ],
  [
    'the bytes after COBS, with their zeros',
    (frame, end) => FRAMINGS.cobs.encode(frame.subarray(0, end)),
  ],
  [
    'so many bytes as the lowest 8 bits of the length say',
    (frame, end) => frame.subarray(0, end > 0xff ? end & 0xff : 0),
  ],
];

const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => Buffer.concat([a, b]);

function withoutPadding(frame: Uint8Array, end: number): Uint8Array {
  let subjectEnd = PAYLOAD_AT;
  while (subjectEnd > 1 && frame[subjectEnd - 1] === 0) subjectEnd--;
  return joined(frame.subarray(0, subjectEnd), frame.subarray(PAYLOAD_AT, end));
}

/** What a frame's CRC is instead of the right one. */
export interface CrcVariant {
  readonly cause: Extract<DiagnosisCause, 'crcSwapped' | 'crcRange' | 'crcAlgorithm'>;
  /** For people. */
  readonly name: string;
}

/** The variants that explain the last two bytes of a frame; none where the CRC is right, or just wrong. */
export function* crcVariants(frame: Uint8Array): Generator<CrcVariant> {
  const end = frame.length - 2;
  const stated = statedCrc(frame, end);
  const statedSwapped = ((stated & 0xff) << 8) | (stated >>> 8);
  const whole = frame.subarray(0, end);
  const matches = (
    algorithm: Algorithm,
    bytes: Uint8Array,
  ): '' | ', its bytes swapped' | undefined => {
    if (bytes.length === 0) return undefined;
    const crc = crcOf(algorithm, bytes);
    if (crc === stated) return '';
    return crc === statedSwapped ? ', its bytes swapped' : undefined;
  };
  const swapped = matches(KERMIT, whole);
  if (swapped === '') return;
  if (swapped !== undefined) yield { cause: 'crcSwapped', name: 'its two bytes are swapped' };
  for (const [name, of] of RANGES) {
    const order = matches(KERMIT, of(frame, end));
    if (order !== undefined) yield { cause: 'crcRange', name: `it covers ${name}${order}` };
  }
  for (const algorithm of ALGORITHMS) {
    const order = matches(algorithm, whole);
    if (order !== undefined) {
      yield { cause: 'crcAlgorithm', name: `it is ${algorithm.name}${order}` };
    }
  }
  for (const algorithm of ALGORITHMS) {
    for (const [name, of] of RANGES.slice(0, 2)) {
      const order = matches(algorithm, of(frame, end));
      if (order !== undefined) {
        yield {
          cause: 'crcAlgorithm',
          name: `it is ${algorithm.name}, and covers ${name}${order}`,
        };
      }
    }
  }
}
