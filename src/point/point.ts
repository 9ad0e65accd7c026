/**
 * The point: SIOT's unit of state and configuration (docs/siot.md, 1).
 *
 * Inside its node a point is identified by (type, key). All of the program uses
 * the form below; a codec for each wire converts it.
 */

/** The value of a point. `none` is dataType 0 of generation 2. */
export type PointValue =
  | { readonly kind: 'none' }
  | { readonly kind: 'float'; readonly number: number }
  /** A signed 64-bit integer. */
  | { readonly kind: 'int'; readonly integer: bigint }
  /**
   * `number`: generation 1 can carry a number beside the text; absent when it
   * is 0. Generation 2 carries the text only.
   */
  | { readonly kind: 'string'; readonly text: string; readonly number?: number }
  /** JSON as text. Nothing in this program checks that it is valid. */
  | { readonly kind: 'json'; readonly text: string };

/** A point; ranges of its fields: docs/siot.md, 1. */
export interface Point {
  readonly type: string;
  /** As its author wrote it: "" and "0" are one key, see {@link canonicalKey}. */
  readonly key: string;
  /** ns since 1970, UTC. The meaning of 0 depends on the wire that it came from. */
  readonly time: bigint;
  readonly value: PointValue;
  /** int32. Odd: deleted; even: not. Each change counts up (docs/siot.md, 1.3). */
  readonly tombstone: number;
  /** Author; blank: the client that owns the node (docs/siot.md, 1.4). */
  readonly origin: string;
}

export const NO_VALUE: PointValue = { kind: 'none' };

export const floatValue = (number: number): PointValue => ({ kind: 'float', number });
export const intValue = (integer: bigint): PointValue => ({ kind: 'int', integer });
export const stringValue = (text: string): PointValue => ({ kind: 'string', text });
export const jsonValue = (text: string): PointValue => ({ kind: 'json', text });

/** A point with defaults for what is not given: no key, time 0, not deleted, blank origin. */
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

/** The key as stores keep it: "0" for "", which is the same key (docs/siot.md, 1.2). */
export function canonicalKey(key: string): string {
  return key === '' ? '0' : key;
}

export function isDeleted(point: Pick<Point, 'tombstone'>): boolean {
  return (point.tombstone & 1) === 1;
}

/** The number in a value, 0 where there is none, as SIOT reads it (docs/siot.md, 1.1). */
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

/** Whether a boolean is true: its number is exactly 1 (docs/siot.md, 1.1). */
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

/** A hash of 32 bits, to recognise a value without keeping it. */
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
