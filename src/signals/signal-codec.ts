import { codeRange, signalBytes, type Signal } from './database.js';
import { compareDecimals, decimalText, type Decimal } from './decimal.js';
import { Scaling } from './scaling.js';

/**
 * The bits of a signal as a number, without factor and offset. For all codes of a
 * signal the type is the same: a bigint for integers of more than 53 bits, else a number.
 */
export type Code = number | bigint;

/** Most bits of an integer that a number holds. */
const NUMBER_BITS = 53;

/** The bits of a signal in one byte. */
interface Piece {
  readonly byte: number;
  /** Index of its lowest bit in the byte. */
  readonly shift: number;
  readonly mask: number;
  /** Index of its lowest bit in the code. */
  readonly position: number;
  /** 2^position. */
  readonly weight: number;
}

/** Converts the bits of a signal to its code, value and text, and back. */
export class SignalCodec {
  readonly scaling: Scaling;
  /** Least length of a frame that holds the signal, bytes. */
  readonly bytesNeeded: number;
  readonly isFloat: boolean;
  readonly #pieces: readonly Piece[];
  readonly #isBig: boolean;
  readonly #isSigned: boolean;
  readonly #half: number;
  readonly #span: number;
  readonly #texts: ReadonlyMap<Code, string>;

  constructor(readonly signal: Signal) {
    const { length, kind } = signal;
    this.scaling = new Scaling(signal.factor, signal.offset);
    this.bytesNeeded = signalBytes(signal).last + 1;
    this.isFloat = kind === 'single' || kind === 'double';
    this.#isBig = length > NUMBER_BITS;
    this.#isSigned = kind === 'signed';
    this.#half = 2 ** (length - 1);
    this.#span = 2 ** length;
    this.#pieces = piecesOf(signal);
    const [least, greatest] = codeRange(signal);
    // A text of a code that the signal cannot have is ignored: its bits would be another code.
    const possible = [...signal.texts].filter(([code]) => code >= least && code <= greatest);
    this.#texts = new Map(possible.map(([code, text]) => [this.#inForm(code), text]));
  }

  /** Texts of codes. */
  get texts(): ReadonlyMap<Code, string> {
    return this.#texts;
  }

  /** The code in a frame of at least {@link bytesNeeded} bytes. */
  read(data: Uint8Array): Code {
    if (this.#isBig) return this.#readBig(data);
    let code = 0;
    for (const { byte, shift, mask, weight } of this.#pieces) {
      code += (((data[byte] ?? 0) >> shift) & mask) * weight;
    }
    if (this.isFloat) return singleOf(code);
    return this.#isSigned && code >= this.#half ? code - this.#span : code;
  }

  #readBig(data: Uint8Array): Code {
    let code = 0n;
    for (const { byte, shift, mask, position } of this.#pieces) {
      code |= BigInt(((data[byte] ?? 0) >> shift) & mask) << BigInt(position);
    }
    if (this.isFloat) return doubleOf(code);
    return this.#isSigned ? BigInt.asIntN(this.signal.length, code) : code;
  }

  /** Writes a code that {@link read} can return into a frame; other bits stay. */
  write(data: Uint8Array, code: Code): void {
    let left = BigInt.asUintN(
      this.signal.length,
      this.isFloat ? this.#floatBits(code) : BigInt(code),
    );
    for (const { byte, shift, mask } of this.#pieces) {
      const bits = Number(left & BigInt(mask)) << shift;
      data[byte] = ((data[byte] ?? 0) & ~(mask << shift)) | bits;
      left >>= BigInt(BITS[mask] ?? 0);
    }
  }

