import type { CanFrame } from '../transport/frame.js';
import type { MessageCodec } from './message-codec.js';
import type { Code, SignalCodec } from './signal-codec.js';

/** Makes the frames that a link sends, from the codes of their signals that were set, or seen on the bus. */
export class Transmitter {
  /** By the names of the signals. */
  readonly #codes = new Map<MessageCodec, Map<string, Code>>();

  /** A signal in a frame of another sender. `isSet`: the link has set it, and keeps its own code. */
  seen(message: MessageCodec, signal: SignalCodec, code: Code, isSet: boolean): void {
    if (!isSet) this.#of(message).set(signal.signal.name, code);
  }

  /** Sets a signal, and the multiplexers so that they select it. */
  set(message: MessageCodec, signal: SignalCodec, code: Code): void {
    const codes = this.#of(message);
    codes.set(signal.signal.name, code);
    this.#select(message, signal, codes);
  }

  /** The signals in the frame after {@link set} with this code; sets nothing. */
  heldWith(message: MessageCodec, signal: SignalCodec, code: Code): ReadonlySet<SignalCodec> {
    const codes = new Map(this.#of(message));
    codes.set(signal.signal.name, code);
    this.#select(message, signal, codes);
    return message.selected(codes);
  }

  /** The frame of a message. */
  frame(message: MessageCodec): CanFrame {
    return message.frame(message.encode(this.#of(message)));
  }

  /** The signals in {@link frame}. */
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

  /** Changes the code of a signal's multiplexer, and of that one's, if it does not select the signal. */
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
