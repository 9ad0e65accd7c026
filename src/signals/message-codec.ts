/** The data of a frame ⇄ the codes of the signals that are in it. */
import { FD_LENGTHS, type CanFrame } from '../transport/frame.js';
import type { Message, Selection } from './database.js';
import { SignalCodec, type Code } from './signal-codec.js';

/** Called for each signal that is in a frame, in the order of the database. */
export type SignalVisitor = (codec: SignalCodec, code: Code) => void;

interface Member {
  readonly codec: SignalCodec;
  /** Place of its multiplexer in the message. */
  readonly by: number;
  readonly ranges: Selection['ranges'];
}

const NOBODY = -1;

export class MessageCodec {
  readonly signals: readonly SignalCodec[];
  readonly #members: readonly Member[];
  /** Places of the members, each multiplexer before the signals that it selects. */
  readonly #order: readonly number[];
  readonly #isMultiplexed: boolean;
  readonly #byName: ReadonlyMap<string, SignalCodec>;

  constructor(readonly message: Message) {
    this.signals = message.signals.map((signal) => new SignalCodec(signal));
    this.#byName = new Map(this.signals.map((codec) => [codec.signal.name, codec]));
    const places = new Map(message.signals.map(({ name }, place) => [name, place]));
    this.#members = this.signals.map((codec) => {
      const { selection } = codec.signal;
      const by = selection === undefined ? NOBODY : (places.get(selection.by) ?? NOBODY);
      return { codec, by, ranges: selection?.ranges ?? [] };
    });
    this.#order = inOrder(this.#members);
    this.#isMultiplexed = this.#members.some(({ by }) => by !== NOBODY);
  }

  signal(name: string): SignalCodec | undefined {
    return this.#byName.get(name);
  }

  /** A frame may be shorter than its message: signals that it cuts off are not in it. */
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
   * The data of a frame with these codes, by the names of their signals; the
   * others have their initial ones. Signals that its multiplexers do not
   * select are left out.
   */
  encode(codes: ReadonlyMap<string, Code>): Uint8Array {
    const data = new Uint8Array(this.message.length);
    this.#compose(codes, (codec, code) => codec.write(data, code));
    return data;
  }

  /** The signals of a frame with these codes. */
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

  /** The frame that carries data of {@link encode}. The message has at most 64 bytes. */
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

/** FD frames have no lengths between some above 8. */
function padded(data: Uint8Array): Uint8Array {
  const length = FD_LENGTHS.find((allowed) => allowed >= data.length) ?? data.length;
  if (length === data.length) return data;
  const longer = new Uint8Array(length);
  longer.set(data);
  return longer;
}

function isSelected({ by, ranges }: Member, code: Code | undefined): boolean {
  if (by === NOBODY) return true;
  return code !== undefined && ranges.some(({ from, to }) => code >= from && code <= to);
}

function inOrder(members: readonly Member[]): number[] {
  const order: number[] = [];
  const done = new Set([NOBODY]);
  // Databases have no circles here: each round finds somebody.
  while (order.length < members.length) {
    members.forEach(({ by }, place) => {
      if (done.has(place) || !done.has(by)) return;
      done.add(place);
      order.push(place);
    });
  }
  return order;
}
