/**
 * What a device announces of its points: a point of type `pointInfo`, whose key is the
 * type (or `TYPE/KEY`) that it speaks of, and whose text is JSON (docs/wire.md, "What
 * your points are").
 */
import { excerpt } from './excerpt.js';
import {
  POINT_INFO_FIELDS,
  POINT_INFO_RANGE,
  POINT_KINDS,
  isScale,
  pointInfoProblems,
  pointTarget,
  type PointInfo,
  type PointInfoField,
} from './point-info.js';
import { POINT_INFO_TYPE, isReservedType } from './reserved.js';
import { tokenProblem } from './token.js';

/** Characters of the JSON of one announcement. */
export const MOST_ANNOUNCED = 4_096;
/** Characters of a device's text in a message. */
const SHOWN = 40;
/** Problems of one announcement that are told. */
const MOST_PROBLEMS = 5;

/** What an announcement says, and what of it cannot be used, for people. */
export interface Announcement {
  readonly info: PointInfo;
  readonly problems: readonly string[];
}

/** Why a device cannot announce anything for this key; `undefined`: it can. */
export function whyNotAnnounced(key: string): string | undefined {
  const { type, key: inner } = pointTarget(key);
  if (key === '' || key === '0') return 'its key must be the type that it speaks of';
  const isToken =
    tokenProblem(type) === undefined && inner !== '' && tokenProblem(key) === undefined;
  if (!isToken) return 'its key is no TYPE or TYPE/KEY';
  if (type === POINT_INFO_TYPE) return 'it speaks of itself';
  return isReservedType(type) ? `${type} belongs to the gateway` : undefined;
}

/** Reads the JSON of an announcement. Fields that are wrong are left out, and told. */
export function readAnnouncement(text: string): Announcement {
  if (text.length > MOST_ANNOUNCED) {
    return nothing(`it has more than ${String(MOST_ANNOUNCED)} characters`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return nothing(`it is no JSON: ${shown(text)}`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return nothing('it is no JSON object');
  }
  const problems: string[] = [];
  let info: PointInfo = {};
  for (const field of POINT_INFO_FIELDS) {
    const value: unknown = Object.hasOwn(json, field) ? Reflect.get(json, field) : null;
    if (value === null) continue;
    if (!FIELDS[field].is(value)) {
      problems.push(`${field} must be ${FIELDS[field].allowed}`);
      continue;
    }
    const more: PointInfo = { ...info, [field]: value };
    const [problem] = pointInfoProblems(more);
    if (problem === undefined) info = more;
    else problems.push(`${problem.field} ${problem.message}`);
  }
  const unknown = Object.keys(json).filter((key) => !Object.hasOwn(FIELDS, key));
  problems.push(...unknown.map((key) => `unknown field ${shown(key)}`));
  return { info, problems: problems.slice(0, MOST_PROBLEMS) };
}

const nothing = (problem: string): Announcement => ({ info: {}, problems: [problem] });

const shown = (text: string): string => JSON.stringify(excerpt(text, SHOWN));

interface Field {
  readonly is: (value: unknown) => boolean;
  readonly allowed: string;
}

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value);

/** Control characters would spoil a terminal. */
const isText = (value: unknown, most: number): boolean =>
  typeof value === 'string' && value !== '' && value.length <= most && !/\p{Cc}/u.test(value);

const text = (most: number): Field => ({
  is: (value) => isText(value, most),
  allowed: `a text of 1 to ${String(most)} characters`,
});

const NUMBER: Field = { is: isNumber, allowed: 'a number' };

const { name, unit, values: mostValues, maxAge } = POINT_INFO_RANGE;

const isValue = (value: unknown): boolean => isNumber(value) || isText(value, mostValues);

const FIELDS: Readonly<Record<PointInfoField, Field>> = {
  kind: {
    is: (value) => POINT_KINDS.some((kind) => kind === value),
    allowed: `one of ${POINT_KINDS.join(', ')}`,
  },
  name: text(name),
  unit: text(unit),
  min: NUMBER,
  max: NUMBER,
  step: { is: (value) => isNumber(value) && value > 0, allowed: 'a number above 0' },
  scale: {
    is: (value) => isNumber(value) && isScale(value),
    allowed: 'a number other than 0',
  },
  values: {
    is: (value) =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.length <= mostValues &&
      value.every(isValue),
    allowed: `a list of 1 to ${String(mostValues)} numbers, or of texts`,
  },
  writable: { is: (value) => typeof value === 'boolean', allowed: 'true or false' },
  maxAge: {
    is: (value) => isNumber(value) && value >= maxAge.min && value <= maxAge.max,
    allowed: `a number of seconds from ${String(maxAge.min)} to ${String(maxAge.max)}`,
  },
};
