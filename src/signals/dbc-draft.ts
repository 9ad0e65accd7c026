/** Messages of a DBC file while they are read: later statements add to them. */
import type { ProblemList } from './check.js';
import { codeRange, type Message, type Place, type Selection, type Signal } from './database.js';
import {
  BIT_RATE_SWITCH,
  CYCLE_TIME,
  FRAME_FORMAT,
  LONG_MESSAGE_NAME,
  LONG_SIGNAL_NAME,
  START_VALUE,
  type DbcAttributes,
} from './dbc-attributes.js';
import { CLASSIC_LENGTH } from '../transport/frame.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A signal that is not complete. */
export interface DraftSignal extends Mutable<Omit<Signal, 'initial'>> {
  /** `m3` in SG_: the code that selects it; the multiplexer is not named there. */
  readonly code?: bigint;
}

/** A message that is not complete. */
export interface DraftMessage {
  /** As the file has it: bit 31 marks an extended id. */
  readonly id: number;
  readonly name: string;
  readonly length: number;
  readonly place: Place;
  /** It only holds signals that belong to no message, and is left out of the database. */
  readonly skipped: boolean;
  comment: string;
  readonly signals: Map<string, DraftSignal>;
  /** Signals with a name that is already used; the checks report them. */
  readonly repeated: DraftSignal[];
}

const EXTENDED_BIT = 0x8000_0000;

/** The messages that were read so far. */
export class MessageDrafts {
  readonly #all: DraftMessage[] = [];
  readonly #byId = new Map<number, DraftMessage>();

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  addMessage(given: Omit<DraftMessage, 'comment' | 'signals' | 'repeated'>): DraftMessage {
    const message: DraftMessage = { ...given, comment: '', signals: new Map(), repeated: [] };
    this.#all.push(message);
    if (!this.#byId.has(given.id)) this.#byId.set(given.id, message);
    return message;
  }

  addSignal(message: DraftMessage, signal: DraftSignal): void {
    if (message.signals.has(signal.name)) message.repeated.push(signal);
    else message.signals.set(signal.name, signal);
  }

  message(id: number): DraftMessage | undefined {
    return this.#byId.get(id);
  }

  /** The complete messages, at the end of the file. */
  finish(attributes: DbcAttributes, problems: ProblemList): Message[] {
    return this.#all
      .filter(({ skipped }) => !skipped)
      .map((draft) => finishMessage(draft, attributes, problems));
  }
}

function finishMessage(
  draft: DraftMessage,
  attributes: DbcAttributes,
  problems: ProblemList,
): Message {
  const { length, place, comment } = draft;
  const owner = String(draft.id);
  const extended = draft.id >= EXTENDED_BIT;
  const format = attributes.word(FRAME_FORMAT, owner) ?? '';
  const fd = format.endsWith('_FD') || (length > CLASSIC_LENGTH && format !== 'J1939PG');
  const cycleMs = Number(attributes.integer(CYCLE_TIME, owner) ?? 0n);
  const drafts = [...draft.signals.values(), ...draft.repeated];
  for (const signal of drafts) select(signal, draft, problems);
  const names = new Map(
    drafts.map(({ name }) => [name, attributes.word(LONG_SIGNAL_NAME, `${owner} ${name}`) || name]),
  );
  return {
    name: attributes.word(LONG_MESSAGE_NAME, owner) || draft.name,
    id: extended ? draft.id - EXTENDED_BIT : draft.id,
    extended,
    length,
    fd,
    bitRateSwitch: fd && attributes.word(BIT_RATE_SWITCH, owner) === '1',
    ...(cycleMs > 0 ? { cycleMs } : {}),
    comment,
    bus: '',
    signals: drafts.map((signal) =>
      finishSignal(signal, names, attributes.integer(START_VALUE, `${owner} ${signal.name}`)),
    ),
    place,
  };
}

/** Finds the multiplexer of a signal that has only a code. */
function select(signal: DraftSignal, message: DraftMessage, problems: ProblemList): void {
  const { code, name, place } = signal;
  if (code === undefined || signal.selection !== undefined) return;
  const multiplexers = [...message.signals.values()].filter(
    (other) => other.isMultiplexer && other.code === undefined,
  );
  const [only, second] = multiplexers;
  if (only === undefined) {
    problems.error(
      place,
      `${message.name}.${name} is multiplexed, but the message has no multiplexer M`,
    );
  } else if (second !== undefined) {
    problems.error(
      place,
      `${message.name}.${name} may be selected by ${only.name} or ${second.name}; ` +
        'SG_MUL_VAL_ must say by which',
    );
  } else signal.selection = { by: only.name, ranges: [{ from: code, to: code }] };
}

function finishSignal(
  { code: _code, selection, ...signal }: DraftSignal,
  names: ReadonlyMap<string, string>,
  initial: bigint | undefined,
): Signal {
  const [least, greatest] = codeRange(signal);
  const named: Selection | undefined =
    selection === undefined
      ? undefined
      : { ...selection, by: names.get(selection.by) ?? selection.by };
  return {
    ...signal,
    name: names.get(signal.name) ?? signal.name,
    // Some tools write a number that is no code, which means "none".
    ...(initial !== undefined && initial >= least && initial <= greatest ? { initial } : {}),
    ...(named === undefined ? {} : { selection: named }),
  };
}
