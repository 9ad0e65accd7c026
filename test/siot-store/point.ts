/**
 * A point as the store sees it (docs/siot.md, 1). The stand-in has its own
 * model and codecs, so that one misreading of the wire cannot hide in both
 * sides of a test.
 */
import { decodeText, encodeText } from './text.js';

export interface StorePoint {
  readonly type: string;
  readonly key: string;
  /** ns since 1970; beyond 64 bits only in generation 1, whose wire has seconds. */
  readonly time: bigint;
  /** int32; odd = deleted (1.3). */
  readonly tombstone: number;
  readonly origin: string;
  readonly content: Content;
}

export type Content =
  /** Generation 1: both may be set. */
  | { readonly kind: 'pair'; readonly value: number; readonly text: string }
  /** Generation 2: the bytes that dataType (0…255) describes. */
  | { readonly kind: 'typed'; readonly dataType: number; readonly data: Uint8Array };

export const FLOAT = 1;
export const INT = 2;
export const STRING = 3;
export const JSON_TEXT = 4;

/** Year 1: "unset", which generation 1 replaces by now (1.5). */
export const UNSET_NS = -62_135_596_800_000_000_000n;

export const NO_DATA: Uint8Array = new Uint8Array(0);

export function typedNumber(value: number): Content {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setFloat64(0, value, true);
  return { kind: 'typed', dataType: FLOAT, data };
}

export function typedText(text: string): Content {
  return { kind: 'typed', dataType: STRING, data: encodeText(text) };
}

/**
 * The number that the store reads in a point: 0 for text, for unknown types and
 * for wrong lengths. Short integers are zero-extended (1.1).
 */
export function numberOf({ content }: StorePoint): number {
  if (content.kind === 'pair') return content.value;
  const { dataType, data } = content;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (dataType === FLOAT) {
    if (data.length === 4) return view.getFloat32(0, true);
    return data.length === 8 ? view.getFloat64(0, true) : 0;
  }
  if (dataType !== INT) return 0;
  switch (data.length) {
    case 1:
      return view.getUint8(0);
    case 2:
      return view.getUint16(0, true);
    case 4:
      return view.getUint32(0, true);
    case 8:
      return Number(view.getBigInt64(0, true));
    default:
      return 0;
  }
}

/** The text that the store reads in a point; `""` for numbers. */
export function textOf({ content }: StorePoint): string {
  if (content.kind === 'pair') return content.text;
  const isText = content.dataType === STRING || content.dataType === JSON_TEXT;
  return isText ? decodeText(content.data) : '';
}

/** `""` and `"0"` are one key, and stored as `"0"` (1.2). */
export function storedKey(key: string): string {
  return key === '' ? '0' : key;
}

export function find(
  points: Iterable<StorePoint>,
  type: string,
  key = '0',
): StorePoint | undefined {
  for (const point of points) if (point.type === type && point.key === key) return point;
  return undefined;
}

/**
 * Points of one message whose type and key, written one after the other, read
 * the same are one: the newest, of equals the last (1.7). SIOT's order after
 * that is random; here it is the order of the message.
 */
export function collapse(points: readonly StorePoint[]): readonly StorePoint[] {
  if (points.length <= 1) return points;
  const newest = new Map<string, StorePoint>();
  for (const point of points) {
    const name = point.type + point.key;
    const known = newest.get(name);
    if (known === undefined || known.time <= point.time) newest.set(name, point);
  }
  return [...newest.values()];
}
