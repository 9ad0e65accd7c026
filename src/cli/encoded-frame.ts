/** Makes a frame of words SIGNAL=VALUE. */
import { nearest } from '../gateway/config/nearest.js';
import type { DatabaseCodec } from '../signals/database-codec.js';
import { parseDecimal } from '../signals/decimal.js';
import type { MessageCodec } from '../signals/message-codec.js';
import type { Code, SignalCodec } from '../signals/signal-codec.js';
import { CliError, EXIT_WRONG } from './errors.js';

const wrong = (message: string): CliError => new CliError(message, EXIT_WRONG);

const MAX_FRAME_LENGTH = 64;

/**
 * The message of this name. Throws a {@link CliError} if there is none, or several, or if
 * it does not fit into one frame.
 */
export function findMessage(codec: DatabaseCodec, name: string): MessageCodec {
  const [found, second] = codec.named(name);
  if (found === undefined) {
    const near = nearest(
      name,
      codec.messages.map(({ message }) => message.name),
    );
    throw wrong(
      `the database has no message ${name}${near === undefined ? '' : `; did you mean ${near}?`}`,
    );
  }
  if (second !== undefined) {
    throw wrong(
      second.message.bus === found.message.bus
        ? `the database has two messages ${name}; rename one of them`
        : `${name} is on the buses ${found.message.bus} and ${second.message.bus}; choose one with --bus`,
    );
  }
  const { length } = found.message;
  if (length <= MAX_FRAME_LENGTH && (length <= 8 || found.message.fd)) return found;
  throw wrong(`${name} has ${length} bytes and fits no single frame; it cannot be sent as one`);
}

/** Data of a frame. `say` is called for each value that was rounded. Throws a {@link CliError}. */
export function encodeWords(
  codec: MessageCodec,
  words: readonly string[],
  say: (note: string) => void,
): Uint8Array {
  const problems: string[] = [];
  const codes = new Map<string, Code>();
  for (const word of words) {
    const [name, value] = splitWord(word);
    const signal = codec.signal(name);
    if (value === undefined) problems.push(`${JSON.stringify(word)} is no SIGNAL=VALUE`);
    else if (signal === undefined) problems.push(noSignal(codec, name));
    else if (codes.has(name)) problems.push(`${name} is given twice`);
    else {
      const result = codeOf(signal, value, say);
      if (typeof result === 'object') problems.push(result.problem);
      else codes.set(name, result);
    }
  }
  if (problems.length === 0) problems.push(...multiplexProblems(codec, codes));
  const data = problems.length === 0 ? codec.encode(codes) : new Uint8Array(0);
  if (problems.length === 0) problems.push(...contradictions(codec, codes, data));
  if (problems.length > 0) throw wrong(problems.join('\nsiot-mcu: '));
  return data;
}

function splitWord(word: string): [string, string?] {
  const at = word.indexOf('=');
  return at === -1 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}

function noSignal({ message }: MessageCodec, name: string): string {
  const names = message.signals.map((signal) => signal.name);
  const near = nearest(name, names);
  if (near !== undefined) return `${message.name} has no signal ${name}; did you mean ${near}?`;
  return `${message.name} has no signal ${name}; it has ${names.length === 0 ? 'none' : names.join(', ')}`;
}

function codeOf(
  signal: SignalCodec,
  word: string,
  say: (note: string) => void,
): Code | { readonly problem: string } {
  const { name } = signal.signal;
  const number = parseDecimal(word);
  if (number === undefined) {
    const code = signal.codeOfText(word) ?? specialCode(signal, word);
    if (code !== undefined) return code;
    return { problem: `${name}=${word}: ${unknownText(signal, word)}` };
  }
  const result = signal.codeOfValue(number);
  if (typeof result === 'string') return { problem: `${name}=${word} is outside ${result}` };
  // A decimal has no negative zero, but a float has one.
  const isMinusZero = number.digits === 0n && word.startsWith('-');
  if (isMinusZero) return specialCode(signal, '-0') ?? result.code;
  if (!result.exact)
    say(`${name}=${word} lies between two codes; sent is ${signal.valueText(result.code)}`);
  return result.code;
}

/** Numbers that only floats have, in all spellings that people and programs use. */
const SPECIAL = /^([+-]?)(?:(nan)|(inf|infinity)|0)$/i;

function specialCode(signal: SignalCodec, word: string): Code | undefined {
  const [, sign, nan, infinity] = SPECIAL.exec(word) ?? [];
  if (sign === undefined) return undefined;
  const size = nan !== undefined ? Number.NaN : infinity !== undefined ? Infinity : 0;
  const code = signal.codeOfSpecial(sign === '-' ? -size : size);
  return typeof code === 'string' ? undefined : code;
}

function unknownText(signal: SignalCodec, word: string): string {
  const known = [...new Set(signal.texts.values())];
  if (known.length === 0) return `give a number from ${signal.allowed}`;
  const near = nearest(word, known);
  return near === undefined
    ? `give a number from ${signal.allowed}, or one of ${known.join(', ')}`
    : `no such text; did you mean ${near}?`;
}

/**
 * Multiplexers that are missing, and signals that are not in this frame: its multiplexers
 * select which signals it holds.
 */
function multiplexProblems(codec: MessageCodec, codes: ReadonlyMap<string, Code>): string[] {
  const selected = codec.selected(codes);
  const problems: string[] = [];
  for (const multiplexer of codec.signals) {
    const { name, isMultiplexer } = multiplexer.signal;
    if (!isMultiplexer || codes.has(name) || !selected.has(multiplexer)) continue;
    const codesOfIt = codec.signals.flatMap(({ signal: { selection } }) =>
      selection?.by === name ? [rangesText(selection.ranges)] : [],
    );
    const known = [...new Set(codesOfIt)].join(', ');
    problems.push(
      `${name} is missing: it says which signals the frame holds${known === '' ? '' : ` (${known})`}`,
    );
  }
  if (problems.length > 0) return problems;
  for (const name of codes.keys()) {
    const signal = codec.signal(name);
    const selection = signal?.signal.selection;
    if (signal === undefined || selection === undefined || selected.has(signal)) continue;
    problems.push(
      `${name} is only in frames in which the code of ${selection.by} is ${rangesText(selection.ranges)}`,
    );
  }
  return problems;
}

function rangesText(ranges: readonly { readonly from: bigint; readonly to: bigint }[]): string {
  return ranges.map(({ from, to }) => (from === to ? String(from) : `${from} to ${to}`)).join(', ');
}

/** Signals that share bits, and need different values of these bits. */
function contradictions(
  codec: MessageCodec,
  codes: ReadonlyMap<string, Code>,
  data: Uint8Array,
): string[] {
  const problems: string[] = [];
  codec.decode(data, (signal, code) => {
    const { name } = signal.signal;
    const wanted = codes.get(name);
    if (wanted === undefined || Object.is(code, wanted) || code === wanted) return;
    problems.push(`${name} shares bits with another of the signals, which would change it`);
  });
  return problems;
}
