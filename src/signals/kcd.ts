/**
 * Reads KCD databases, the XML format of Kayak. The offset of a big-endian signal
 * counts bits in the order of the bus: 0 is the highest bit of byte 0, 8 the highest
 * of byte 1. That of a little-endian signal counts as in DBC.
 *
 * ```xml
 * <Bus name="Motor">
 *   <Message id="0x123" name="Motor" length="8">
 *     <Signal name="Speed" offset="8" length="16" endianess="big">
 *       <Value type="signed" slope="0.1" intercept="-40" unit="rpm"/>
 *       <LabelSet><Label name="third" value="3"/></LabelSet>
 *     </Signal>
 * ```
 */
import { isDeepStrictEqual } from 'node:util';
import { SaxesParser } from 'saxes';
import { CLASSIC_LENGTH } from '../transport/frame.js';
import { AttributeError, Attributes } from './kcd-attributes.js';
import { checkDatabase, ProblemList } from './check.js';
import {
  DatabaseError,
  MAX_SIGNAL_BITS,
  signalBytes,
  type Database,
  type Message,
  type Place,
  type Selection,
  type Signal,
  type SignalKind,
} from './database.js';
import { compareDecimals, ONE, ZERO } from './decimal.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface DraftMessage extends Mutable<Omit<Message, 'length' | 'fd' | 'signals'>> {
  /** Bytes; absent: as many as its signals need. */
  length?: number;
  readonly signals: DraftSignal[];
}

type DraftSignal = Mutable<Signal> & { texts: Map<bigint, string> };

const ROOT = 'NetworkDefinition';
/** Most codes of a group of labels; more would fill the memory. */
const MOST_CODES = 65_536n;

/** Reads a KCD file. `bus`: only the messages of that bus. Throws a {@link DatabaseError}. */
export function parseKcd(text: string, bus?: string): Database {
  return new KcdParser().parse(text, bus);
}

class KcdParser {
  readonly #xml = new SaxesParser();
  readonly #problems = new ProblemList();
  readonly #messages: DraftMessage[] = [];
  /** Names of the elements that are open, the root first. */
  readonly #open: string[] = [];
  #place: Place = { line: 1, column: 1 };
  #bus = '';
  readonly #buses = new Set<string>();
  #message: DraftMessage | undefined;
  /** Signals whose elements are open; a multiplexer's groups contain the signals that it selects. */
  readonly #signals: DraftSignal[] = [];
  /** Of the groups that are open: multiplexers may be nested. */
  readonly #selections: (Selection | undefined)[] = [];
  #notes = '';

