import type { OutboxLane } from '../../outbox/outbox.js';
import { NS_PER_S, type Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { Occasional } from '../../point/occasional.js';
import type { Point } from '../../point/point.js';
import type { Replica } from '../../session/node/replica.js';

/** SchedulerSlot of its room below which a lane that was full has room again. */
const ROOM_AGAIN = 0.9;

/** A link's lane of the outbox, which says when it is full and when there is room again. */
export class LinkLane {
  #isFull = false;
  readonly #told: Occasional;
  #isLogged = false;

  constructor(
    private readonly lane: OutboxLane,
    private readonly clock: Clock,
    private readonly log: Log,
    /** It is full now. */
    private readonly becameFull: () => void,
  ) {
    this.#told = new Occasional(clock);
  }

  /** Points were refused, and there is no room yet. */
  get isFull(): boolean {
    if (this.#isFull && this.lane.used < ROOM_AGAIN) this.#hasRoom();
    return this.#isFull;
  }

  /** Points that are not delivered yet, and not dropped. */
  get length(): number {
    return this.lane.length;
  }

  /** More than half of its room is taken. */
  get isCrowded(): boolean {
    return this.lane.used > 0.5;
  }

  /** See `OutboxLane.put`. */
  put(points: readonly Point[], safe: () => void): boolean {
    if (this.lane.put(points, safe)) return true;
    if (!this.#isFull) this.#refuses();
    return false;
  }

  /**
   * Tells a new replica which times points of before have, so that none falls
   * behind them should the clock have been stepped back since.
   */
  tellTimes(replica: Replica): void {
    const { latestNs } = this.lane;
    if (latestNs <= this.clock.wallNs() + NS_PER_S) replica.allGivenBefore(latestNs);
    // A clock that was years ahead for a moment is to hold only what it has dated:
    // each point behind its own times, and no others. It is worth reading them all.
    else replica.givenBefore(this.#waiting());
  }

  *#waiting(): Generator<Point> {
    for (let at = this.lane.first; at < this.lane.next; at++) {
      const point = this.lane.read(at);
      if (point !== undefined) yield point;
    }
  }

  #refuses(): void {
    this.#isFull = true;
    if (this.#told.due('full') > 0) {
      this.#isLogged = true;
      this.log.warn(
        { waiting: this.lane.length },
        'the outbox is full: the device is not acknowledged until SIOT has taken points; ' +
          'outbox.maxBytes gives it more room',
      );
    }
    this.becameFull();
  }

  #hasRoom(): void {
    this.#isFull = false;
    if (this.#isLogged) this.log.info({}, 'the outbox has room again');
    this.#isLogged = false;
  }
}
