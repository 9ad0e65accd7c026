/**
 * Lines that a device prints by the shell protocol (docs/siot.md, 3.1):
 *
 * ```
 *  pt TYPE KEY INT|FLT|STR|JSN DATA [TIME]       a point; what follows is ignored
 *  [00:01:02.345,678] <inf> module: text         a log line
 *  *** Booting Zephyr OS build v3.7.0 ***        the device has started
 * ```
 */
import { parseInt64 } from '../../point/int64.js';
import {
  floatValue,
  intValue,
  jsonValue,
  makePoint,
  stringValue,
  type Point,
  type PointValue,
} from '../../point/point.js';
import { saysStart } from './banner.js';
import { splitFields } from './fields.js';
import { parseFloating } from './numbers.js';
import { parseTime } from './time.js';

/** A word for the kind of a value. */
export type ShellDataType = 'INT' | 'FLT' | 'STR' | 'JSN';

/** What a line says. `broken`: it should be a point, and is none; `other`: anything else. */
export type ShellLine =
  | { readonly kind: 'point'; readonly point: Point }
  | { readonly kind: 'broken'; readonly why: string }
  /** `sinceStartMs`: the device's time of the line. */
  | { readonly kind: 'log'; readonly sinceStartMs: number }
  | { readonly kind: 'booted' }
  | { readonly kind: 'other' };

// Zephyr gives the hours more digits when they need them, after four days.
const LOG = /^\[(\d{2,6}):(\d{2}):(\d{2})\.(\d{3}),(\d{3})\] <(?:err|wrn|inf|dbg)> /;

const BOOTED: ShellLine = { kind: 'booted' };
const OTHER: ShellLine = { kind: 'other' };

/** Whether a line is a point, or should be one. */
const isReport = (line: string): boolean => line === 'pt' || line.startsWith('pt ');

/** What a line says, without prompts and escape sequences. Never throws. */
export function readLine(line: string): ShellLine {
  // A reset can have cut off any other line before it.
  if (saysStart(line)) return BOOTED;
  if (isReport(line)) return readReport(line);
  const log = LOG.exec(line);
  return log === null ? OTHER : { kind: 'log', sinceStartMs: msOf(log) };
}

const msOf = (log: readonly string[]): number => {
  const [hours = 0, minutes = 0, seconds = 0, ms = 0] = log.slice(1).map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
};

const broken = (why: string): ShellLine => ({ kind: 'broken', why });

function readReport(line: string): ShellLine {
  const fields = splitFields(line);
  if (fields === undefined) return broken('a quote has no end');
  const [, type = '', key, dataType = '', data, timeText = ''] = fields;
  if (key === undefined || data === undefined) return broken('fields are missing');
  if (type === '') return broken('its type is empty');
  const value = readValue(dataType, data);
  if (value === undefined) return broken('its value is none of its kind');
  const time = parseTime(timeText);
  if (time === undefined) return broken('its time is none');
  return { kind: 'point', point: makePoint({ type, key: key === '0' ? '' : key, value, time }) };
}

function readValue(dataType: string, data: string): PointValue | undefined {
  switch (dataType) {
    case 'INT': {
      const integer = parseInt64(data);
      return integer === undefined ? undefined : intValue(integer);
    }
    case 'FLT': {
      const number = parseFloating(data);
      return number === undefined ? undefined : floatValue(number);
    }
    case 'STR':
      return stringValue(data);
    case 'JSN':
      return jsonValue(data);
    default:
      return undefined;
  }
}
