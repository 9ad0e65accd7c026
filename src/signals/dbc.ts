/**
 * Reads DBC databases. There is no public standard; this follows what common tools
 * write and read. Statements that do not matter for frames and codes are ignored.
 *
 * ```
 * BO_ 291 Motor: 8 ECU                                   message, 291 = 0x123; bit 31: extended
 *  SG_ Gear M : 0|8@1+ (1,0) [0|0] "" Vector__XXX        a multiplexer
 *  SG_ Speed m3 : 8|16@1+ (0.1,0) [0|6553.5] "rpm" Dash  in frames in which Gear is 3
 * VAL_ 291 Gear 3 "third" 4 "fourth" ;
 * ```
 */
import { checkDatabase, ProblemList } from './check.js';
import { DatabaseError, type Database, type Place } from './database.js';
import { DbcAttributes, readAttribute, readDefault, readDefinition } from './dbc-attributes.js';
import { MessageDrafts, type DraftMessage, type DraftSignal } from './dbc-draft.js';
import { DbcScanner, DbcSyntaxError } from './dbc-scanner.js';
import { readSignal, SAME_LINE_WORD } from './dbc-signal.js';
import { parseDecimal } from './decimal.js';

/** Name of the message with the signals that belong to no message. */
const NO_MESSAGE = 'VECTOR__INDEPENDENT_SIG_MSG';
const MOST_ERRORS = 20;

/** Statements that do not matter for frames and codes. */
const IGNORED = [
  'BO_TX_BU_',
  'EV_',
  'EV_DATA_',
  'ENVVAR_DATA_',
  'SGTYPE_',
  'SGTYPE_VAL_',
  'BA_DEF_SGTYPE_',
  'BA_SGTYPE_',
  'SIG_TYPE_REF_',
  'SIGTYPE_VALTYPE_',
  'SIG_GROUP_',
  'CAT_DEF_',
  'CAT_',
  'FILTER',
  'BA_DEF_REL_',
  'BA_REL_',
  'BA_DEF_DEF_REL_',
  'BU_SG_REL_',
  'BU_EV_REL_',
  'BU_BO_REL_',
  'NS_DESC_',
] as const;

/** The other statements; the parser calls these after their keyword. */
const STATEMENTS = {
  VERSION: (parser: DbcParser) => parser.version(),
  NS_: (parser: DbcParser) => parser.newSymbols(),
  BS_: (parser: DbcParser) => parser.bitTiming(),
  BU_: (parser: DbcParser) => parser.nodes(),
  VAL_TABLE_: (parser: DbcParser) => parser.valueTable(),
  BO_: (parser: DbcParser) => parser.message(),
  SG_: (parser: DbcParser) => parser.signal(),
  CM_: (parser: DbcParser) => parser.comment(),
  BA_DEF_: (parser: DbcParser) => parser.attributeDefinition(),
  BA_DEF_DEF_: (parser: DbcParser) => parser.attributeDefault(),
  BA_: (parser: DbcParser) => parser.attribute(),
  VAL_: (parser: DbcParser) => parser.values(),
  SIG_VALTYPE_: (parser: DbcParser) => parser.valueType(),
  SG_MUL_VAL_: (parser: DbcParser) => parser.multiplexing(),
} as const;

type Keyword = keyof typeof STATEMENTS;

const KEYWORDS = [...Object.keys(STATEMENTS), ...IGNORED].join('|');
const NEXT_STATEMENT = new RegExp(`(?<=^[ \\t]*)(?:${KEYWORDS})(?![^\\s:])`, 'my');
const ANY_STATEMENT = new RegExp(`^[ \\t]*(?:${KEYWORDS})(?![^\\s:])`, 'gm');
const KEYWORD_SET: ReadonlySet<string> = new Set(KEYWORDS.split('|'));
/** A name in the list of NS_, which is alone in its line. */
const NEW_SYMBOL = /\w+(?=[ \t]*(?:[\r\n]|$))/y;

/** Reads a DBC file. `bus` must be absent: DBC has one bus. Throws a {@link DatabaseError}. */
export function parseDbc(text: string, bus?: string): Database {
  if (bus !== undefined) {
    const message = `there is no bus ${bus}: a DBC database has one bus without a name`;
    throw new DatabaseError([{ line: 1, column: 1, message }]);
  }
  return new DbcParser(text).parse();
}

