/** The attributes of a DBC file that matter for frames and codes. */
import type { DbcScanner } from './dbc-scanner.js';
import { parseDecimal } from './decimal.js';

/** The value of an attribute, as the file has it. */
interface AttributeValue {
  readonly text: string;
  /** True: a text. False: a number, which may be the index of a word of an enumeration. */
  readonly quoted: boolean;
}

// Names of attributes as common tools write them.

/** Classic or FD, 11 or 29 bits, J1939. */
export const FRAME_FORMAT = 'VFrameFormat';
/** 1: CAN FD with bit rate switch. */
export const BIT_RATE_SWITCH = 'CANFD_BRS';
/** ms between two frames. */
export const CYCLE_TIME = 'GenMsgCycleTime';
/** Initial code of a signal. */
export const START_VALUE = 'GenSigStartValue';
/** Full name of a message of more than 32 characters; the statements have a shortened one. */
export const LONG_MESSAGE_NAME = 'SystemMessageLongSymbol';
/** The same for a signal. */
export const LONG_SIGNAL_NAME = 'SystemSignalLongSymbol';

const KNOWN: ReadonlySet<string> = new Set([
  FRAME_FORMAT,
  BIT_RATE_SWITCH,
  CYCLE_TIME,
  START_VALUE,
  LONG_MESSAGE_NAME,
  LONG_SIGNAL_NAME,
]);

/** The usual numbers of {@link FRAME_FORMAT}, for files that do not define its words. */
const FRAME_FORMATS: ReadonlyMap<string, string> = new Map([
  ['0', 'StandardCAN'],
  ['1', 'ExtendedCAN'],
  ['3', 'J1939PG'],
  ['14', 'StandardCAN_FD'],
  ['15', 'ExtendedCAN_FD'],
]);

/** Values of these attributes, by their owners. */
export class DbcAttributes {
  readonly #words = new Map<string, readonly string[]>();
  readonly #defaults = new Map<string, AttributeValue>();
  readonly #values = new Map<string, AttributeValue>();

  /** `words` of an enumeration, in the order of their numbers. */
  define(name: string, words: readonly string[]): void {
    if (KNOWN.has(name)) this.#words.set(name, words);
  }

  setDefault(name: string, value: AttributeValue): void {
    if (KNOWN.has(name)) this.#defaults.set(name, value);
  }

  /** `owner`: id of a message as the file has it; for a signal, followed by a space and its name. */
  set(name: string, owner: string, value: AttributeValue): void {
    if (KNOWN.has(name)) this.#values.set(`${owner}\n${name}`, value);
  }

  #get(name: string, owner: string): AttributeValue | undefined {
    return this.#values.get(`${owner}\n${name}`) ?? this.#defaults.get(name);
  }

  /** The text, the word of an enumeration, or the number as the file has it. */
  word(name: string, owner: string): string | undefined {
    const value = this.#get(name, owner);
    if (value === undefined || value.quoted) return value?.text;
    const word = this.#words.get(name)?.[Number(value.text)];
    return (
      word ?? (name === FRAME_FORMAT ? FRAME_FORMATS.get(value.text) : undefined) ?? value.text
    );
  }

  /** `undefined`: there is no value, or it is not a whole number. */
  integer(name: string, owner: string): bigint | undefined {
    const number = parseDecimal(this.#get(name, owner)?.text ?? '');
    return number?.scale === 0 ? number.digits : undefined;
  }
}

/** Reads the statement BA_DEF_, but not the limits of a number at its end. */
export function readDefinition(scanner: DbcScanner, attributes: DbcAttributes): void {
  scanner.take(/(?:BU_|BO_|SG_|EV_)(?!\w)/y);
  const name = scanner.takeText();
  const words: string[] = [];
  if (name !== undefined && scanner.take(/ENUM(?!\w)/y) !== undefined) {
    do words.push(scanner.takeText() ?? scanner.word('a word of the enumeration'));
    while (scanner.takeMark(','));
  }
  if (name !== undefined) attributes.define(name, words);
}

/** Reads the statement BA_DEF_DEF_. */
export function readDefault(scanner: DbcScanner, attributes: DbcAttributes): void {
  const name = scanner.takeText();
  const value = readValue(scanner);
  if (name !== undefined && value !== undefined) attributes.setDefault(name, value);
}

/** Reads the statement BA_; attributes of nodes and of the bus are ignored. */
export function readAttribute(scanner: DbcScanner, attributes: DbcAttributes): void {
  const name = scanner.string('the name of an attribute in quotes');
  let owner: string | undefined;
  if (scanner.take(/BO_(?!\w)/y) !== undefined) owner = scanner.integer('the id of a message');
  else if (scanner.take(/SG_(?!\w)/y) !== undefined) {
    const id = scanner.integer('the id of a message');
    owner = `${id} ${scanner.word('the name of a signal')}`;
  }
  const value = owner === undefined ? undefined : readValue(scanner);
  if (owner !== undefined && value !== undefined) attributes.set(name, owner, value);
}

function readValue(scanner: DbcScanner): AttributeValue | undefined {
  const text = scanner.takeText();
  if (text !== undefined) return { text, quoted: true };
  const number = scanner.takeNumber();
  return number === undefined ? undefined : { text: number, quoted: false };
}
