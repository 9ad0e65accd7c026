import { MAX_TOKEN_BYTES } from '../point/token.js';
import { DatabaseCodec } from './database-codec.js';
import type { Database } from './database.js';
import type { MessageCodec } from './message-codec.js';
import type { SignalCodec } from './signal-codec.js';

/** Settings of a link of signals, from the configuration. */
interface PlanOptions {
  /** Template of the points' keys, with `{message}` and `{signal}`. */
  readonly key: string;
  /** Names of the messages that are sent. */
  readonly transmit: readonly string[];
}

/** An error in the options of a plan. */
interface PlanProblem {
  /** The wrong option. */
  readonly option: keyof PlanOptions;
  /** Index in `transmit`. */
  readonly index?: number;
  /** What is wrong, for people. */
  readonly message: string;
}

/** A signal of a message that is sent. */
export interface SentSignal {
  readonly message: MessageCodec;
  readonly signal: SignalCodec;
}

/** What a link does with a database: a point for each signal, and the messages that it sends. */
export interface SignalPlan {
  readonly codec: DatabaseCodec;
  /** Keys of the signals' points. */
  readonly keys: ReadonlyMap<SignalCodec, string>;
  /** Signals of the messages that are sent, by the keys of their points. */
  readonly sent: ReadonlyMap<string, SentSignal>;
}

/** Bytes. Longer messages need several frames (J1939, ISO-TP). */
const MAX_FRAME_LENGTH = 64;

/** A plan, or all errors in the options. */
export function planSignals(
  database: Database,
  { key, transmit }: PlanOptions,
): SignalPlan | readonly PlanProblem[] {
  const codec = new DatabaseCodec(database);
  const problems: PlanProblem[] = [];
  const keys = new Map<SignalCodec, string>();
  const owners = new Map<string, string>();
  for (const message of codec.messages) {
    for (const signal of message.signals) {
      const name = `${message.message.name}.${signal.signal.name}`;
      const token = tokenOf(key, message.message.name, signal.signal.name);
      const owner = owners.get(token);
      if (owner !== undefined) {
        problems.push({ option: 'key', message: `gives ${owner} and ${name} one key, ${token}` });
      }
      owners.set(token, name);
      keys.set(signal, token);
    }
  }
  const sent = new Map<string, SentSignal>();
  transmit.forEach((name, index) => {
    const [message, second] = codec.named(name);
    const problem = sendProblem(name, message, second);
    if (problem !== undefined) problems.push({ option: 'transmit', index, message: problem });
    for (const signal of message?.signals ?? []) {
      sent.set(keys.get(signal) ?? '', { message: message as MessageCodec, signal });
    }
  });
  return problems.length > 0 ? problems : { codec, keys, sent };
}

function sendProblem(
  name: string,
  message: MessageCodec | undefined,
  second: MessageCodec | undefined,
): string | undefined {
  if (message === undefined) return `the database has no message ${name}`;
  if (second !== undefined) return `the database has two messages ${name}`;
  const { length, fd } = message.message;
  if (length > MAX_FRAME_LENGTH || (length > 8 && !fd)) {
    return `${name} has ${length} bytes and fits no single frame; it cannot be sent as one`;
  }
  return undefined;
}

/** The key of a signal's point. `_` replaces characters that a NATS subject cannot have. */
export function tokenOf(template: string, message: string, signal: string): string {
  const text = template.replaceAll(/\{(message|signal)\}/g, (_all, part: string) =>
    part === 'message' ? message : signal,
  );
  // eslint-disable-next-line no-control-regex -- control characters are what it keeps out
  const safe = text.replaceAll(/[.*>\s\u0000-\u001f\u007f]/g, '_');
  return shortened(safe === '' ? '_' : safe);
}

function shortened(token: string): string {
  let short = token;
  while (Buffer.byteLength(short) > MAX_TOKEN_BYTES)
    short = Array.from(short).slice(0, -1).join('');
  return short;
}
