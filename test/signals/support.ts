import { readFileSync } from 'node:fs';
import type { SeededRandom } from '../../firmware-sim/random.js';
import { DatabaseCodec } from '../../src/signals/database-codec.js';
import type { Database, Message, Signal } from '../../src/signals/database.js';
import { DatabaseError } from '../../src/signals/database.js';
import { readDatabase } from '../../src/signals/formats.js';
import type { MessageCodec } from '../../src/signals/message-codec.js';
import type { Code } from '../../src/signals/signal-codec.js';

export const features = (format: 'dbc' | 'kcd'): Database =>
  readDatabase(readFileSync(`test/signals/features.${format}`));

export const parse = (text: string): Database => readDatabase(Buffer.from(text));

/** `LINE:COLUMN: …` of each problem. */
export function problemsOf(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return error.problems.map(({ line, column, message }) => `${line}:${column}: ${message}`);
  }
  return [];
}

export const warningsOf = (database: Database): string[] =>
  database.warnings.map(({ line, column, message }) => `${line}:${column}: ${message}`);

/** The codec of a message; the name must be its alone. */
export function codecOf(database: Database, name: string): MessageCodec {
  const [codec] = new DatabaseCodec(database).named(name);
  if (codec === undefined) throw new Error(`no message ${name}`);
  return codec;
}

export function decode(codec: MessageCodec, data: Uint8Array): Map<string, Code> {
  const codes = new Map<string, Code>();
  codec.decode(data, ({ signal }, code) => codes.set(signal.name, code));
  return codes;
}

/** Values, each digit of them. */
export function values(codec: MessageCodec, hex: string): Record<string, string> {
  const found: Record<string, string> = {};
  codec.decode(Buffer.from(hex, 'hex'), (signal, code) => {
    found[signal.signal.name] = signal.valueText(code);
  });
  return found;
}

/** Bits of a signal one by one, the highest first. */
export function* bitsOf({ start, length, byteOrder }: Signal): Generator<number> {
  let bit = byteOrder === 'little' ? start + length - 1 : start;
  for (let i = 0; i < length; i++) {
    yield bit;
    if (byteOrder === 'little') bit -= 1;
    else bit = bit % 8 === 0 ? bit + 15 : bit - 1;
  }
}

/** The slow way, in other words than the codec's: a string of digits, and a recursion over multiplexers. */
export function naiveDecode(message: Message, data: Uint8Array): Map<string, Code> {
  const codes = new Map<string, Code>();
  for (const signal of message.signals) {
    if (!isThere(message, signal, data)) continue;
    codes.set(signal.name, naiveCode(signal, data));
  }
  return codes;
}

function isThere(message: Message, signal: Signal, data: Uint8Array): boolean {
  if (Math.max(...bitsOf(signal)) >= data.length * 8) return false;
  const { selection } = signal;
  if (selection === undefined) return true;
  const multiplexer = message.signals.find(({ name }) => name === selection.by);
  if (multiplexer === undefined || !isThere(message, multiplexer, data)) return false;
  const code = BigInt(naiveCode(multiplexer, data));
  return selection.ranges.some(({ from, to }) => from <= code && code <= to);
}

function naiveCode(signal: Signal, data: Uint8Array): Code {
  const digits = [...bitsOf(signal)]
    .map((bit) => ((data[Math.floor(bit / 8)] ?? 0) / 2 ** (bit % 8)) & 1)
    .join('');
  const unsigned = BigInt(`0b${digits}`);
  if (signal.kind === 'single' || signal.kind === 'double') {
    const bytes = Buffer.from(unsigned.toString(16).padStart(signal.length / 4, '0'), 'hex');
    return signal.kind === 'single' ? bytes.readFloatBE() : bytes.readDoubleBE();
  }
  const negative = signal.kind === 'signed' && digits.startsWith('1');
  const code = negative ? unsigned - 2n ** BigInt(signal.length) : unsigned;
  return signal.length > 53 ? code : Number(code);
}

export function randomBytes(random: SeededRandom, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** Random data in which multiplexers mostly have codes that select something. */
export function randomFrame(random: SeededRandom, codec: MessageCodec): Uint8Array {
  const data = randomBytes(random, codec.message.length);
  for (const { selection } of codec.message.signals) {
    if (selection === undefined || random.chance(0.5)) continue;
    const range = selection.ranges[random.below(selection.ranges.length)];
    const multiplexer = codec.signal(selection.by);
    if (range === undefined || multiplexer === undefined) continue;
    multiplexer.write(data, multiplexer.signal.length > 53 ? range.from : Number(range.from));
  }
  return data;
}
