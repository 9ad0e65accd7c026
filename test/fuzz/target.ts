import type { SeededRandom } from '../../firmware-sim/random.js';

/** A parser that faces a device or the bus, and what may be said of it for any input. */
export interface FuzzTarget {
  /** One word, also the name of its folder in `regressions`. */
  readonly name: string;
  /** Source files, from the checkout's root, whose coverage steers the fuzzer and is stated. */
  readonly files: readonly string[];
  /** Bytes of the longest input. */
  readonly maxLength: number;
  /** Inputs tried in `npm test`, where the usual number takes too long. */
  readonly firstLook?: number;
  /** Words that mean something to the parser. */
  readonly words?: readonly (string | Uint8Array)[];
  /** Valid inputs, and odd ones that are known, to begin with. */
  corpus(): Iterable<Uint8Array>;
  /** One more valid input. */
  generate?(random: SeededRandom): Uint8Array;
  /**
   * Gives the parser the input and throws when it does what it must not. May be
   * asynchronous. The bytes are its own: it may overwrite them.
   */
  check(input: Uint8Array): unknown;
}

/** The parser did what it must not. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

/** Throws a {@link Finding} unless both show the same. */
export function agree(what: string, ours: unknown, theirs: unknown): void {
  const [a, b] = [show(ours), show(theirs)];
  if (a !== b) throw new Finding(`${what}: ${a} against ${b}`);
}

export function must(holds: boolean, what: string | (() => string)): asserts holds {
  if (!holds) throw new Finding(typeof what === 'string' ? what : what());
}

/** A value as text in which −0, NaN, bigints and bytes stay what they are, and the order of members says nothing. */
export function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value.toString()}n`;
  if (Object.is(value, -0)) return '-0';
  if (value instanceof Uint8Array) return `<${Buffer.from(value).toString('hex')}>`;
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'string' ? JSON.stringify(value) : String(value);
  }
  const members = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, inner]) => `${name}: ${show(inner)}`).join(', ')}}`;
}