class DbcParser {
  readonly #scanner: DbcScanner;
  readonly #problems = new ProblemList();
  readonly #attributes = new DbcAttributes();
  /** Value tables by their names. */
  readonly #tables = new Map<string, ReadonlyMap<bigint, string>>();
  readonly #drafts = new MessageDrafts();
  /** Unknown keywords that were reported. */
  readonly #unknown = new Set<string>();
  /** The message that SG_ adds to. */
  #message: DraftMessage | undefined;

  constructor(text: string) {
    this.#scanner = new DbcScanner(text);
  }

  parse(): Database {
    const scanner = this.#scanner;
    if (!scanner.more()) this.#problems.error(scanner.place(), 'the file is empty');
    while (scanner.more() && this.#problems.errors.length < MOST_ERRORS) {
      try {
        this.#statement();
      } catch (error) {
        if (!(error instanceof DbcSyntaxError)) throw error;
        this.#problems.error(error.place, error.message);
        scanner.skipTo(ANY_STATEMENT);
      }
    }
    const messages = this.#drafts.finish(this.#attributes, this.#problems);
    // After syntax errors, the checks would report what only follows from these.
    if (this.#problems.errors.length === 0) checkDatabase(messages, this.#problems);
    return this.#problems.finish(messages);
  }

  #statement(): void {
    const scanner = this.#scanner;
    const place = scanner.place();
    if (scanner.takeMark(';')) return;
    const word = scanner.word('a statement such as BO_');
    if (Object.hasOwn(STATEMENTS, word)) {
      STATEMENTS[word as Keyword](this);
      return;
    }
    if (!KEYWORD_SET.has(word)) {
      if (this.#drafts.isEmpty && place.line === 1 && word !== 'VERSION') this.#notDbc(word, place);
      if (!this.#unknown.has(word)) {
        this.#problems.warn(place, `the section ${word.slice(0, 40)} is not known and ignored`);
      }
      this.#unknown.add(word);
    }
    scanner.skipStatement(NEXT_STATEMENT);
  }

  /** Fails if the file has no statement at all. */
  #notDbc(word: string, place: Place): void {
    const scanner = this.#scanner;
    scanner.skipTo(ANY_STATEMENT);
    if (scanner.more()) return;
    scanner.fail(`${JSON.stringify(word.slice(0, 40))} begins no DBC database`, place);
  }

  version(): void {
    this.#scanner.takeText();
  }

