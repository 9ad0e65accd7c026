/** Times as 64 bits of nanoseconds since 1970 hold them (docs/siot.md, 1.5). */
import { INT64_MAX, INT64_MIN, isInt64 } from './int64.js';

export const MIN_TIME_NS = INT64_MIN;
/** In the year 2262. */
export const MAX_TIME_NS = INT64_MAX;

/** False: neither generation 2, nor a device, nor the outbox has room for it. */
export const isTime = isInt64;

/** The nearest time that 64 bits hold. */
export function toTime(ns: bigint): bigint {
  if (ns > MAX_TIME_NS) return MAX_TIME_NS;
  return ns < MIN_TIME_NS ? MIN_TIME_NS : ns;
}

/**
 * `wishNs`, or just after `lastNs` where that is later, so that times of a point
 * always increase. After the last time of all there is none: then that one is given
 * again and again (docs/contract.md, "Far times").
 */
export function laterTime(wishNs: bigint, lastNs: bigint): bigint {
  return toTime(wishNs > lastNs ? wishNs : lastNs + 1n);
}
