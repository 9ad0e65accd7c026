/** The times of a device's points (design.md, "Times"; siot-interop.md, 1.5). */
import { NS_PER_S } from '../point/clock.js';

/** 1981-01-01: earlier times count from the device's own start. */
const REAL_TIME_FROM_NS = 347_155_200n * NS_PER_S;

/** A time further ahead would lock out everyone else until then. */
const AHEAD_NS = NS_PER_S;

/** How long one estimate of the offset gathers before it replaces the one before. */
const WINDOW_NS = 600n * NS_PER_S;

export type TimeKind = 'stamped' | 'mapped' | 'future' | 'real';

export interface DeviceTime {
  readonly ns: bigint;
  readonly kind: TimeKind;
}

/** True for times that count from the device's own start. */
export function countsFromStart(deviceNs: bigint): boolean {
  return deviceNs > 0n && deviceNs < REAL_TIME_FROM_NS;
}

/**
 * Maps times that count from the device's start onto real time. A packet is
 * never early, so the smallest difference between arrival and device time is
 * the best estimate of the offset; it is taken over the last 10 to 20 minutes,
 * which lets it follow the drift of the device's clock.
 */
export class DeviceClock {
  #window: bigint | undefined;
  #previous: bigint | undefined;
  #windowFromNs = 0n;

  /** The device has restarted, or the channel was opened anew. */
  reset(): void {
    this.#window = undefined;
    this.#previous = undefined;
  }

  /** Learns from a packet; `newestNs`: the latest time in it that counts from the start. */
  learn(newestNs: bigint, arrivalNs: bigint): void {
    const offset = arrivalNs - newestNs;
    const age = arrivalNs - this.#windowFromNs;
    if (this.#window === undefined || age > WINDOW_NS || age < 0n) {
      this.#previous = this.#window;
      this.#window = offset;
      this.#windowFromNs = arrivalNs;
    } else if (offset < this.#window) {
      this.#window = offset;
    }
  }

  /** What a point's time means. Call {@link learn} for its packet first. */
  map(deviceNs: bigint, arrivalNs: bigint): DeviceTime {
    // Negative times are Go's "unset" (siot-interop.md, 1.5), or nonsense.
    if (deviceNs <= 0n) return { ns: arrivalNs, kind: 'stamped' };
    if (!countsFromStart(deviceNs)) {
      return deviceNs > arrivalNs + AHEAD_NS
        ? { ns: arrivalNs, kind: 'future' }
        : { ns: deviceNs, kind: 'real' };
    }
    const offset =
      this.#previous !== undefined && this.#window !== undefined && this.#previous < this.#window
        ? this.#previous
        : (this.#window ?? arrivalNs - deviceNs);
    const mapped = deviceNs + offset;
    return { ns: mapped > arrivalNs ? arrivalNs : mapped, kind: 'mapped' };
  }
}
