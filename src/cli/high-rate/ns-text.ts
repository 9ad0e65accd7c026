const NS_PER_S = 1_000_000_000n;
const LAST_S = BigInt(8.64e12);

let secondOfText = -1n;
let secondText = '';

/** A time as RFC 3339 in UTC, with nine digits after the point. Seconds beyond what a date can be are a plain number. */
export function nsText(ns: bigint): string {
  const second = ns / NS_PER_S;
  const fraction = String(ns % NS_PER_S).padStart(9, '0');
  if (second > LAST_S) return `${String(second)}.${fraction}`;
  if (second !== secondOfText) {
    secondOfText = second;
    secondText = new Date(Number(second) * 1000).toISOString().slice(0, -5);
  }
  return `${secondText}.${fraction}Z`;
}
