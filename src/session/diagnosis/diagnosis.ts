/**
 * Why a device does not talk: what was heard of it, and what to do
 * (docs/troubleshooting.md, "Why does it not talk?").
 */

/**
 * Who listens: what to do next depends on it. `serial`, `tcp` and `can` are links;
 * `probe` and `listen` are `siot-mcu probe`, without and with `--listen`.
 */
export type Listener = 'serial' | 'tcp' | 'can' | 'probe' | 'listen';

type Advice = string | Readonly<Record<Listener, string>>;

const WIRING =
  'are TX and RX swapped, is GND joined, is the device powered, and is it the right port?';
const NOT_THE_RATE = 'or it is another protocol than packets (docs/wire.md)';
const OTHER_RATES =
  'the device probably has another baud rate: give others by --baud (behind TCP, set it where the port is)';
const UNCLEAR_RATE = `most likely the baud rate differs (--baud takes others; behind TCP, set it where the port is), ${NOT_THE_RATE}`;

/** What to do, by cause; for people. */
const ADVICE = {
  silence: {
    serial: `${WIRING} Some devices speak only when they are spoken to: \`siot-mcu probe\` tries`,
    tcp:
      'is this the host and port of the device, is the device joined to that host (TX and RX swapped, GND?), ' +
      'and powered? Some devices speak only when they are spoken to: `siot-mcu probe HOST:PORT` tries',
    can:
      'is the device powered, are CAN H and CAN L joined and terminated at both ends, is the bit rate the same ' +
      'everywhere, and is rxId (with extendedIds) the identifier with which the device sends? `candump` shows all ' +
      'frames on the bus',
    probe: `${WIRING} It was spoken to as well, and has not answered`,
    listen: `${WIRING} Some devices speak only when they are spoken to: leave --listen out`,
  },
  echo:
    'the device itself says nothing. TX is joined to RX, or an adapter hears itself and no device answers ' +
    'behind it: look at the wiring, and whether the device is on',
  text:
    'is this the right firmware, and the right port of the board? Packets are described in docs/wire.md. ' +
    'Text for people belongs into packets with the subject log',
  shell:
    'this is the console of a shell. If its firmware has SIOT’s point shell, set protocol: shell; otherwise build ' +
    'it with packets (docs/wire.md), or choose another port of the board',
  json: 'the gateway reads points in packets (docs/wire.md), not lines of JSON: change the firmware',
  nmea: 'this is a receiver for satellite navigation or the like, and no device with points: is it the right port?',
  modbus:
    'this is Modbus RTU, and no device with points: is it the right port? Modbus belongs to SIOT’s own modbus node',
  slip: 'the firmware frames by SLIP (0xc0): use COBS with a zero byte before and after each frame (docs/wire.md)',
  framedText:
    'the firmware sends text in COBS frames, as older Arduino examples of SIOT do. Put points into packets, ' +
    'and text into packets with the subject log (docs/wire.md)',
  onlyLogs:
    'log packets have no CRC and no points. Let the firmware send points as well (docs/wire.md)',
  noZero: 'write a zero byte before and after each frame (docs/wire.md): without one no frame ends',
  noCobs:
    'encode each packet by COBS before it is written, and put a zero byte before and after it (docs/wire.md has the code)',
  barePayload:
    'put the points into a packet: sequence, subject of 16 bytes, points, CRC (docs/wire.md)',
  malformed:
    'is the frame encoded by COBS? Each code byte is the distance to the next zero, so that it is 1 where a zero ' +
    'follows at once (docs/wire.md has the code)',
  tooLong:
    'send shorter packets, or raise maxFrameLength of the link. Does each COBS frame end with a zero byte?',
  tooShort:
    'a packet has at least 19 bytes: sequence, subject of 16 bytes padded with zeros, CRC of 2 bytes (docs/wire.md)',
  subjectLength:
    'the subject has always 16 bytes, padded with zeros, and the payload begins at byte 17 (docs/wire.md)',
  crcMissing: 'append the CRC, two bytes, low byte first (docs/wire.md has the code)',
  crcSwapped: 'write the low byte of the CRC first (docs/wire.md)',
  crcRange:
    'the CRC covers sequence, subject and payload, before COBS, and nothing else (docs/wire.md)',
  crcAlgorithm:
    'the CRC is CRC-16/KERMIT: polynomial 0x8408 reflected, initial value 0, no final xor; "123456789" gives ' +
    '0x2189 (docs/wire.md has the code)',
  crcWrong:
    'compare the firmware’s CRC with docs/wire.md ("123456789" gives 0x2189): its algorithm, and which bytes it ' +
    'covers. If packets arrive at other times, the line damages them instead',
  payload:
    'points are encoded in protobuf or in the compact form (docs/wire.md has both, byte by byte)',
  otherCodec: 'set protocol of the link to that one, or to auto',
  twoCodecs: 'are two devices on this line? Give each a link of its own',
  sequenceStands:
    'count the sequence up for each new packet, 1 … 255 (docs/wire.md): otherwise an acknowledgement that comes ' +
    'late is taken for that of the next packet, whose points may be lost, and restarts are not noticed',
  deaf:
    'the device does not hear the gateway: is the wire from the gateway’s TX to its RX in place, and the level right? ' +
    'Or its firmware ignores acknowledgements (subject ack, the same sequence)',
  oldArduino:
    'this is the layout of SIOT’s Arduino examples before March 2023, which no SIOT from 0.10 on reads either: ' +
    'put a subject of 16 bytes between sequence and points, make points field 1, and compute the CRC with a 16-bit ' +
    'length (docs/wire.md)',
  damaged:
    'the line damages packets: bytes are lost or changed. Is the cable short and shielded, GND joined, the baud rate ' +
    'exact on both sides, and no other program reading from the port? ' +
    'If no packet ever arrives whole, compare the firmware’s COBS with docs/wire.md',
  isoTp:
    'does the firmware send packets by ISO-TP (docs/wire.md), and not by COBS or as bare frames? Do txId, rxId and ' +
    'the addresses of isotp fit the device, does no other device send with rxId, and does the device get the flow ' +
    'control that the gateway sends with txId?',
  baudRate: {
    serial: 'the device probably has another baud rate: `siot-mcu probe` tries them in turn',
    tcp: 'the device probably has another baud rate than its port: set it at the host that has the port',
    can: 'is rxId the identifier with which the device sends packets?',
    probe: OTHER_RATES,
    listen: OTHER_RATES,
  },
  unclear: {
    serial: `most likely the baud rate differs (\`siot-mcu probe\` tries them in turn), ${NOT_THE_RATE}`,
    tcp: `most likely the baud rate differs (it is set at the host that has the port), ${NOT_THE_RATE}`,
    can: `most likely rxId is not the identifier with which the device sends packets, ${NOT_THE_RATE}`,
    probe: UNCLEAR_RATE,
    listen: UNCLEAR_RATE,
  },
} as const satisfies Readonly<Record<string, Advice>>;

