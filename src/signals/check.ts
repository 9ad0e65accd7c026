/** Checks of a database, for all formats of files. */
import { MAX_EXTENDED_ID, MAX_STANDARD_ID } from '../transport/frame.js';
import {
  codeRange,
  DatabaseError,
  idText,
  MAX_MESSAGE_BYTES,
  signalBytes,
  type Database,
  type DatabaseProblem,
  type Message,
  type Place,
  type Selection,
  type Signal,
} from './database.js';

/** Errors and warnings of a database, collected while it is read. */
export class ProblemList {
  readonly errors: DatabaseProblem[] = [];
  readonly warnings: DatabaseProblem[] = [];

  error({ line, column }: Place, message: string): void {
    this.errors.push({ line, column, message });
  }

  warn({ line, column }: Place, message: string): void {
    this.warnings.push({ line, column, message });
  }

  /** Throws a {@link DatabaseError} if there was an error. */
  finish(messages: readonly Message[]): Database {
    if (this.errors.length > 0) throw new DatabaseError(this.errors.sort(byPlace));
    return { messages, warnings: this.warnings.sort(byPlace) };
  }
}

const byPlace = (a: Place, b: Place): number => a.line - b.line || a.column - b.column;

/** Checks the messages of a database, and adds what is wrong to `problems`. */
export function checkDatabase(messages: readonly Message[], problems: ProblemList): void {
  checkIds(messages, problems);
  checkNames(messages, problems);
  for (const message of messages) checkMessage(message, problems);
}

function checkIds(messages: readonly Message[], problems: ProblemList): void {
  const seen = new Map<string, Message>();
  for (const message of messages) {
    const { id, extended, name, place } = message;
    if (id < 0 || id > (extended ? MAX_EXTENDED_ID : MAX_STANDARD_ID)) {
      problems.error(
        place,
        `${name} has the id ${idText(message)}, which needs more than ` +
          (extended ? '29 bits' : '11 bits; is it an extended id that is not marked as such?'),
      );
    }
    const first = seen.get(idText(message));
    if (first === undefined) seen.set(idText(message), message);
    else sameId(message, first, problems);
  }
}

function sameId(message: Message, first: Message, problems: ProblemList): void {
  const both = `${message.name} has the id ${idText(message)} of ${first.name} in line ${first.place.line}`;
  if (message.bus === first.bus) problems.error(message.place, `${both}; take one of them out`);
  else {
    problems.warn(
      message.place,
      `${both}, on another bus: its frames are ignored until you say which bus it is, ` +
        `${first.bus} or ${message.bus}`,
    );
  }
}

function checkNames(messages: readonly Message[], problems: ProblemList): void {
  const seen = new Map<string, Message>();
  for (const message of messages) {
    const first = seen.get(message.name);
    if (first === undefined) seen.set(message.name, message);
    else {
      problems.warn(
        message.place,
        `${message.name} is also the name of the message ${idText(first)} in line ${first.place.line}`,
      );
    }
  }
}

function checkMessage(message: Message, problems: ProblemList): void {
  if (message.length > MAX_MESSAGE_BYTES) {
    problems.error(
      message.place,
      `${message.name} has ${message.length} bytes; allowed are 0 to ${MAX_MESSAGE_BYTES}`,
    );
    return;
  }
  const names = new Map<string, Signal>();
  for (const signal of message.signals) {
    const first = names.get(signal.name);
    if (first !== undefined) {
      problems.error(
        signal.place,
        `${message.name} has a second signal ${signal.name}; the first is in line ${first.place.line}`,
      );
    } else names.set(signal.name, signal);
    checkSignal(message, signal, problems);
  }
  if (checkMultiplexing(message, names, problems)) warnOfOverlaps(message, names, problems);
}

function checkSignal(message: Message, signal: Signal, problems: ProblemList): void {
  const { name, length, kind, factor, place } = signal;
  const title = `${message.name}.${name}`;
  if (length < 1) {
    problems.error(place, `${title} has ${length} bits; it needs at least 1`);
    return;
  }
  const floatBits = kind === 'single' ? 32 : kind === 'double' ? 64 : length;
  if (length !== floatBits) {
    problems.error(
      place,
      `${title} is a ${kind} float and has ${length} bits; it needs ${floatBits}`,
    );
  }
  if (factor.digits === 0n) {
    problems.error(place, `${title} has the factor 0, which makes all its codes one value`);
  }
  const [least, greatest] = codeRange(signal);
  const impossible = [...signal.texts.keys()].find((code) => code < least || code > greatest);
  if (impossible !== undefined) {
    problems.warn(
      place,
      `${title} has a text for ${impossible}, but its codes are ${least} to ${greatest}`,
    );
  }
  const { last } = signalBytes(signal);
  if (last >= message.length) {
    problems.error(
      place,
      `${title} reaches into byte ${last}, but ${message.name} has ${bytesText(message.length)} ` +
        '(bytes count from 0); either its place or the length of the message is wrong',
    );
  }
}

