/** Inputs from inputs: what a bad line, a bad program or a bad person might make of them. */
import type { SeededRandom } from '../../firmware-sim/random.js';

/** Where lengths, counts and code bytes change their meaning. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000];
const WIDE_EDGES = [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 10_000, 10_001];

export interface MutateOptions {
  readonly random: SeededRandom;
  readonly maxLength: number;
  readonly words: readonly Uint8Array[];
  /** Pieces of it may be put in. */
  readonly other: Uint8Array;
}

/** One to some ten changes. */
export function mutate(input: Uint8Array, options: MutateOptions): Uint8Array {
  const { random, maxLength } = options;
  let bytes = Array.from(input);
  do bytes = once(bytes, options);
  while (random.chance(0.6));
  return Uint8Array.from(bytes.slice(0, maxLength));
}

function once(bytes: number[], { random, words, other }: MutateOptions): number[] {
  const at = random.below(bytes.length + 1);
  const length = 1 + random.below(random.chance(0.2) ? 64 : 4);
  switch (random.below(11)) {
    case 0:
      return changed(bytes, at, [(bytes[at] ?? 0) ^ (1 << random.below(8))]);
    case 1:
      return changed(bytes, at, [random.below(256)]);
    case 2:
      return changed(bytes, at, [((bytes[at] ?? 0) + (random.chance(0.5) ? 1 : 255)) & 0xff]);
    case 3:
      return changed(bytes, at, integer(random));
    case 4:
      return [...bytes.slice(0, at), ...bytes.slice(at + length)];
    case 5:
      return inserted(
        bytes,
        at,
        Array.from({ length }, () => random.below(256)),
      );
    case 6:
      return inserted(bytes, random.below(bytes.length + 1), bytes.slice(at, at + length * 4));
    case 7:
      return inserted(bytes, at, Array.from<number>({ length }).fill(bytes[at] ?? 0));
    case 8: {
      const from = random.below(other.length + 1);
      const piece = Array.from(other.subarray(from, from + 1 + random.below(other.length + 1)));
      return random.chance(0.5) ? inserted(bytes, at, piece) : changed(bytes, at, piece);
    }
    case 9: {
      const word = words[random.below(words.length)];
      if (word === undefined) return bytes.slice(0, at);
      return random.chance(0.6) ? inserted(bytes, at, [...word]) : changed(bytes, at, [...word]);
    }
    default:
      return bytes.slice(0, at);
  }
}

const inserted = (bytes: number[], at: number, piece: readonly number[]): number[] => [
  ...bytes.slice(0, at),
  ...piece,
  ...bytes.slice(at),
];

const changed = (bytes: number[], at: number, piece: readonly number[]): number[] => [
  ...bytes.slice(0, at),
  ...piece,
  ...bytes.slice(at + piece.length),
];

/** A number at an edge, little-endian, in as many bytes as a field might have. */
function integer(random: SeededRandom): number[] {
  const width = [1, 2, 4, 8][random.below(4)] ?? 1;
  const edges = width > 2 ? [...EDGES, ...WIDE_EDGES] : EDGES;
  const value = BigInt(edges[random.below(edges.length)] ?? 0);
  const bits = BigInt.asUintN(64, random.chance(0.2) ? -value : value);
  return Array.from({ length: width }, (_, i) => Number((bits >> BigInt(8 * i)) & 0xffn));
}
