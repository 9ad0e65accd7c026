/** The times of a device's points (docs/contract.md, "Times"; docs/siot.md, 1.5). */
import { NS_PER_S } from '../../point/clock.js';
import { OffsetEstimate } from './offset-estimate.js';

/** 1981-01-01. An earlier time counts from the device's own start. */
const REAL_TIME_FROM_NS = 347_155_200n * NS_PER_S;

/** A time further ahead is brought back: nobody else could set the point until then. */
const AHEAD_NS = NS_PER_S;

/**
 * Where the time of a point comes from:
 * - `real`: from the device, as it is
 * - `mapped`: from the device, which counted from its own start
 * - `stamped`: the device gave none; it is the time of arrival
 * - `future`: the device's was too far ahead; it is the time of arrival
 */
export type TimeKind = 'stamped' | 'mapped' | 'future' | 'real';

interface DeviceTime {
  /** Since 1970. */
  readonly ns: bigint;
  readonly kind: TimeKind;
}

/** True for times that count from the device's own start. */
export function countsFromStart(deviceNs: bigint): boolean {
  return deviceNs > 0n && deviceNs < REAL_TIME_FROM_NS;
}

/** The arrival of a packet, by both of the gateway's clocks. */
export interface Arrival {
  /** Wall time, ns; steps when somebody sets the clock. */
  readonly ns: bigint;
  /** Monotonic ms. */
  readonly ms: number;
}

/**
 * Maps times that count from the device's start onto real time. How long ago a time was
 * is computed with clocks that never step, and subtracted from the wall time of the
 * arrival. So a step of the gateway's clock does not change the estimate.
 */
export class DeviceClock {
  readonly #offset = new OffsetEstimate();

  /** The device has restarted, or the channel was opened anew. */
  reset(): void {
    this.#offset.reset();
  }

  /** Learns from a packet; `newestNs`: the latest time in it that counts from the start. */
  learn(newestNs: bigint, arrival: Arrival): void {
    this.#offset.learn(newestNs, arrival.ms);
  }

  /** What a point's time means, ns since the device's start or since 1970. Call {@link learn} for its packet first. */
  map(deviceNs: bigint, arrival: Arrival): DeviceTime {
    // Negative times are Go's "unset" (docs/siot.md, 1.5), or nonsense.
    if (deviceNs <= 0n) return { ns: arrival.ns, kind: 'stamped' };
    if (!countsFromStart(deviceNs)) {
      return deviceNs > arrival.ns + AHEAD_NS
        ? { ns: arrival.ns, kind: 'future' }
        : { ns: deviceNs, kind: 'real' };
    }
    return { ns: arrival.ns - this.#offset.ageNs(deviceNs, arrival.ms), kind: 'mapped' };
  }
}
