/**
 * Decoded frames as lines of JSON. Numbers are written from their exact decimal text:
 * JSON.stringify would round them.
 */
import type { LoggedFrame } from '../signals/candump.js';
import type { MessageCodec } from '../signals/message-codec.js';
import type { Code, SignalCodec } from '../signals/signal-codec.js';

/** Makes the lines of `siot-mcu can decode`: JSON, one for each frame. */
export class DecodedLines {
  /** The part that is the same in all lines of a message. */
  readonly #middles = new Map<MessageCodec, string>();
  readonly #names = new Map<SignalCodec, string>();

  line(codec: MessageCodec, { time = 'null', interface: name, frame }: LoggedFrame): string {
    let signals = '';
    let raw = '';
    let texts = '';
    codec.decode(frame.data, (signal, code) => {
      const key = this.#name(signal);
      signals += `${signals === '' ? '' : ','}${key}:${valueJson(signal, code)}`;
      raw += `${raw === '' ? '' : ','}${key}:${codeJson(code)}`;
      const text = signal.text(code);
      if (text !== undefined) texts += `${texts === '' ? '' : ','}${key}:${JSON.stringify(text)}`;
    });
    return (
      `{"time":${time},"interface":${JSON.stringify(name ?? null)},${this.#middle(codec)}` +
      `"signals":{${signals}},"raw":{${raw}},"text":{${texts}}}`
    );
  }

  #middle(codec: MessageCodec): string {
    const known = this.#middles.get(codec);
    if (known !== undefined) return known;
    const { id, extended, name } = codec.message;
    const middle = `${JSON.stringify({ id, extended, name }).slice(1, -1)},`;
    this.#middles.set(codec, middle);
    return middle;
  }

  #name(codec: SignalCodec): string {
    const known = this.#names.get(codec);
    if (known !== undefined) return known;
    const name = JSON.stringify(codec.signal.name);
    this.#names.set(codec, name);
    return name;
  }
}

function valueJson(signal: SignalCodec, code: Code): string {
  return signal.isFloat ? numberJson(signal.value(code)) : integerJson(signal.valueText(code));
}

function codeJson(code: Code): string {
  return typeof code === 'bigint' ? integerJson(String(code)) : numberJson(code);
}

/** JSON has a negative zero, which JSON.stringify does not write. It has no NaN and no infinity: these become texts. */
function numberJson(number: number): string {
  if (Object.is(number, -0)) return '-0';
  return Number.isFinite(number) ? String(number) : `"${number}"`;
}

const MOST_SAFE_DIGITS = 15;

/**
 * An integer that a double cannot hold becomes a text. A fraction stays a number: a reader
 * may lose its last digits.
 */
function integerJson(text: string): string {
  if (text.length <= MOST_SAFE_DIGITS) return text;
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text)) ? `"${text}"` : text;
}
