/** Times of points: signed 64 bits of ns since 1970, UTC (docs/siot.md, 1.5). */
import { INT64_MAX, INT64_MIN, isInt64 } from './int64.js';

/** In the year 1677. */
export const MIN_TIME_NS = INT64_MIN;
/** In the year 2262. */
export const MAX_TIME_NS = INT64_MAX;

/** Whether a time has 64 bits: generation 2, devices and the outbox hold no other. */
export const isTime = isInt64;

/** The time in ns, limited to what 64 bits hold. */
export function toTime(ns: bigint): bigint {
  if (ns > MAX_TIME_NS) return MAX_TIME_NS;
  return ns < MIN_TIME_NS ? MIN_TIME_NS : ns;
}

/**
 * `wishNs`, or 1 ns after `lastNs` where that is later, so that the times of a point
 * increase. At most {@link MAX_TIME_NS}, also when `lastNs` is that
 * (docs/contract.md, "Far times").
 */
export function laterTime(wishNs: bigint, lastNs: bigint): bigint {
  return toTime(wishNs > lastNs ? wishNs : lastNs + 1n);
}