  #floatBits(code: Code): bigint {
    return this.#isBig ? bitsOfDouble(Number(code)) : bitsOfSingle(Number(code));
  }

  /** The text of a code; `undefined`: it has none. */
  text(code: Code): string | undefined {
    return this.#texts.get(code);
  }

  /** The double nearest to the value of a code. */
  value(code: Code): number {
    return this.isFloat ? this.scaling.ofFloat(Number(code)) : this.scaling.toNumber(code);
  }

  /** All digits of the value of a code; for floats the fewest that identify it. */
  valueText(code: Code): string {
    return this.isFloat ? String(this.scaling.ofFloat(Number(code))) : this.scaling.toText(code);
  }

  /** The code with this text. */
  codeOfText(text: string): Code | undefined {
    for (const [code, known] of this.#texts) if (known === text) return code;
    return undefined;
  }

  /** The code with the value nearest to a number. A text: the number is out of range, and this is {@link allowed}. */
  codeOfValue(value: Decimal): { readonly code: Code; readonly exact: boolean } | string {
    const { minimum, maximum } = this.signal;
    const tooLow = minimum !== undefined && compareDecimals(value, minimum) < 0;
    const tooHigh = maximum !== undefined && compareDecimals(value, maximum) > 0;
    if (tooLow || tooHigh) return this.allowed;
    if (this.isFloat) {
      const code = this.scaling.floatCode(Number(decimalText(value)));
      const held = this.#isBig ? code : Math.fround(code);
      return Number.isFinite(held) ? { code: held, exact: true } : this.allowed;
    }
    const { code, exact } = this.scaling.toCode(value);
    const [least, greatest] = codeRange(this.signal);
    return code < least || code > greatest ? this.allowed : { code: this.#inForm(code), exact };
  }

  /**
   * The code of a number that is no {@link Decimal}: NaN, an infinity or −0, which
   * only floats have. A text: as for {@link codeOfValue}.
   */
  codeOfSpecial(value: number): Code | string {
    const { minimum, maximum } = this.signal;
    const tooHigh = value > 0 && maximum !== undefined;
    const tooLow = value < 0 && minimum !== undefined;
    if (!this.isFloat || tooHigh || tooLow) return this.allowed;
    return this.scaling.floatCode(value);
  }

  /** The code before one was set. */
  get initial(): Code {
    return this.#inForm(this.signal.initial ?? 0n);
  }

  /** The range of values that can be sent, for people. */
  get allowed(): string {
    const [low, high] = this.#ends();
    return `${low} to ${high}${this.signal.unit === '' ? '' : ` ${this.signal.unit}`}`;
  }

  /** Least and greatest value that can be sent. */
  #ends(): [string, string] {
    const { minimum, maximum, kind } = this.signal;
    const given = [minimum, maximum].map((end) =>
      end === undefined ? undefined : decimalText(end),
    );
    if (this.isFloat) {
      const greatest = kind === 'single' ? 3.4028234663852886e38 : Number.MAX_VALUE;
      return [given[0] ?? String(-greatest), given[1] ?? String(greatest)];
    }
    const ends = codeRange(this.signal).map((code) => this.scaling.exact(code));
    ends.sort(compareDecimals);
    return [
      given[0] ?? decimalText(ends[0] ?? this.signal.offset),
      given[1] ?? decimalText(ends[1] ?? this.signal.offset),
    ];
  }

  #inForm(code: bigint): Code {
    return this.#isBig && !this.isFloat ? code : Number(code);
  }
}

/** Number of bits in a mask 2^n − 1. */
const BITS: readonly number[] = Array.from({ length: 256 }, (_, mask) => mask.toString(2).length);

/** The pieces, from the lowest bit of the code to its highest. */
function piecesOf({ start, length, byteOrder }: Signal): Piece[] {
  const pieces: Piece[] = [];
  const add = (byte: number, shift: number, bits: number, position: number): void => {
    pieces.push({ byte, shift, mask: (1 << bits) - 1, position, weight: 2 ** position });
  };
  if (byteOrder === 'little') {
    for (let done = 0; done < length;) {
      const at = start + done;
      const bits = Math.min(8 - (at & 7), length - done);
      add(at >> 3, at & 7, bits, done);
      done += bits;
    }
    return pieces;
  }
  let byte = start >> 3;
  let top = start & 7;
  for (let left = length; left > 0; byte += 1, top = 7) {
    const bits = Math.min(top + 1, left);
    left -= bits;
    add(byte, top + 1 - bits, bits, left);
  }
  return pieces.reverse();
}

const scratch = new DataView(new ArrayBuffer(8));

function singleOf(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

function doubleOf(bits: bigint): number {
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
}

function bitsOfSingle(number: number): bigint {
  scratch.setFloat32(0, number);
  return BigInt(scratch.getUint32(0));
}

function bitsOfDouble(number: number): bigint {
  scratch.setFloat64(0, number);
  return scratch.getBigUint64(0);
}
