/**
 * Log lines of a device. All are kept in memory (log-ring.ts). What becomes a point and
 * a line of the gateway's log is limited: thousands a second would fill that log, and
 * SIOT's disk with the point `log`, and take time from other links.
 */
import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { stringValue, type PointValue } from '../../point/point.js';
import type { Counters } from './counters.js';

/** Lines that may come at once, as at a device's start. */
const BURST_LINES = 100;
/** Beyond these, one line is let through in this time, ms. */
const LINE_EVERY_MS = 100;

/** Characters of a line that are kept: SIOT answers with all points of a node in one message. */
const LONGEST_LINE = 1_000;

/** The message of these lines in the gateway's log, whose limit does not apply to them: they are limited here. */
export const DEVICE_SAYS = 'the device says';

/** Points that the gateway makes in the device's name. */
export interface OwnPoints {
  /** Publishes one, now. False: no room for it in the outbox. */
  publishOwn(type: string, key: string, value: PointValue): boolean;
}

/** Who keeps all lines: the link. */
export interface LogKeeper {
  /** The device has written this: a line, or several. */
  logged(text: string): void;
}

/** Takes the log lines of one device. */
export class DeviceLog {
  /** The monotonic ms up to which earlier lines have used the rate. */
  #usedUntilMs = Number.NEGATIVE_INFINITY;
  /** The latest line, while it waits. */
  #waiting: string | undefined;
  #timer: Timer | undefined;

  constructor(
    private readonly points: OwnPoints,
    private readonly counters: Counters,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly keeper: LogKeeper,
  ) {}

  /** The device has written a line: it is kept, and becomes a log line and a point `log`, unless there are too many. */
  line(text: string): void {
    this.keeper.logged(text);
    this.#add(text.slice(0, LONGEST_LINE));
  }

  /** The device has printed a line where packets are due: it is kept. */
  printed(line: string): void {
    this.keeper.logged(line);
  }

  /** Lines that were printed too fast were left out. */
  leftOut(): void {
    this.counters.notice('droppedLog');
  }

  /** The channel is gone: a line that waits is published now. */
  closed(): void {
    const line = this.#takeWaiting();
    if (line !== undefined) this.#publish(line);
  }

  #add(line: string): void {
    const nowMs = this.clock.monotonicMs();
    const earliestMs = nowMs - BURST_LINES * LINE_EVERY_MS;
    const usedUntilMs = Math.max(this.#usedUntilMs, earliestMs) + LINE_EVERY_MS;
    // A line that still waits is replaced by this newer one.
    if (this.#waiting !== undefined) this.counters.notice('droppedLog');
    if (usedUntilMs <= nowMs) {
      this.#usedUntilMs = usedUntilMs;
      this.#takeWaiting();
      this.#publish(line);
      return;
    }
    this.#waiting = line;
    // SIOT shows the last line, also when the device is silent after it.
    this.#timer ??= this.clock.setTimer(usedUntilMs - nowMs, () => {
      const last = this.#takeWaiting();
      if (last !== undefined) this.#add(last);
    });
  }

  #publish(line: string): void {
    this.log.info({ device: line }, DEVICE_SAYS);
    this.points.publishOwn('log', '', stringValue(line));
  }

  #takeWaiting(): string | undefined {
    const line = this.#waiting;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#waiting = undefined;
    return line;
  }
}