  newSymbols(): void {
    this.#scanner.takeMark(':');
    while (this.#scanner.take(NEW_SYMBOL) !== undefined);
  }

  bitTiming(): void {
    const scanner = this.#scanner;
    scanner.mark(':', 'after BS_');
    while (scanner.takeInteger() !== undefined || scanner.takeMark(':') || scanner.takeMark(','));
  }

  nodes(): void {
    const scanner = this.#scanner;
    scanner.mark(':', 'after BU_');
    while (!scanner.ahead(NEXT_STATEMENT)) {
      if (scanner.takeWord() === undefined && !scanner.takeMark(',')) break;
    }
  }

  valueTable(): void {
    const name = this.#scanner.word('the name of a value table');
    this.#tables.set(name, this.#valueTexts());
  }

  message(): void {
    const scanner = this.#scanner;
    const place = scanner.place();
    const id = this.#messageId();
    const name = scanner.word('the name of the message');
    scanner.mark(':', `after ${name}`);
    const length = Number(scanner.integer('the length in bytes'));
    if (length < 0) scanner.fail(`${name} has ${length} bytes; allowed are 0 and more`, place);
    scanner.take(SAME_LINE_WORD);
    const skipped = name === NO_MESSAGE;
    this.#message = this.#drafts.addMessage({ id, name, length, place, skipped });
  }

  signal(): void {
    const scanner = this.#scanner;
    const place = scanner.place();
    const name = scanner.word('the name of the signal');
    if (this.#message === undefined) {
      return scanner.fail(`${name} stands before the first message`, place);
    }
    const signal = readSignal(scanner, this.#problems, name, place);
    this.#drafts.addSignal(this.#message, signal);
  }

  comment(): void {
    const scanner = this.#scanner;
    const kind = scanner.takeWord();
    if (kind === 'SG_') {
      const signal = this.#signalOf(this.#scanner.place());
      const text = scanner.string('a comment in quotes');
      if (signal !== undefined) signal.comment = text;
    } else if (kind === 'BO_') {
      const message = this.#messageOf(this.#scanner.place());
      const text = scanner.string('a comment in quotes');
      if (message !== undefined) message.comment = text;
    } else {
      if (kind !== undefined) scanner.word('a name');
      scanner.string('a comment in quotes');
    }
  }

  attributeDefinition(): void {
    readDefinition(this.#scanner, this.#attributes);
    this.#scanner.skipStatement(NEXT_STATEMENT);
  }

  attributeDefault(): void {
    readDefault(this.#scanner, this.#attributes);
    this.#scanner.skipStatement(NEXT_STATEMENT);
  }

  attribute(): void {
    readAttribute(this.#scanner, this.#attributes);
    this.#scanner.skipStatement(NEXT_STATEMENT);
  }

  values(): void {
    const scanner = this.#scanner;
    const place = scanner.place();
    // Texts of an environment variable: its name follows instead of an id.
    if (!scanner.ahead(/\d/y)) {
      scanner.skipStatement(NEXT_STATEMENT);
      return;
    }
    const signal = this.#signalOf(place);
    const texts = scanner.ahead(/[;\d+-]/y) ? this.#valueTexts() : this.#namedTexts();
    if (signal !== undefined) signal.texts = texts;
  }

  #namedTexts(): ReadonlyMap<bigint, string> {
    const place = this.#scanner.place();
    const table = this.#scanner.word('a number, or the name of a value table');
    return this.#tables.get(table) ?? this.#scanner.fail(`there is no value table ${table}`, place);
  }

  #valueTexts(): Map<bigint, string> {
    const scanner = this.#scanner;
    const texts = new Map<bigint, string>();
    let place = scanner.place();
    for (let word = scanner.takeNumber(); word !== undefined; word = scanner.takeNumber()) {
      const code = parseDecimal(word);
      const text = scanner.string(`a text for ${word} in quotes`);
      if (code?.scale === 0) texts.set(code.digits, text);
      else this.#problems.warn(place, `the text for ${word} is ignored: codes are whole numbers`);
      place = scanner.place();
    }
    scanner.mark(';', 'or another number with its text');
    return texts;
  }

  valueType(): void {
    const scanner = this.#scanner;
    const place = scanner.place();
    const signal = this.#signalOf(place);
    scanner.takeMark(':');
    const type = scanner.integer('0, 1 (float) or 2 (double)');
    if (signal === undefined || type === '0') return;
    if (type === '1') signal.kind = 'single';
    else if (type === '2') signal.kind = 'double';
    else scanner.fail(`the type ${type} is none of 0 (integer), 1 (float) and 2 (double)`, place);
  }

  multiplexing(): void {
    const scanner = this.#scanner;
    const signal = this.#signalOf(scanner.place());
    const by = scanner.word('the name of the multiplexer');
    const ranges: { from: bigint; to: bigint }[] = [];
    do {
      const from = BigInt(scanner.integer('a range such as 0-3'));
      scanner.mark('-', 'between the ends of a range');
      const to = BigInt(scanner.integer('the end of a range'));
      if (to < from) scanner.fail(`the range ${from}-${to} is empty`);
      ranges.push({ from, to });
    } while (scanner.takeMark(',') || scanner.ahead(/\d/y));
    if (signal !== undefined) signal.selection = { by, ranges };
  }

  #messageId(): number {
    const place = this.#scanner.place();
    const id = Number(this.#scanner.integer('the id of a message'));
    if (id >= 0 && id <= 0xffff_ffff) return id;
    return this.#scanner.fail(`the id ${id} has more than 32 bits`, place);
  }

  #messageOf(place: Place): DraftMessage | undefined {
    const id = this.#messageId();
    const message = this.#drafts.message(id);
    if (message === undefined) this.#problems.warn(place, `there is no message ${id}`);
    return message;
  }

  #signalOf(place: Place): DraftSignal | undefined {
    const message = this.#messageOf(place);
    const name = this.#scanner.word('the name of a signal');
    const signal = message?.signals.get(name);
    if (message !== undefined && signal === undefined) {
      this.#problems.warn(place, `the message ${message.name} has no signal ${name}`);
    }
    return signal;
  }
}
