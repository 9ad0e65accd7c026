/**
 * The point commands of a device with the shell protocol (docs/siot.md, 3): `p` and `pt`,
 * as today's firmware does them (docs/siot.md, 2.11): integers of 32 bits, numbers in
 * single precision with four decimals, and what is too long is cut off.
 */
import { mcuPoint, textIn, type McuPoint, type McuValue } from '../points.js';

/** Bytes of a type, a key and a text, with the zero at the end. */
const WIDTHS = { type: 24, key: 20, text: 20 } as const;

const cut = (word: Buffer, width: number): string => word.subarray(0, width - 1).toString();

/** What `p` sets, and the time that the command has, as text; or what is wrong with it. */
export function readSetting(
  words: readonly Buffer[],
): { readonly point: McuPoint; readonly time: string | undefined } | string {
  const [, type, key, dataType, data, time] = words;
  if (type === undefined || key === undefined || dataType === undefined || data === undefined) {
    return 'p: wrong parameter count';
  }
  const value = readValue(String(dataType), data);
  if (value === undefined) return `p: cannot take ${String(dataType)} ${String(data)}`;
  const name = cut(key, WIDTHS.key);
  const point = mcuPoint({
    type: cut(type, WIDTHS.type),
    key: name === '0' ? '' : name,
    value,
  });
  return { point, time: time === undefined ? undefined : String(time) };
}

function readValue(dataType: string, data: Buffer): McuValue {
  const text = String(data);
  switch (dataType) {
    case 'INT':
      return /^-?\d+$/.test(text) ? BigInt.asIntN(32, BigInt(text)) : undefined;
    case 'FLT':
      return /^-?\d+(\.\d*)?$/.test(text) ? Math.fround(Number(text)) : undefined;
    case 'STR':
      return cut(data, WIDTHS.text);
    default:
      return undefined;
  }
}

/** A point as a line; `time`: as text. */
export function reportLine({ type, key, value }: McuPoint, time: string | undefined): string {
  const [dataType, data] = writeValue(value);
  const fields = [
    type,
    key === '' ? '0' : key,
    dataType,
    data,
    ...(time === undefined ? [] : [time]),
  ];
  return `pt ${fields.map(quote).join(' ')}`;
}

function writeValue(value: McuValue): readonly [string, string] {
  if (typeof value === 'number') return ['FLT', decimals(value)];
  if (typeof value === 'bigint') return ['INT', String(value)];
  if (typeof value === 'object') {
    if ('json' in value) return ['JSN', value.json];
    if ('int' in value) return ['INT', String(value.int)];
    if ('float32' in value) return ['FLT', decimals(value.float32)];
  }
  return ['STR', textIn(value)];
}

/** In single precision, with up to four decimals. */
const decimals = (number: number): string =>
  Number.isFinite(number) ? String(Number(Math.fround(number).toFixed(4))) : String(number);

const quote = (field: string): string =>
  // eslint-disable-next-line no-control-regex -- control characters need quotes
  field === '' || /[ "\\\u0000-\u001f]/.test(field)
    ? `"${field.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')}"`
    : field;
