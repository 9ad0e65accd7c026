/** The lines of `siot-mcu watch --raw --json` (docs/contract.md, "siot-mcu watch"). */
import { plainValue, type Point } from '../../point/point.js';
import type { MessageCodec } from '../../signals/message-codec.js';
import type { CanFrame } from '../../transport/frame.js';
import type {
  CrossedItem,
  Decoded,
  DecodedPacket,
  DiscardedFrame,
  FrameMeaning,
  Notice,
} from './decoded.js';

/** `hex`: with the bytes. */
export function jsonLine(decoded: Decoded, hex = true): string {
  const time = String(decoded.wallNs);
  if (!('direction' in decoded)) return JSON.stringify({ time, ...plainNotice(decoded) });
  const { direction, bytes } = decoded;
  const inHex = hex ? { hex: Buffer.from(bytes).toString('hex') } : {};
  return JSON.stringify({ time, direction, ...inHex, ...plainItem(decoded) });
}

function plainNotice(notice: Notice): object {
  switch (notice.kind) {
    case 'begin': {
      const { name: link, transport, port, problem: reason } = notice;
      return { link, transport, port, ...(reason === undefined ? {} : { reason }) };
    }
    case 'opened':
      return { port: 'open', transport: notice.transport };
    case 'closed':
      return { port: 'closed', reason: notice.reason };
    case 'channelDiscard':
      return { discarded: { cause: notice.cause } };
    case 'lost':
      return { lost: { units: notice.units, bytes: notice.bytes } };
    case 'note':
      return { note: notice.text };
  }
}

function plainItem(item: CrossedItem): object {
  switch (item.kind) {
    case 'packet':
      return { packet: plainPacket(item.packet) };
    case 'discarded':
      return { discarded: plainDiscard(item) };
    case 'text':
      return { text: item.text };
    case 'incomplete':
      return { incomplete: 'end' };
    case 'cut':
      return { incomplete: 'beginning' };
    case 'zeros':
      return { delimiters: item.bytes.length };
    case 'frame':
      return { can: plainFrame(item.frame), ...plainMeaning(item.frame.data, item) };
  }
}

function plainPacket(packet: DecodedPacket): object {
  const { points, highRate, acknowledged, again, isEcho, ...rest } = packet;
  return {
    ...rest,
    ...(points === undefined ? {} : { points: points.map(plainPoint) }),
    ...(highRate === undefined ? {} : { highRate: { ...highRate, time: String(highRate.time) } }),
    ...(acknowledged === undefined ? {} : { acknowledged: rounded(acknowledged) }),
    ...(again === undefined ? {} : { again: rounded(again) }),
    ...(isEcho === undefined ? {} : { echo: true }),
  };
}

const plainPoint = ({ type, key, value, time, tombstone, origin }: Point): object => ({
  type,
  key,
  value: plainValue(value),
  time: String(time),
  ...(tombstone === 0 ? {} : { tombstone }),
  ...(origin === '' ? {} : { origin }),
});

/** ms to the microsecond. */
const rounded = (times: object): object =>
  Object.fromEntries(
    Object.entries(times).map(([name, value]: [string, unknown]) => [
      name,
      typeof value === 'number' ? Math.round(value * 1000) / 1000 : value,
    ]),
  );

const plainDiscard = ({ cause, crc, length, hint, text }: DiscardedFrame): object => ({
  cause,
  ...crc,
  ...(length === undefined ? {} : { length }),
  ...(hint === undefined ? {} : { hint }),
  ...(text === undefined ? {} : { text }),
});

const plainFrame = ({ id, extended, fd, bitRateSwitch }: CanFrame): object => ({
  id: id
    .toString(16)
    .toUpperCase()
    .padStart(extended ? 8 : 3, '0'),
  fd,
  ...(fd ? { bitRateSwitch } : {}),
});

function plainMeaning(data: Uint8Array, { isoTp, message }: FrameMeaning): object {
  if (message !== undefined) return { message: plainMessage(message, data) };
  if (isoTp === undefined) return {};
  if (typeof isoTp === 'string') return { isoTp: { kind: isoTp } };
  switch (isoTp.kind) {
    case 'single':
      return { isoTp: { kind: 'single', length: isoTp.data.length } };
    case 'first':
      return { isoTp: { kind: 'first', length: isoTp.length } };
    case 'consecutive':
      return { isoTp: { kind: 'consecutive', sequence: isoTp.sequence } };
    case 'flowControl':
      return { isoTp };
  }
}

function plainMessage(codec: MessageCodec, data: Uint8Array): object {
  const signals: Record<string, number | string> = {};
  const text: Record<string, string> = {};
  codec.decode(data, (signal, code) => {
    const { name } = signal.signal;
    const number = signal.value(code);
    // JSON has no NaN, and a double not all digits of 64 bits.
    const isExact = Number.isFinite(number) && (signal.isFloat || Math.abs(number) < 2 ** 53);
    signals[name] = isExact ? number : signal.valueText(code);
    const word = signal.text(code);
    if (word !== undefined) text[name] = word;
  });
  return { name: codec.message.name, signals, text };
}