/**
 * Instead of the advice for `sequenceStands`, where the packets are all the same and the
 * device has acknowledged nothing: a device that is deaf looks the same.
 */
export const STANDS_OR_DEAF =
  'either the firmware does not count the sequence up for each new packet, 1 … 255 (docs/wire.md), or the device ' +
  'does not hear the gateway and repeats one packet: is the wire from the gateway’s TX to its RX in place, and does ' +
  'its firmware take acknowledgements (subject ack, the same sequence)?';

/** Why a device does not talk, or loses points though it does. */
export type DiagnosisCause = keyof typeof ADVICE;

/** All causes. */
export const DIAGNOSIS_CAUSES = Object.keys(ADVICE) as readonly DiagnosisCause[];

/** Why one device does not talk. Texts are for people; they do not change while the cause is the same. */
export interface Diagnosis {
  readonly cause: DiagnosisCause;
  /** What was heard, such as `about 10 bytes/s: lines of text, such as "temp=23.5"`. */
  readonly heard: string;
  /** What to do. */
  readonly advice: string;
}

/** A diagnosis; `heard`: see {@link Diagnosis}. */
export function diagnosis(cause: DiagnosisCause, heard: string, listener: Listener): Diagnosis {
  const advice: Advice = ADVICE[cause];
  return { cause, heard, advice: typeof advice === 'string' ? advice : advice[listener] };
}

/** A diagnosis as one text. */
export const diagnosisText = ({ heard, advice }: Diagnosis): string => `${heard}: ${advice}`;

/** What an analysis has found in a sample. */
export interface Finding {
  readonly cause: DiagnosisCause;
  /** What it was found by. For people. */
  readonly what: string;
  /** Several independent frames, or enough bytes, say so. */
  readonly conclusive: boolean;
}
