/**
 * The point: SIOT's unit of state and configuration (docs/siot.md, 1).
 *
 * A point is identified inside its node by (type, key). Everything in this
 * program that is not a wire handles points in the form below; each wire has a
 * codec of its own.
 */

/** What a point carries. `none` is generation 2's dataType 0: no value at all. */
export type PointValue =
  | { readonly kind: 'none' }
  | { readonly kind: 'float'; readonly number: number }
  /** A 64-bit two's complement integer. */
  | { readonly kind: 'int'; readonly integer: bigint }
  /**
   * Text. `number` is the number that generation 1 allows beside it, absent
   * when it is 0; generation 2 has room for the text only.
   */
  | { readonly kind: 'string'; readonly text: string; readonly number?: number }
  /** JSON text, not validated by anyone. */
  | { readonly kind: 'json'; readonly text: string };

export interface Point {
  readonly type: string;
  /** As its author spells it: "" and "0" are one key, see {@link canonicalKey}. */
  readonly key: string;
  /** ns since 1970, UTC. What 0 means depends on the wire it came from. */
  readonly time: bigint;
  readonly value: PointValue;
  /** Odd: deleted, even: alive; whoever changes it counts up (docs/siot.md, 1.3). int32. */
  readonly tombstone: number;
  /** Who wrote it; blank: the node's own client (docs/siot.md, 1.4). */
  readonly origin: string;
}

export const NO_VALUE: PointValue = { kind: 'none' };

export const floatValue = (number: number): PointValue => ({ kind: 'float', number });
export const intValue = (integer: bigint): PointValue => ({ kind: 'int', integer });
export const stringValue = (text: string): PointValue => ({ kind: 'string', text });
export const jsonValue = (text: string): PointValue => ({ kind: 'json', text });

/** A point with all that is not given at its default: no key, alive, blank origin. */
export function makePoint(given: Pick<Point, 'type' | 'value'> & Partial<Point>): Point {
  return {
    type: given.type,
    key: given.key ?? '',
    time: given.time ?? 0n,
    value: given.value,
    tombstone: given.tombstone ?? 0,
    origin: given.origin ?? '',
  };
}

/** "" and "0" are the same scalar key; stores keep "0" (docs/siot.md, 1.2). */
export function canonicalKey(key: string): string {
  return key === '' ? '0' : key;
}

export function isDeleted(point: Pick<Point, 'tombstone'>): boolean {
  return (point.tombstone & 1) === 1;
}

/** The number in a value, 0 where there is none: SIOT's lenient accessor (docs/siot.md, 1.1). */
export function numberOf(value: PointValue): number {
  switch (value.kind) {
    case 'float':
      return value.number;
    case 'int':
      return Number(value.integer);
    case 'string':
      return value.number ?? 0;
    case 'json':
    case 'none':
      return 0;
  }
}

/** The text in a value, "" where there is none. */
export function textOf(value: PointValue): string {
  return value.kind === 'string' || value.kind === 'json' ? value.text : '';
}

/** Booleans are numbers, and only exactly 1 is true (docs/siot.md, 1.1). */
export function isTrue(value: PointValue): boolean {
  return numberOf(value) === 1;
}

/** Same kind and same content; NaN equals NaN. */
export function sameValue(a: PointValue, b: PointValue): boolean {
  switch (a.kind) {
    case 'none':
      return b.kind === 'none';
    case 'float':
      return b.kind === 'float' && Object.is(a.number, b.number);
    case 'int':
      return b.kind === 'int' && a.integer === b.integer;
    case 'string':
      return b.kind === 'string' && a.text === b.text && (a.number ?? 0) === (b.number ?? 0);
    case 'json':
      return b.kind === 'json' && a.text === b.text;
  }
}

/**
 * 32 bits that differ for values that differ, as good as always: to know a
 * value again without keeping it.
 */
export function hashValue(value: PointValue): number {
  switch (value.kind) {
    case 'none':
      return 0;
    case 'float':
      return hashNumber(value.number);
    case 'int':
      return hashText(value.integer.toString());
    case 'string':
      return hashText(value.text) ^ hashNumber(value.number ?? 0);
    case 'json':
      return ~hashText(value.text);
  }
}

const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);

function hashNumber(number: number): number {
  double[0] = number;
  return (Math.imul((halves[0] ?? 0) ^ 0x9e3779b9, 0x85ebca6b) ^ (halves[1] ?? 0)) | 0;
}

/** FNV-1a over UTF-16 units. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 0;
}

/** A value as JSON carries it; {@link plainValue} makes it. */
export type PlainValue = number | string | null;

/**
 * A value for people and for JSON lines: a number, a text, `null` for none.
 * Integers that a double cannot hold exactly come as text, and so do the
 * infinities, which JSON does not know.
 */
export function plainValue(value: PointValue): PlainValue {
  switch (value.kind) {
    case 'none':
      return null;
    case 'float':
      return Number.isFinite(value.number) ? value.number : String(value.number);
    case 'int': {
      const number = Number(value.integer);
      return Number.isSafeInteger(number) ? number : String(value.integer);
    }
    case 'string':
    case 'json':
      return value.text;
  }
}
