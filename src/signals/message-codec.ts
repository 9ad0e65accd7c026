import { FD_LENGTHS, type CanFrame } from '../transport/frame.js';
import type { Message, Selection } from './database.js';
import { SignalCodec, type Code } from './signal-codec.js';

/** Called for each signal that is in a frame, in the order of the database. */
type SignalVisitor = (codec: SignalCodec, code: Code) => void;

/** A signal of the message. */
interface Member {
  readonly codec: SignalCodec;
  /** Index of its multiplexer, or {@link NO_MULTIPLEXER}. */
  readonly by: number;
  readonly ranges: Selection['ranges'];
}

const NO_MULTIPLEXER = -1;

/** Converts the data of a message's frames to codes of its signals and back. */
export class MessageCodec {
  /** In the order of the database. */
  readonly signals: readonly SignalCodec[];
  readonly #members: readonly Member[];
  /** Indexes of the members, each multiplexer before the signals that it selects. */
  readonly #order: readonly number[];
  readonly #isMultiplexed: boolean;
  readonly #byName: ReadonlyMap<string, SignalCodec>;

  constructor(readonly message: Message) {
    this.signals = message.signals.map((signal) => new SignalCodec(signal));
    this.#byName = new Map(this.signals.map((codec) => [codec.signal.name, codec]));
    const places = new Map(message.signals.map(({ name }, place) => [name, place]));
    this.#members = this.signals.map((codec) => {
      const { selection } = codec.signal;
      const by =
        selection === undefined ? NO_MULTIPLEXER : (places.get(selection.by) ?? NO_MULTIPLEXER);
      return { codec, by, ranges: selection?.ranges ?? [] };
    });
    this.#order = inOrder(this.#members);
    this.#isMultiplexed = this.#members.some(({ by }) => by !== NO_MULTIPLEXER);
  }

  signal(name: string): SignalCodec | undefined {
    return this.#byName.get(name);
  }

  /** Calls `visit` for the signals of a frame. A frame may be shorter than its message: signals that it does not hold whole are left out. */
  decode(data: Uint8Array, visit: SignalVisitor): void {
    if (this.#isMultiplexed) {
      this.#decodeMultiplexed(data, visit);
      return;
    }
    for (const codec of this.signals) {
      if (codec.bytesNeeded <= data.length) visit(codec, codec.read(data));
    }
  }

  #decodeMultiplexed(data: Uint8Array, visit: SignalVisitor): void {
    const codes: (Code | undefined)[] = [];
    for (const place of this.#order) {
      const member = this.#members[place];
      if (member === undefined || member.codec.bytesNeeded > data.length) continue;
      if (isSelected(member, codes[member.by])) codes[place] = member.codec.read(data);
    }
    for (const [place, codec] of this.signals.entries()) {
      const code = codes[place];
      if (code !== undefined) visit(codec, code);
    }
  }

  /**
   * The data of a frame with these codes, by the names of signals; other signals
   * have their initial code. Those that their multiplexer does not select are left
   * out.
   */
  encode(codes: ReadonlyMap<string, Code>): Uint8Array {
    const data = new Uint8Array(this.message.length);
    this.#compose(codes, (codec, code) => codec.write(data, code));
    return data;
  }

  /** The signals in a frame with these codes. */
  selected(codes: ReadonlyMap<string, Code>): ReadonlySet<SignalCodec> {
    const selected = new Set<SignalCodec>();
    this.#compose(codes, (codec) => selected.add(codec));
    return selected;
  }

  #compose(codes: ReadonlyMap<string, Code>, visit: SignalVisitor): void {
    const used: (Code | undefined)[] = [];
    for (const place of this.#order) {
      const member = this.#members[place];
      if (member === undefined || !isSelected(member, used[member.by])) continue;
      const { codec } = member;
      const code = codes.get(codec.signal.name) ?? codec.initial;
      used[place] = code;
      visit(codec, code);
    }
  }

  /** The frame with data of {@link encode}, for a message of at most 64 bytes. */
  frame(data: Uint8Array): CanFrame {
    const { id, extended, fd, bitRateSwitch } = this.message;
    return {
      id,
      extended,
      data: fd ? padded(data) : data,
      fd,
      bitRateSwitch,
      remote: false,
      error: false,
    };
  }
}

/** Frames of CAN FD do not have all lengths above 8. */
function padded(data: Uint8Array): Uint8Array {
  const length = FD_LENGTHS.find((allowed) => allowed >= data.length) ?? data.length;
  if (length === data.length) return data;
  const longer = new Uint8Array(length);
  longer.set(data);
  return longer;
}

function isSelected({ by, ranges }: Member, code: Code | undefined): boolean {
  if (by === NO_MULTIPLEXER) return true;
  return code !== undefined && ranges.some(({ from, to }) => code >= from && code <= to);
}

function inOrder(members: readonly Member[]): number[] {
  const order: number[] = [];
  const done = new Set([NO_MULTIPLEXER]);
  // The checks of a database refuse circles, so each round finds a member.
  while (order.length < members.length) {
    members.forEach(({ by }, place) => {
      if (done.has(place) || !done.has(by)) return;
      done.add(place);
      order.push(place);
    });
  }
  return order;
}
