/**
 * After a `timeSync` a device reports all its points once, at most once a minute
 * (docs/wire.md, "The wire on one page"). A report of such a round that has no time may
 * be older than the acknowledgement of a setting: a packet whose ack got lost is sent
 * again with the same bytes. So the first report of a point in a round does not prove
 * that the device has changed the point itself.
 *
 * A round lasts {@link ROUND_MS} from the latest `timeSync`, whatever caused it (an
 * opening, a restart, a step of the clock, a probe). Firmware that does not know the
 * rule has no rounds. Its first report after a `timeSync` is treated alike, since the
 * two cannot be told apart; doubted.ts says how its change counts all the same.
 */
import type { Clock } from '../../point/clock.js';
import type { PointRecord } from '../node/replica.js';

/**
 * A device may begin its round up to a minute late. 5,000 points then take some 20 s at
 * 115,200 baud, one packet at a time.
 */
export const ROUND_MS = 90_000;

/** The rounds of one device. */
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
