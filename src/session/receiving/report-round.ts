/**
 * After a `timeSync` a device reports all its points once, at most once a minute
 * (docs/wire.md, "The wire on one page"). What comes in such a round without a time may
 * have been under way while a setting was acknowledged: a packet whose ack got
 * lost is sent again with the bytes that it had. So the first report of a point
 * in a round is no proof that the device has changed the point itself.
 *
 * A round counts for {@link ROUND_MS} from the latest `timeSync`, whoever was the
 * reason for it (an opening, a restart, a step of the clock, a probe). Firmware
 * that knows nothing of the rule has no rounds; of its reports the first after a
 * `timeSync` is treated alike, since nobody can tell: see doubted.ts for how its
 * change counts all the same.
 */
import type { Clock } from '../../point/clock.js';
import type { PointRecord } from '../node/replica.js';

/**
 * A device may put its round off for a minute after the one before; 5,000 points
 * then take some 20 s at 115,200 baud, one packet at a time.
 */
export const ROUND_MS = 90_000;

export class ReportRound {
  #number = 0;
  #untilMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly clock: Clock) {}

  /** A `timeSync` goes out. */
  timeSent(): void {
    this.#number += 1;
    this.#untilMs = this.clock.monotonicMs() + ROUND_MS;
  }

  /**
   * The device has reported a point. True: for the first time in a round. Hot:
   * called for each point.
   */
  isFirst(record: PointRecord): boolean {
    if (record.round === this.#number) return false;
    record.round = this.#number;
    return this.clock.monotonicMs() < this.#untilMs;
  }
}
