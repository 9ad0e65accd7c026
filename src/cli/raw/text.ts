/** The lines of `siot-mcu watch --raw` for people. */
import { CRC_LENGTH, PAYLOAD_AT } from '../../packet/packet.js';
import { isDeleted, type Point } from '../../point/point.js';
import { plainText, valueText } from '../../point/value-text.js';
import { cansendText } from '../../signals/candump.js';
import type { MessageCodec } from '../../signals/message-codec.js';
import type { ChannelDiscard } from '../../transport/transport.js';
import { harmless } from '../harmless.js';
import { clockTime, nameOf } from '../watch-lines.js';
import type {
  Acknowledged,
  CrossedItem,
  Decoded,
  DecodedPacket,
  DiscardCause,
  DiscardedFrame,
  FrameMeaning,
  Notice,
  PacketKind,
} from './decoded.js';

const BYTES_A_LINE = 16;
/** Below the kind of a line. */
const INDENT = ' '.repeat(15);

/** The lines of one item. `hex`: with its bytes. */
export function textLines(decoded: Decoded, hex: boolean): string[] {
  if (!('direction' in decoded)) return [`${clockTime(decoded.wallNs)} -- ${noticeText(decoded)}`];
  const arrow = decoded.direction === 'up' ? '▲' : '▼';
  const line = `${clockTime(decoded.wallNs)} ${arrow} ${itemText(decoded)}`;
  // A CAN frame has its bytes in the line.
  return hex && decoded.kind !== 'frame' ? [line, ...hexLines(decoded.bytes)] : [line];
}

function* hexLines(bytes: Uint8Array): Generator<string> {
  for (let at = 0; at < bytes.length; at += BYTES_A_LINE) {
    const part = bytes.subarray(at, at + BYTES_A_LINE);
    yield INDENT + [...part].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  }
}

function noticeText(notice: Notice): string {
  switch (notice.kind) {
    case 'begin': {
      const { name, transport, port, problem } = notice;
      const why = problem === undefined ? '' : `: ${problem}`;
      return harmless(`${name}: ${transport}: port ${port}${why}; ▲ from the device, ▼ to it`);
    }
    case 'opened':
      return harmless(`port opened: ${notice.transport}`);
    case 'closed':
      return harmless(`port closed: ${notice.reason}`);
    case 'channelDiscard':
      return `discarded: ${CHANNEL_CAUSES[notice.cause]}`;
    case 'lost':
      return `${notice.units} chunks or frames (${notice.bytes} bytes) are missing here: more crosses the link than this program can show`;
    case 'note':
      return harmless(notice.text);
  }
}

const CHANNEL_CAUSES: Readonly<Record<ChannelDiscard, string>> = {
  canFrame: 'a frame of CAN FD, and the link is not configured for it (fd: true)',
  canOverrun: 'a CAN frame for which the queue of the link had no room',
};

const KINDS: Readonly<Record<PacketKind, string>> = {
  points: 'points',
  hello: 'hello',
  timeSync: 'timeSync',
  ack: 'ack',
  log: 'log',
  highRate: 'phr',
  file: 'file',
};

function itemText(item: CrossedItem): string {
  const size = `${item.bytes.length} B`;
  switch (item.kind) {
    case 'packet':
      return packetText(item.packet, size);
    case 'discarded':
      return `discarded${item.bytes.length === 0 ? '' : ` ${size}`}: ${discardText(item)}`;
    case 'text':
      return `text ${size}: ${harmless(JSON.stringify(item.text))}`;
    case 'incomplete':
      return `bytes ${size}: no end of a frame so far`;
    case 'cut':
      return `bytes ${size}: the end of a frame whose beginning was not seen`;
    case 'zeros':
      return `bytes ${size}: delimiters with no frame between them`;
    case 'frame': {
      const meaning = meaningText(item.frame.data, item);
      return `${cansendText(item.frame)}${meaning === '' ? '' : `  ${meaning}`}`;
    }
  }
}

function packetText(packet: DecodedPacket, size: string): string {
  const { kind, sequence, subject, isEcho, again } = packet;
  const name = KINDS[kind];
  const parts = [
    `${name.padEnd(8)} seq ${String(sequence).padEnd(3)} ${size}`,
    subject === '' || subject === name ? '' : `subject ${harmless(JSON.stringify(subject))}`,
    contentText(packet),
    again === undefined
      ? ''
      : `(transmission ${again.transmission}, ${ms(again.sinceFirstMs)} after the first)`,
    isEcho === undefined ? '' : '(echo: the line returns what the gateway has sent)',
  ];
  return parts.filter((part) => part !== '').join('  ');
}