  parse(text: string, bus: string | undefined): Database {
    const xml = this.#xml;
    xml.on('error', (error) => {
      throw new DatabaseError([{ ...this.#here(), message: whyNotXml(error) }]);
    });
    xml.on('opentagstart', ({ name }) => {
      const { line, column } = this.#here();
      this.#place = { line, column: Math.max(1, column - name.length - 2) };
    });
    xml.on('opentag', ({ name, attributes }) => this.#opened(name, new Attributes(attributes)));
    xml.on('closetag', ({ name }) => this.#closed(name));
    xml.on('text', (notes) => {
      if (this.#open.at(-1) === 'Notes') this.#notes += notes;
    });
    xml.write(text).close();
    if (bus !== undefined && !this.#buses.has(bus)) {
      const known = [...this.#buses].join(', ');
      const message = `there is no bus ${bus}; there is ${known === '' ? 'none' : known}`;
      throw new DatabaseError([{ line: 1, column: 1, message }]);
    }
    const messages = this.#messages
      .filter((message) => bus === undefined || message.bus === bus)
      .map(finishMessage);
    if (this.#problems.errors.length === 0) checkDatabase(messages, this.#problems);
    return this.#problems.finish(messages);
  }

  #here(): Place {
    return { line: this.#xml.line, column: this.#xml.column + 1 };
  }

  #opened(name: string, attributes: Attributes): void {
    if (this.#open.length === 0 && name !== ROOT) {
      const message = `<${name}> begins no KCD database; that is a <${ROOT}>`;
      throw new DatabaseError([{ ...this.#place, message }]);
    }
    this.#open.push(name);
    try {
      this.#element(name, attributes);
    } catch (error) {
      if (!(error instanceof AttributeError)) throw error;
      this.#problems.error(this.#place, `<${name}>: ${error.message}`);
    }
  }

  #element(name: string, attributes: Attributes): void {
    switch (name) {
      case 'Bus':
        this.#bus = attributes.text('name') ?? '';
        this.#buses.add(this.#bus);
        return;
      case 'Message':
        this.#message = this.#readMessage(attributes);
        this.#messages.push(this.#message);
        return;
      case 'Signal':
        this.#addSignal(attributes, false);
        return;
      case 'Multiplex':
        this.#addSignal(attributes, true);
        return;
      case 'MuxGroup':
        this.#selections.push(this.#readGroup(attributes));
        return;
      case 'Value':
        this.#readValue(attributes);
        return;
      case 'Label':
        this.#addTexts(attributes, 'value', 'value');
        return;
      case 'LabelGroup':
        this.#addTexts(attributes, 'from', 'to');
        return;
      case 'Notes':
        this.#notes = '';
    }
  }

  #closed(name: string): void {
    this.#open.pop();
    const parent = this.#open.at(-1);
    if (name === 'Message') this.#message = undefined;
    else if (name === 'Signal' || name === 'Multiplex') this.#signals.pop();
    else if (name === 'MuxGroup') this.#selections.pop();
    else if (name === 'Notes') {
      const notes = this.#notes.trim();
      const signal = this.#signals.at(-1);
      if (parent === 'Message' && this.#message !== undefined) this.#message.comment = notes;
      else if ((parent === 'Signal' || parent === 'Multiplex') && signal) signal.comment = notes;
    }
  }

  #readMessage(attributes: Attributes): DraftMessage {
    const length = attributes.text('length') ?? 'auto';
    const cycleMs = attributes.integer('interval') ?? 0;
    return {
      name: attributes.required('name'),
      id: attributes.requiredInteger('id'),
      extended: attributes.text('format') === 'extended',
      ...(length === 'auto' ? {} : { length: attributes.requiredInteger('length') }),
      bitRateSwitch: false,
      ...(cycleMs > 0 ? { cycleMs } : {}),
      comment: '',
      bus: this.#bus,
      signals: [],
      place: this.#place,
    };
  }

  #addSignal(attributes: Attributes, isMultiplexer: boolean): void {
    const offset = attributes.requiredInteger('offset');
    const length = attributes.integer('length') ?? 1;
    if (offset > MAX_SIGNAL_BITS || length > MAX_SIGNAL_BITS) {
      throw new AttributeError(`offset and length are at most ${MAX_SIGNAL_BITS} bits`);
    }
    const byteOrder = attributes.choice('endianess', ['little', 'big']) ?? 'little';
    const selection = this.#selections.at(-1);
    const signal: DraftSignal = {
      name: attributes.required('name'),
      start: byteOrder === 'little' ? offset : offset ^ 7,
      length,
      byteOrder,
      kind: 'unsigned',
      factor: ONE,
      offset: ZERO,
      unit: '',
      comment: '',
      texts: new Map(),
      isMultiplexer,
      ...(selection === undefined ? {} : { selection }),
      place: this.#place,
    };
    this.#signals.push(signal);
    this.#message?.signals.push(signal);
  }

  #readGroup(attributes: Attributes): Selection | undefined {
    const code = BigInt(attributes.requiredInteger('count'));
    const by = this.#signals.at(-1)?.name;
    return by === undefined ? undefined : { by, ranges: [{ from: code, to: code }] };
  }

  #readValue(attributes: Attributes): void {
    const signal = this.#signals.at(-1);
    if (signal === undefined) return;
    signal.kind =
      attributes.choice('type', [
        'unsigned',
        'signed',
        'single',
        'double',
      ] satisfies SignalKind[]) ?? 'unsigned';
    signal.factor = attributes.decimal('slope') ?? ONE;
    signal.offset = attributes.decimal('intercept') ?? ZERO;
    signal.unit = attributes.text('unit') ?? '';
    const [minimum, maximum] = [attributes.decimal('min'), attributes.decimal('max')];
    if (minimum && maximum && compareDecimals(minimum, maximum) > 0) {
      this.#problems.warn(this.#place, 'min is above max: the range is ignored');
      return;
    }
    if (minimum !== undefined) signal.minimum = minimum;
    if (maximum !== undefined) signal.maximum = maximum;
  }

  #addTexts(attributes: Attributes, first: string, last: string): void {
    const from = attributes.requiredCode(first);
    const to = attributes.requiredCode(last);
    const text = attributes.required('name');
    if (to - from > MOST_CODES) {
      this.#problems.warn(this.#place, `the label for ${from} to ${to} is ignored: too many codes`);
      return;
    }
    for (let code = from; code <= to; code++) this.#signals.at(-1)?.texts.set(code, text);
  }
}

function finishMessage({ signals, ...draft }: DraftMessage): Message {
  const needed = Math.max(0, ...signals.map((signal) => signalBytes(signal).last + 1));
  const length = draft.length ?? needed;
  return { ...draft, length, fd: length > CLASSIC_LENGTH, signals: merged(signals) };
}

/** Joins equal signals in several groups of a multiplexer to one signal that several codes select. */
function merged(signals: readonly DraftSignal[]): Signal[] {
  const all: Signal[] = [];
  for (const signal of signals) {
    const at = all.findIndex((other) => isSame(other, signal));
    const other = all[at];
    if (other?.selection === undefined || signal.selection === undefined) all.push(signal);
    else {
      const ranges = [...other.selection.ranges, ...signal.selection.ranges];
      all[at] = { ...other, selection: { by: other.selection.by, ranges } };
    }
  }
  return all;
}

function isSame(a: Signal, b: Signal): boolean {
  if (a.name !== b.name || a.selection?.by !== b.selection?.by) return false;
  const place = { line: 0, column: 0 };
  return isDeepStrictEqual(
    { ...a, place, selection: undefined },
    { ...b, place, selection: undefined },
  );
}

/** Without the place, which the problem has already. */
const whyNotXml = (error: Error): string =>
  `this is no XML: ${error.message.replace(/^[\w./]*:?\d+:\d+:\s*/, '').replace(/\.$/, '')}`;
