/**
 * What crossed a line last, both ways: what one wants to see after a crash of the
 * device. It is copied into memory that is there from the start.
 */
import { NS_PER_MS, type Clock } from '../../point/clock.js';

/** Packets, or lines, that are kept. */
const UNITS = 64;
/** Bytes of each; of longer ones the rest is not kept. */
const BYTES = 256;

/** A packet, or a line, that crossed the line shortly before. */
export interface RecentUnit {
  /** ns since 1970, UTC. */
  readonly ns: bigint;
  /** `up`: from the device. */
  readonly direction: 'up' | 'down';
  /** Without framing, bytes. */
  readonly length: number;
  /** Without framing; of a long one the first. */
  readonly bytes: Uint8Array;
}

/** The last packets, or lines, of one link. */
export class RecentTraffic {
  readonly #bytes = Buffer.alloc(UNITS * BYTES);
  readonly #lengths = new Uint32Array(UNITS);
  readonly #ms = new Float64Array(UNITS);
  readonly #isUp = new Uint8Array(UNITS);
  /** Units that there have been. */
  #count = 0;

  constructor(private readonly clock: Clock) {}

  /** One without framing has come (up) or is written. Hot. */
  add(direction: 'up' | 'down', unit: Uint8Array): void {
    const slot = this.#count % UNITS;
    this.#bytes.set(unit.length > BYTES ? unit.subarray(0, BYTES) : unit, slot * BYTES);
    this.#lengths[slot] = unit.length;
    this.#ms[slot] = this.clock.monotonicMs();
    this.#isUp[slot] = direction === 'up' ? 1 : 0;
    this.#count += 1;
  }

  /** A copy, the oldest first. */
  all(): RecentUnit[] {
    const nowMs = this.clock.monotonicMs();
    const nowNs = this.clock.wallNs();
    const units: RecentUnit[] = [];
    for (let at = Math.max(0, this.#count - UNITS); at < this.#count; at++) {
      const slot = at % UNITS;
      const length = this.#lengths[slot] ?? 0;
      const from = slot * BYTES;
      const agoMs = Math.round(nowMs - (this.#ms[slot] ?? nowMs));
      units.push({
        ns: nowNs - BigInt(agoMs) * NS_PER_MS,
        direction: this.#isUp[slot] === 1 ? 'up' : 'down',
        length,
        bytes: Uint8Array.from(this.#bytes.subarray(from, from + Math.min(length, BYTES))),
      });
    }
    return units;
  }
}
