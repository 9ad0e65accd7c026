/**
 * Points of the simulated firmware. Their values are close to both wires, so that a
 * test can choose exactly which bytes are sent.
 */

/**
 * The value of a point. Sections of docs/siot.md are in brackets.
 *
 * | here                    | protobuf (2.3)         | compact (2.4)               |
 * |-------------------------|------------------------|-----------------------------|
 * | `undefined`             | neither field          | dataType 0                  |
 * | number                  | `value`, float32       | FLOAT, 8 bytes              |
 * | `{ float32 }`           | `value`, float32       | FLOAT, 4 bytes              |
 * | bigint                  | `value`, float32       | INT, 8 bytes                |
 * | `{ int, bytes }`        | `value`, float32       | INT, two's complement       |
 * | string                  | `text`                 | STRING                      |
 * | `{ json }`              | `text`                 | JSON                        |
 * | `{ text, number }`      | both                   | STRING                      |
 * | `{ dataType, data }`    | – (neither field)      | as given, right or wrong    |
 */
export type McuValue =
  | undefined
  | number
  | bigint
  | string
  | { readonly float32: number }
  | { readonly int: bigint; readonly bytes: 1 | 2 | 4 }
  | { readonly json: string }
  | { readonly text: string; readonly number: number }
  | { readonly dataType: number; readonly data: Uint8Array };

/** A point (docs/siot.md, 1). */
export interface McuPoint {
  readonly type: string;
  readonly key: string;
  /** ns since 1970, or since the device's start; 0: not known. */
  readonly time: bigint;
  readonly value: McuValue;
  /** int32; odd: deleted. */
  readonly tombstone: number;
  /** Author; blank: the device. */
  readonly origin: string;
}

/** A point of which all but the type may be left out. */
export type PointLike = Pick<McuPoint, 'type'> & Partial<McuPoint>;

/** A point with defaults: no key, time 0, no value, not deleted, blank origin. */
export function mcuPoint(given: PointLike): McuPoint {
  return {
    type: given.type,
    key: given.key ?? '',
    time: given.time ?? 0n,
    value: given.value,
    tombstone: given.tombstone ?? 0,
    origin: given.origin ?? '',
  };
}

/** "" and "0" are one key (docs/siot.md, 1.2). */
export const sameKey = (a: string, b: string): boolean =>
  (a === '' ? '0' : a) === (b === '' ? '0' : b);

/** The number in a value, 0 where there is none. */
export function numberIn(value: McuValue): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object') return 0;
  if ('float32' in value) return value.float32;
  if ('int' in value) return Number(value.int);
  if ('number' in value) return value.number;
  return 0;
}

/** The text in a value, "" where there is none. */
export function textIn(value: McuValue): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object') return '';
  if ('json' in value) return value.json;
  if ('text' in value) return value.text;
  return '';
}

/** A value for people. */
export function showValue(value: McuValue): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'object' && 'dataType' in value) {
    return `dataType ${String(value.dataType)}, ${Buffer.from(value.data).toString('hex')}`;
  }
  const text = textIn(value);
  return text !== '' || typeof value === 'string' ? JSON.stringify(text) : String(numberIn(value));
}
