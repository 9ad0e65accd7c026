import type { OutboxLane } from '../../outbox/outbox.js';
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { LogRateLimiter } from '../../point/log-rate-limiter.js';

/** Part of its room below which a lane that was full has room again. */
const ROOM_AGAIN = 0.9;

/** Hears of it. */
export interface OutboxAlarmHost {
  /** There is no room for points of the device. */
  outboxBecameFull(): void;
}

/** Tells when a link's lane of the outbox is full, and when it has room again. */
export class OutboxAlarm {
  #isFull = false;
  readonly #told: LogRateLimiter;
  #isLogged = false;

  constructor(
    private readonly lane: OutboxLane,
    private readonly host: OutboxAlarmHost,
    clock: Clock,
    private readonly log: Log,
  ) {
    this.#told = new LogRateLimiter(clock);
  }

  /** Points were refused, and there is no room yet. */
  get isFull(): boolean {
    if (this.#isFull && this.lane.used < ROOM_AGAIN) this.#hasRoom();
    return this.#isFull;
  }

  /** The lane has refused points. */
  refused(): void {
    if (this.#isFull) return;
    this.#isFull = true;
    if (this.#told.due('full') > 0) {
      this.#isLogged = true;
      this.log.warn(
        { waiting: this.lane.length },
        'the outbox is full: the device is not acknowledged until SIOT has taken points; ' +
          'outbox.maxBytes gives it more room',
      );
    }
    this.host.outboxBecameFull();
  }

  #hasRoom(): void {
    this.#isFull = false;
    if (this.#isLogged) this.log.info({}, 'the outbox has room again');
    this.#isLogged = false;
  }
}
