import type { Clock, Timer } from '../point/clock.js';
import type { LimitedLog } from '../point/limited-log.js';
import type { Service } from './services.js';

const TELL_EVERY_MS = 2_000;

/** Tells of log lines that were left out, when no later line of their kind has done so. */
export class LeftOutLines implements Service {
  readonly name = 'log';
  readonly stopByMs = 4_100;
  #timer: Timer | undefined;

  constructor(
    private readonly log: LimitedLog,
    private readonly clock: Clock,
  ) {}

  start(): void {
    this.#timer = this.clock.setTimer(TELL_EVERY_MS, () => {
      this.log.tellLeftOut();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.log.tellLeftOut(true);
  }
}
