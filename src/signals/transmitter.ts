/** Frames of the messages that a link sends, put together from what is known of their signals. */
import type { CanFrame } from '../transport/frame.js';
import type { MessageCodec } from './message-codec.js';
import type { Code, SignalCodec } from './signal-codec.js';

export class Transmitter {
  /** By the names of the signals: set, or else seen on the bus. */
  readonly #codes = new Map<MessageCodec, Map<string, Code>>();

  /** Another sender has sent a frame of the message: signals that nobody has set here take their values from it. */
  seen(message: MessageCodec, signal: SignalCodec, code: Code, isSet: boolean): void {
    if (!isSet) this.#of(message).set(signal.signal.name, code);
  }

  /** From now on the message has this code, and the multiplexers' that go with it. */
  set(message: MessageCodec, signal: SignalCodec, code: Code): void {
    const codes = this.#of(message);
    codes.set(signal.signal.name, code);
    this.#select(message, signal, codes);
  }

  /** The signals of the frame after such a {@link set}, which is only tried. */
  heldWith(message: MessageCodec, signal: SignalCodec, code: Code): ReadonlySet<SignalCodec> {
    const codes = new Map(this.#of(message));
    codes.set(signal.signal.name, code);
    this.#select(message, signal, codes);
    return message.selected(codes);
  }

  frame(message: MessageCodec): CanFrame {
    return message.frame(message.encode(this.#of(message)));
  }

  /** The signals that {@link frame} holds. */
  held(message: MessageCodec): ReadonlySet<SignalCodec> {
    return message.selected(this.#of(message));
  }

  #of(message: MessageCodec): Map<string, Code> {
    let codes = this.#codes.get(message);
    if (codes === undefined) {
      codes = new Map();
      this.#codes.set(message, codes);
    }
    return codes;
  }

  /** A signal that the multiplexer does not select now is selected by it from now on. */
  #select(message: MessageCodec, signal: SignalCodec, codes: Map<string, Code>): void {
    const { selection } = signal.signal;
    const multiplexer = selection === undefined ? undefined : message.signal(selection.by);
    if (selection === undefined || multiplexer === undefined) return;
    const code = codes.get(selection.by) ?? multiplexer.initial;
    const fits = selection.ranges.some(({ from, to }) => code >= from && code <= to);
    const [first] = selection.ranges;
    if (!fits && first !== undefined) {
      codes.set(selection.by, typeof code === 'bigint' ? first.from : Number(first.from));
    }
    this.#select(message, multiplexer, codes);
  }
}