function contentText(packet: DecodedPacket): string {
  const { kind, points, text, highRate, file, acknowledged } = packet;
  switch (kind) {
    case 'points':
      return (points ?? []).map(pointText).join(', ');
    case 'timeSync':
      return timeText(points?.[0]?.time ?? 0n);
    case 'hello':
      return '';
    case 'ack':
      return packet.isEcho === undefined ? ackText(acknowledged) : '';
    case 'log':
      return harmless(JSON.stringify(text ?? ''));
    case 'highRate':
      return highRate === undefined
        ? 'shorter than its header and one sample'
        : `${nameOf(highRate)}: ${highRate.samples} samples, one each ${ms(highRate.periodNs / 1e6)}`;
    case 'file': {
      if (file === undefined) return 'shorter than its header';
      const what = file.block === -1 ? 'end' : `block ${file.block}, ${file.bytes} bytes`;
      return `${harmless(JSON.stringify(file.name))} ${what}`;
    }
  }
}

function pointText(point: Point): string {
  const deleted = isDeleted(point) ? ' (deleted)' : '';
  const origin = point.origin === '' ? '' : ` (origin ${harmless(point.origin)})`;
  return `${nameOf(point)} = ${harmless(valueText(point.value))}${deleted}${origin}`;
}

function ackText(acknowledged: Acknowledged | undefined): string {
  if (acknowledged === undefined) return 'of a packet that was not seen here';
  const { roundTripMs, sinceFirstMs, transmissions, isRepeated } = acknowledged;
  const again = isRepeated ? 'again, ' : '';
  if (transmissions === 1) return `${again}${ms(roundTripMs)} after the packet`;
  return `${again}${ms(roundTripMs)} after transmission ${transmissions}, ${ms(sinceFirstMs)} after the first`;
}

/** Least length of a packet: sequence, subject and CRC. */
const SHORTEST = PAYLOAD_AT + CRC_LENGTH;

function discardText({ cause, crc, length, hint, text }: DiscardedFrame): string {
  const parts = [CAUSES[cause]];
  if (crc !== undefined)
    parts.push(`it has ${hex16(crc.stated)}, its bytes give ${hex16(crc.computed)}`);
  if (cause === 'short') parts.push(`${length ?? 0} bytes; a packet has ${SHORTEST} or more`);
  if (hint !== undefined) parts.push(hint);
  if (text !== undefined) parts.push(`as text ${harmless(JSON.stringify(text))}`);
  return parts.join(': ');
}

const CAUSES: Readonly<Record<DiscardCause, string>> = {
  oversize: 'longer than the maxFrameLength of the link',
  malformed: 'wrong COBS: a code byte points past the end of the frame',
  short: 'too short for a packet',
  crc: 'wrong CRC',
  payload: 'wrong payload',
  isoTpFrame: 'no frame of ISO-TP, or one that contradicts its length',
  isoTpSequence: 'a consecutive frame of the packet is missing, or came twice',
  isoTpUnexpected: 'a frame that is not due, or a packet that another one interrupts',
  isoTpTimeout: 'the next frame of the packet did not come within 1 s',
  isoTpOverflow: 'the receiver has no room for the packet',
};

function meaningText(data: Uint8Array, { isoTp, message }: FrameMeaning): string {
  if (message !== undefined) return harmless(messageText(message, data));
  if (isoTp === undefined || isoTp === 'malformed') return '';
  if (isoTp === 'foreign') return 'for another address of ISO-TP';
  switch (isoTp.kind) {
    case 'single':
      return `single frame, ${isoTp.data.length} bytes`;
    case 'first':
      return `first frame of ${isoTp.length} bytes`;
    case 'consecutive':
      return `consecutive frame ${isoTp.sequence}`;
    case 'flowControl':
      return isoTp.status === 'continue'
        ? `flow control: continue, block size ${isoTp.blockSize}, STmin ${ms(isoTp.stMin)}`
        : `flow control: ${isoTp.status}`;
  }
}

function messageText(codec: MessageCodec, data: Uint8Array): string {
  const values: string[] = [];
  codec.decode(data, (signal, code) => {
    const { name, unit } = signal.signal;
    const text = signal.text(code);
    const value = text === undefined ? signal.valueText(code) : plainText(text);
    values.push(`${name} = ${value}${text !== undefined || unit === '' ? '' : ` ${unit}`}`);
  });
  return `${codec.message.name}: ${values.join(', ')}`;
}

function timeText(ns: bigint): string {
  const date = new Date(Number(ns / 1_000_000n));
  return Number.isNaN(date.getTime()) ? `${ns} ns` : date.toISOString();
}

/** ms with a digit below 10, and with as many as a bench reads. */
function ms(value: number): string {
  const shown = value < 10 ? value.toFixed(1) : value.toFixed(0);
  return `${shown.replace(/\.0$/, '')} ms`;
}

const hex16 = (value: number): string => `0x${value.toString(16).padStart(4, '0')}`;
