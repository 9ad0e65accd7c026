/** Times of the shell protocol: RFC 3339 (docs/siot.md, 3.2). */
import { NS_PER_MS } from '../../point/clock.js';
import { isTime, toTime } from '../../point/time.js';

const TIME =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?:Z|([+-])(\d{2}):(\d{2}))$/;
const NS_PER_MINUTE = 60_000n * NS_PER_MS;

/**
 * A time in ns since 1970; 0 for an empty text, which means none, and for a time that
 * 64 bits do not hold, as Go's year 1. `undefined`: it is no time.
 */
export function parseTime(text: string): bigint | undefined {
  if (text === '') return 0n;
  const found = TIME.exec(text);
  if (found === null) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = found.slice(7);
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  if (Number(offsetHour) > 23 || Number(offsetMinute) > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // 30 February would be a day of March.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  date.setUTCHours(hour, minute, second);
  const offset = BigInt(Number(offsetHour) * 60 + Number(offsetMinute)) * NS_PER_MINUTE;
  const local = BigInt(date.getTime()) * NS_PER_MS + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  const ns = sign === '-' ? local + offset : local - offset;
  return isTime(ns) ? ns : 0n;
}

/** With exactly nine decimals, as SIOT writes it. */
export function formatTime(ns: bigint): string {
  const time = toTime(ns);
  const fraction = ((time % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = new Date(Number((time - fraction) / NS_PER_MS)).toISOString().slice(0, 19);
  return `${seconds}.${fraction.toString().padStart(9, '0')}Z`;
}
