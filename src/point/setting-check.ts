/** Whether a point may be set to a value, by what is known of the point (docs/contract.md, "What points are"). */
import { decimalNumber, numberOfWord } from './decimal-number.js';
import { excerpt, firstOf } from './excerpt.js';
import { isJson } from './json-text.js';
import { floatValue, jsonValue, numberOf, stringValue, type PointValue } from './point.js';
import { kindOfInfo, type PointInfo } from './point-info.js';

/** Of a list of values, so many are told. */
const MOST_VALUES_TOLD = 20;
/** Of a value that is text. */
const MOST_CHARACTERS_TOLD = 60;
/** A value between two steps by less than this part of a step is on one of them. */
const STEP_TOLERANCE = 1e-9;

/**
 * The value that a person's word means; `undefined`: the kind of the point is not known,
 * and what the device reports decides. A word that is none of that kind is text, which
 * {@link whyNotValue} refuses.
 */
export function valueOfWordByInfo(word: string, info: PointInfo): PointValue | undefined {
  switch (kindOfInfo(info)) {
    case undefined:
      return undefined;
    case 'text':
      return stringValue(word);
    case 'json':
      return jsonValue(word);
    case 'number':
      return numberOrText(decimalNumber(word), word);
    case 'switch':
      return numberOrText(numberOfWord(word), word);
  }
}

const numberOrText = (number: number | undefined, word: string): PointValue =>
  number === undefined ? stringValue(word) : floatValue(number);

/**
 * Why a point cannot have this value, for people; `undefined`: it can. `of`: the point,
 * such as `setpoint of pump`. `isForced`: somebody insists on this kind of value, which
 * need not be that of the point; limits hold all the same.
 */
export function whyNotValue(
  value: PointValue,
  info: PointInfo,
  of: string,
  isForced = false,
): string | undefined {
  if (info.writable === false) return `${of} is read-only (writable: false)`;
  if (isAllowed(value, info) || (isForced && isOfOtherKind(value, info))) return undefined;
  return `${shown(value)} is not allowed: ${of} takes ${allowedValues(info)}`;
}

/** What a point can be set to, for people: `0.5 … 8 bar in steps of 0.1`. */
function allowedValues(info: PointInfo): string {
  const { values, min, max, step } = info;
  const unit = info.unit === undefined ? '' : ` ${info.unit}`;
  if (values !== undefined) {
    return `${firstOf(values, MOST_VALUES_TOLD)}${unit}`;
  }
  const kind = kindOfInfo(info);
  switch (kind) {
    case 'switch':
      return 'on or off (1 or 0)';
    case 'text':
      return 'text';
    case 'json':
      return 'JSON';
    case 'number':
    case undefined: {
      const steps = step === undefined ? '' : ` in steps of ${String(step)}`;
      return `${range(min, max, unit)}${steps}`;
    }
  }
}

function range(min: number | undefined, max: number | undefined, unit: string): string {
  if (min !== undefined && max !== undefined) return `${String(min)} … ${String(max)}${unit}`;
  if (min !== undefined) return `a number from ${String(min)}${unit} up`;
  if (max !== undefined) return `a number up to ${String(max)}${unit}`;
  return unit === '' ? 'a number' : `a number (${unit.trim()})`;
}

/** It is none of the point's kind, and there is no list of what is allowed. */
function isOfOtherKind(value: PointValue, info: PointInfo): boolean {
  if (info.values !== undefined) return false;
  const kind = kindOfInfo(info);
  const isNumeric = kind === 'number' || kind === 'switch';
  return isNumeric === (numberIn(value) === undefined);
}

function isAllowed(value: PointValue, info: PointInfo): boolean {
  switch (kindOfInfo(info)) {
    case undefined:
      return true;
    case 'number': {
      const number = numberIn(value);
      return number !== undefined && isNumberAllowed(number, info);
    }
    case 'switch': {
      const number = numberIn(value);
      return number === 0 || number === 1;
    }
    case 'text':
      return value.kind === 'string' && (info.values?.includes(value.text) ?? true);
    case 'json':
      return (value.kind === 'json' || value.kind === 'string') && isJson(value.text);
  }
}

/** SIOT's page sends numbers as text: a text that is a number counts as one. */
function numberIn(value: PointValue): number | undefined {
  if (value.kind === 'string') return decimalNumber(value.text);
  const number = value.kind === 'float' || value.kind === 'int' ? numberOf(value) : Number.NaN;
  return Number.isNaN(number) ? undefined : number;
}

function isNumberAllowed(number: number, { min, max, step, values }: PointInfo): boolean {
  if (number < (min ?? number) || number > (max ?? number)) return false;
  if (values !== undefined && !values.includes(number)) return false;
  if (step === undefined) return true;
  const steps = (number - (min ?? 0)) / step;
  return Math.abs(steps - Math.round(steps)) <= STEP_TOLERANCE * Math.max(1, Math.abs(steps));
}

function shown(value: PointValue): string {
  switch (value.kind) {
    case 'none':
      return 'no value';
    case 'float':
      return String(value.number);
    case 'int':
      return String(value.integer);
    case 'string':
    case 'json':
      return excerpt(JSON.stringify(value.text), MOST_CHARACTERS_TOLD);
  }
}