function bytesText(length: number): string {
  return length === 0 ? 'no bytes' : length === 1 ? 'only byte 0' : `only bytes 0 to ${length - 1}`;
}

/** Returns whether all multiplexed signals have a multiplexer. */
function checkMultiplexing(
  message: Message,
  signals: ReadonlyMap<string, Signal>,
  problems: ProblemList,
): boolean {
  const before = problems.errors.length;
  for (const signal of message.signals) {
    const title = `${message.name}.${signal.name}`;
    if (signal.isMultiplexer && (signal.kind === 'single' || signal.kind === 'double')) {
      problems.error(signal.place, `${title} is a multiplexer and a float; it must be an integer`);
    }
    if (signal.selection === undefined) continue;
    const { by } = signal.selection;
    const multiplexer = signals.get(by);
    if (multiplexer === undefined) {
      problems.error(
        signal.place,
        `${title} is selected by ${by}, which is no signal of the message`,
      );
    } else if (!multiplexer.isMultiplexer) {
      problems.error(signal.place, `${title} is selected by ${by}, which is no multiplexer`);
    } else if (selectors(signal, signals).includes(signal)) {
      problems.error(signal.place, `${title} is selected by itself, over ${by}`);
    } else warnOfNeverSelected(title, signal.selection, signal.place, multiplexer, problems);
  }
  return problems.errors.length === before;
}

/** For tools that write a multiplexer as signed, but the codes that select as unsigned. */
function warnOfNeverSelected(
  title: string,
  { by, ranges }: Selection,
  place: Place,
  multiplexer: Signal,
  problems: ProblemList,
): void {
  const [least, greatest] = codeRange(multiplexer);
  if (ranges.some(({ from, to }) => from <= greatest && to >= least)) return;
  problems.warn(
    place,
    `${title} is in no frame: its multiplexer ${by} has the codes ${least} to ${greatest}, ` +
      'and none of them selects it',
  );
}

/** The multiplexers above a signal, nearest first; each once. */
function selectors(signal: Signal, signals: ReadonlyMap<string, Signal>): Signal[] {
  const above: Signal[] = [];
  let next = signals.get(signal.selection?.by ?? '');
  while (next !== undefined && !above.includes(next)) {
    above.push(next);
    next = signals.get(next.selection?.by ?? '');
  }
  return above;
}

interface Placed {
  readonly signal: Signal;
  /** Its own and those of the multiplexers above it. */
  readonly selections: readonly Selection[];
}

/** Warns of signals that share bits and can be in one frame: it may be intended, or a mistake. */
function warnOfOverlaps(
  message: Message,
  signals: ReadonlyMap<string, Signal>,
  problems: ProblemList,
): void {
  /** Signals with exactly the same bits. There may be thousands: one for each code of a multiplexer. */
  const groups = new Map<string, Placed[]>();
  const owners: Set<Placed[]>[] = Array.from({ length: message.length * 8 }, () => new Set());
  for (const signal of message.signals) {
    const above = [signal, ...selectors(signal, signals)];
    const placed = { signal, selections: above.flatMap(({ selection }) => selection ?? []) };
    const others = new Set<Placed[]>();
    let overlapped: Placed | undefined;
    for (const bit of bitsOf(signal)) {
      for (const group of owners[bit] ?? []) {
        if (overlapped !== undefined || others.has(group)) continue;
        overlapped = group.find((other) => canMeet(other, placed));
        others.add(group);
      }
    }
    addTo(groups, owners, placed);
    if (overlapped === undefined) continue;
    const { name, place } = overlapped.signal;
    problems.warn(
      signal.place,
      `${message.name}.${signal.name} shares bits with ${name} in line ${place.line}`,
    );
  }
}

function addTo(
  groups: Map<string, Placed[]>,
  owners: readonly Set<Placed[]>[],
  placed: Placed,
): void {
  const { start, length, byteOrder } = placed.signal;
  const key = `${start}|${length}|${byteOrder}`;
  const group = groups.get(key);
  if (group !== undefined) {
    group.push(placed);
    return;
  }
  const first = [placed];
  groups.set(key, first);
  for (const bit of bitsOf(placed.signal)) owners[bit]?.add(first);
}

function* bitsOf({ start, length, byteOrder }: Signal): Generator<number> {
  let bit = start;
  for (let i = 0; i < length; i++) {
    yield bit;
    if (byteOrder === 'little') bit += 1;
    else bit += (bit & 7) === 0 ? 15 : -1;
  }
}

function canMeet(a: Placed, b: Placed): boolean {
  for (const one of a.selections) {
    for (const other of b.selections) {
      if (one.by === other.by && !shareCode(one.ranges, other.ranges)) return false;
    }
  }
  return true;
}

function shareCode(some: Selection['ranges'], others: Selection['ranges']): boolean {
  for (const one of some) {
    for (const other of others) {
      if (other.from <= one.to && one.from <= other.to) return true;
    }
  }
  return false;
}
