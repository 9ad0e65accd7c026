/**
 * What is known of a point besides its value: unit, limits, name and the like
 * (docs/contract.md, "What points are"). The configuration gives it, or the device
 * announces it. What is used is joined from both, field by field.
 */

import { canonicalKey } from './point.js';

export const POINT_KINDS = ['number', 'text', 'switch', 'json'] as const;

/** `switch`: the number 1 (on) or 0 (off). */
export type PointKind = (typeof POINT_KINDS)[number];

/** What is known of a point. All numbers are in the unit in which SIOT shows the point. */
export interface PointInfo {
  readonly kind?: PointKind;
  /** For people. */
  readonly name?: string;
  /** Such as `°C`; people read it behind the value. */
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  /** Values are `min`, or 0 where there is none, and whole multiples of this above and below; above 0. */
  readonly step?: number;
  /** The device's number times this is the number in SIOT; not 0. */
  readonly scale?: number;
  /** The only values: all numbers, or all texts. */
  readonly values?: readonly (number | string)[];
  /** False: nobody can set it. */
  readonly writable?: boolean;
  /** The point is stale when it was not reported for longer than this, s. */
  readonly maxAge?: number;
}

export type PointInfoField = keyof PointInfo;

/** In the order in which people read them; those that others depend on come first. */
export const POINT_INFO_FIELDS = [
  'kind',
  'name',
  'unit',
  'min',
  'max',
  'step',
  'scale',
  'values',
  'writable',
  'maxAge',
] as const satisfies readonly PointInfoField[];

/** Ranges, the same for the configuration and for a device. */
export const POINT_INFO_RANGE = {
  /** Characters. */
  name: 100,
  /** Characters. */
  unit: 32,
  /** Number of values, and characters of one that is text. */
  values: 100,
  /** Magnitude of `scale`, both ways. */
  scale: 1e15,
  /** Seconds: a tenth, and a year. */
  maxAge: { min: 0.1, max: 31_536_000 },
} as const;

/** Whether a number can be a `scale`. */
export function isScale(value: number): boolean {
  const size = Math.abs(value);
  return size >= 1 / POINT_INFO_RANGE.scale && size <= POINT_INFO_RANGE.scale;
}

/** A point, or all points of a type, of which something is known. */
export interface PointTarget {
  readonly type: string;
  /** `undefined`: all keys of the type. */
  readonly key: string | undefined;
}

/** Reads `TYPE` or `TYPE/KEY`: the first slash is the one between them. */
export function pointTarget(text: string): PointTarget {
  const slash = text.indexOf('/');
  return slash === -1
    ? { type: text, key: undefined }
    : { type: text.slice(0, slash), key: text.slice(slash + 1) };
}

/** A point as people write it, and as {@link pointTarget} reads it: `TYPE`, or `TYPE/KEY` where it has a key. */
export const pointName = (type: string, key: string): string =>
  canonicalKey(key) === '0' ? type : `${type}/${key}`;

/** A field that does not go with the others. */
export interface PointInfoProblem {
  readonly field: PointInfoField;
  /** What is wrong and what to do. */
  readonly message: string;
}

/** Fields of numbers: no other kind has one. */
export const NUMBER_FIELDS = ['min', 'max', 'step', 'scale'] as const;

/** The kind of a point, also where only the other fields tell it. */
export function kindOfInfo(info: PointInfo): PointKind | undefined {
  if (info.kind !== undefined) return info.kind;
  if (NUMBER_FIELDS.some((field) => info[field] !== undefined)) return 'number';
  const [first] = info.values ?? [];
  if (first === undefined) return undefined;
  return typeof first === 'number' ? 'number' : 'text';
}

/** What does not go together. Each field by itself is in its range. */
export function pointInfoProblems(info: PointInfo): PointInfoProblem[] {
  const problems: PointInfoProblem[] = [];
  const add = (field: PointInfoField, message: string): void => {
    problems.push({ field, message });
  };
  const kind = kindOfInfo(info);
  for (const field of NUMBER_FIELDS) {
    if (info[field] === undefined || kind === 'number') continue;
    add(field, `goes with numbers only, and kind is ${String(kind)}; take one of them out`);
  }
  const { min, max, values } = info;
  if (min !== undefined && max !== undefined && min > max) {
    add('min', `${String(min)} is more than max, ${String(max)}; give the smaller one`);
  }
  if (values === undefined) return problems;
  if (kind === 'switch') add('values', 'a switch is on or off; take them out');
  else if (kind === 'json') add('values', 'JSON has no list of values; take them out');
  else if (kind === 'number' && !values.every((value) => typeof value === 'number')) {
    add('values', 'has a text, and the point is a number; give numbers only');
  } else if (kind === 'text' && !values.every((value) => typeof value === 'string')) {
    add('values', 'has a number, and the point is text; put it in quotes');
  } else {
    const outside = values.find(
      (value) => typeof value === 'number' && !(value >= (min ?? value) && value <= (max ?? value)),
    );
    if (outside !== undefined) {
      add('values', `${String(outside)} is outside min and max; take it out, or widen them`);
    }
  }
  return problems;
}

/**
 * `over` with the fields of `under` that it does not have itself, as far as they go with
 * what is there. Nothing of `over` is lost or changed. Both have no problems, and
 * neither has the result.
 */
export function mergePointInfo(over: PointInfo, under: PointInfo): PointInfo {
  let merged = over;
  for (const field of POINT_INFO_FIELDS) {
    if (under[field] === undefined || over[field] !== undefined) continue;
    const more: PointInfo = { ...merged, [field]: under[field] };
    if (pointInfoProblems(more).length === 0) merged = more;
  }
  return merged;
}
